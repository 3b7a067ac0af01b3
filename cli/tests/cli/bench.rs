//! `farwire bench`, by counts: how fast it was is nobody's business here.

use std::time::Duration;

use farwire_sfu::{Config, Server};
use serde_json::Value;

use crate::process::{Ended, Running, Scratch};

const LONG: Duration = Duration::from_secs(120);

fn bench(scratch: &Scratch, args: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = scratch.farwire(&["bench"]);
    command.args(args).envs(variables.iter().copied());
    Running::start(command).end(LONG)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
}

#[test]
fn it_measures_in_three_processes() {
    let result = json(&bench(&Scratch::new(), &["--json", "--sizes", "64", "--seconds", "0.3"], &[]).expect(0));
    assert!(result["connect_ms"].as_f64() > Some(0.0), "{result}");
    let runs = result["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!(run["outcome"], "measured", "{run}");
        assert!(run["delivered"].as_u64() > Some(0), "{run}");
        assert!(run["cpu_us_per_message"]["sum"].as_f64() > Some(0.0), "{run}");
        assert!(run["round_trip_us"]["p50"].as_f64() > Some(0.0), "{run}");
    }
    assert_eq!(runs[0]["delivery"], "reliable");
    assert_eq!(runs[0]["lost"], 0, "{}", runs[0]);
}

#[test]
fn nothing_but_too_large_is_a_failure_with_the_limit() {
    let bench = bench(&Scratch::new(), &["--sizes", "300000", "--seconds", "0.3"], &[]).expect(1);
    assert!(bench.stderr.contains("300000 bytes is larger than the 262144 bytes"), "{bench:#?}");
    assert!(!bench.stderr.contains("no message"), "{bench:#?}");
}

#[test]
fn a_matrix_is_json_and_svg() {
    let (scratch, server) = (Scratch::new(), Server::spawn(Config::new("farwire", "farwire-local")).expect("an SFU"));
    let svg = scratch.file("heat.svg", "what was there before");
    let args =
        ["--matrix", "--sizes", "64,4096,524288", "--max-messages", "40", "--drain", "5", "--json", "--svg", &svg];
    let variables = [
        ("FARWIRE_URL", server.api_root()),
        ("DIMOS_BENCH_DURATION_S", "0.2".to_owned()),
        ("DIMOS_BENCH_MAX_MESSAGES", "none: the flag goes first".to_owned()),
    ];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let result = json(&bench(&scratch, &args, &variables).expect(0));
    let settings = &result["settings"];
    assert_eq!((&settings["seconds"], &settings["max_messages"]), (&0.2.into(), &40.into()), "{result}");
    assert_eq!(settings["drain"], 5.0, "{result}");

    let runs = result["runs"].as_array().expect("runs");
    let cells: Vec<_> = runs.iter().map(|run| (run["size"].as_u64(), run["delivery"].as_str())).collect();
    let sizes = [64, 4096, 524_288].map(Some);
    assert_eq!(cells, sizes.map(|size| [(size, Some("reliable")), (size, Some("lossy"))]).concat());
    for run in runs {
        if run["size"] == 524_288 {
            assert_eq!((&run["outcome"], &run["limit_bytes"]), (&"too_large".into(), &262_144.into()), "{run}");
            continue;
        }
        let [sent, delivered, lost] = ["sent", "delivered", "lost"].map(|count| run[count].as_u64().expect("a count"));
        assert!((1..=40).contains(&sent) && sent == delivered + lost, "{run}");
        // The SFU is not the benchmark's.
        assert_eq!(run["cpu_us_per_message"]["sum"], Value::Null, "{run}");
        if run["delivery"] == "reliable" {
            assert_eq!((lost, run["drain_ms"].is_number()), (0, true), "{run}");
        }
    }

    let drawn = std::fs::read_to_string(&svg).expect("an SVG");
    let document = roxmltree::Document::parse(&drawn).expect("well-formed");
    let texts: Vec<_> = document.descendants().filter_map(|node| node.text()).collect();
    assert!(texts.contains(&">256K: too large, a message there has 262144 bytes at most"), "{texts:?}");
    let left = scratch.names();
    assert!(left.iter().all(|name| !name.ends_with(".tmp")), "{left:?}");
}

#[test]
fn a_matrix_is_text_that_needs_no_colours() {
    let variables = [("DIMOS_BENCH_MAX_MESSAGES", "20"), ("DIMOS_BENCH_DURATION_S", "0.2")];
    let args = ["--matrix", "--sizes", "64,1048576", "--reliable"];
    let shown = bench(&Scratch::new(), &args, &variables).expect(0).stdout;
    assert!(shown.contains("1048576 reliable  too large: a message there has 262144 bytes at most"), "{shown}");
    for title in
        ["\nmessages/s, more is better\n", "\nMB/s, ", "\nloss %, less is better\n", "\nCPU us", "\nround trip us, p99"]
    {
        assert!(shown.contains(title), "{title:?}: {shown}");
    }
    assert!(shown.contains("\n           64B     1M\n"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_variable_that_cannot_be_read_is_named() {
    let told = bench(&Scratch::new(), &[], &[("DIMOS_BENCH_DURATION_S", "soon")]).expect(2).stderr;
    assert!(told.contains("DIMOS_BENCH_DURATION_S is \"soon\"") && told.contains("--seconds"), "{told}");
}

#[test]
fn what_fails_does_not_take_the_rest_with_it() {
    let (scratch, server) = (Scratch::new(), Server::spawn(Config::new("farwire", "farwire-local")).expect("an SFU"));
    let svg = scratch.file("heat.svg", "");
    let args = [
        "bench",
        "--matrix",
        "--sizes",
        "64,128,256,512,1024,2048,4096",
        "--reliable",
        "--seconds",
        "0.2",
        "--svg",
        &svg,
    ];
    let mut command = scratch.farwire(&args);
    command.env("FARWIRE_URL", server.api_root());
    let mut bench = Running::start(command);
    while !bench.line(LONG).starts_with("blocking       64 reliable") {}
    drop(server);

    let ended = bench.end(LONG).expect(1);
    assert!(ended.stderr.contains("error: 2 of "), "{ended:#?}");
    let rows: Vec<_> = ended.stdout.lines().filter(|line| line.contains(" reliable  failed: ")).collect();
    assert_eq!(rows.len(), 2, "{ended:#?}");
    // The second failure in a row is the last.
    assert!(ended.stdout.contains(" failed failed\n") && !ended.stdout.contains("4096 reliable"), "{ended:#?}");
    assert!(std::fs::read_to_string(&svg).expect("an SVG").ends_with("</svg>\n"));
}
