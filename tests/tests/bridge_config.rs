//! Where the settings of robots and operators come from, DimOS's variables among them, and what becomes of the wrong ones.

use std::collections::HashSet;
use std::time::Duration;

use farwire_core::broker::{OperatorConfig, OperatorSettings, RobotConfig, RobotSettings};
use farwire_core::{Config, ConfigError, Dial, Settings};
use proptest::prelude::*;

const FAR: &str = "https://broker.example";

/// A lookup in a table instead of the process's environment.
fn environment<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
}

fn robot() -> RobotConfig {
    RobotConfig::new(FAR, "hunter2").expect("a good config")
}

fn operator() -> OperatorConfig {
    OperatorConfig::new(FAR, "hunter2").expect("a good config")
}

fn times() -> impl Strategy<Value = Duration> {
    (10_000_000u64..=3_600_000_000_000).prop_map(Duration::from_nanos)
}

fn robots() -> impl Strategy<Value = RobotConfig> {
    let names = proptest::option::of("\\PC{0,256}");
    ("[!-~]{1,64}", [names.clone(), names.clone(), names], [times(), times(), times()], any::<bool>()).prop_map(
        |(key, [id, name, kind], [heartbeat, silence, timeout], reconnect)| {
            let mut config = RobotConfig::new(FAR, &key).expect("a good config");
            config = config.heartbeat(heartbeat).operator_silence(silence).connect_timeout(timeout);
            config = id.iter().fold(config, |config, id| config.robot_id(id));
            config = name.iter().fold(config, |config, name| config.robot_name(name));
            config = kind.iter().fold(config, |config, kind| config.robot_type(kind));
            config.reconnect(reconnect)
        },
    )
}

fn operators() -> impl Strategy<Value = OperatorConfig> {
    let robot = proptest::option::of("\\PC{0,256}");
    let session = proptest::option::of("[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}");
    let flags = (any::<bool>(), any::<bool>());
    ("[!-~]{1,64}", robot, session, [times(), times(), times()], flags).prop_map(
        |(token, robot, session, [ping, silence, timeout], (takeover, reconnect))| {
            let mut config = OperatorConfig::new(FAR, &token).expect("a good config");
            config = config.ping_every(ping).robot_silence(silence).connect_timeout(timeout);
            config = robot.iter().fold(config, |config, robot| config.robot(robot));
            config = session.iter().fold(config, |config, session| config.session(session).expect("a good id"));
            config.takeover(takeover).reconnect(reconnect)
        },
    )
}

proptest! {
    #[test]
    fn another_process_gets_an_equal_robot(config in robots()) {
        let json = config.to_json_with_secret();
        let there = RobotConfig::from_json(&json).expect("it is one");
        prop_assert_eq!(&there, &config);
        prop_assert_eq!(&there.robot_type, &config.robot_type);
        prop_assert_eq!(&serde_json::from_str::<RobotConfig>(&json).expect("it is one"), &config);
        prop_assert!(HashSet::from([config]).contains(&there));
    }

    #[test]
    fn another_process_gets_an_equal_operator(config in operators()) {
        let json = config.to_json_with_secret();
        let there = OperatorConfig::from_json(&json).expect("it is one");
        prop_assert_eq!(&there, &config);
        prop_assert_eq!(&serde_json::from_str::<OperatorConfig>(&json).expect("it is one"), &config);
        prop_assert!(HashSet::from([config]).contains(&there));
    }

    #[test]
    fn the_serialised_form_is_for_logs_alone(robot in robots(), operator in operators()) {
        let robot = serde_json::to_value(&robot).expect("plain data");
        let operator = serde_json::to_value(&operator).expect("plain data");
        prop_assert_eq!((robot["key"].as_str(), operator["token"].as_str()), (Some("…redacted…"), Some("…redacted…")));
        let errors = [
            ("key", RobotConfig::from_json(&robot.to_string()).map(drop)),
            ("token", OperatorConfig::from_json(&operator.to_string()).map(drop)),
        ];
        for (field, error) in errors {
            let error = error.expect_err("without its secret").to_string();
            prop_assert!(error.contains(field) && error.contains("to_json_with_secret"), "{}", error);
        }
        prop_assert!(serde_json::from_value::<RobotConfig>(robot).is_err());
        prop_assert!(serde_json::from_value::<OperatorConfig>(operator).is_err());
    }

    #[test]
    fn only_the_kind_of_robot_does_not_count(one in robots(), other in robots(), kind in "[a-z0-9]{1,9}") {
        let same = one.clone().robot_type(&kind);
        prop_assert_eq!(&same, &one);
        prop_assert_eq!(Dial::from(&same), Dial::from(&one));
        prop_assert!(HashSet::from([Dial::from(&one)]).contains(&Dial::from(&same)));
        prop_assert_eq!(same.robot_type.as_deref(), Some(kind.as_str()));
        // Each of these makes another connection.
        let changes: [fn(&mut RobotConfig, &RobotConfig); 8] = [
            |config, _| config.url = "https://other.example".to_owned(),
            |config, other| config.key = other.key.clone(),
            |config, other| config.robot_id.clone_from(&other.robot_id),
            |config, other| config.robot_name.clone_from(&other.robot_name),
            |config, other| config.heartbeat = other.heartbeat,
            |config, other| config.operator_silence = other.operator_silence,
            |config, other| config.connect_timeout = other.connect_timeout,
            |config, other| config.reconnect = other.reconnect,
        ];
        for change in changes {
            let mut changed = one.clone();
            change(&mut changed, &other);
            prop_assert_eq!(changed == one, changed.to_json_with_secret() == one.to_json_with_secret());
        }
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let _ = (RobotConfig::from_toml(&text), RobotConfig::from_json(&text), RobotConfig::new(&text, &text));
        let _ = (OperatorConfig::from_toml(&text), OperatorConfig::from_json(&text), OperatorConfig::new(&text, &text));
        let _ = RobotConfig::from_env(|_| Some(text.clone()));
        let _ = OperatorConfig::from_env(|_| Some(text.clone()));
        let _ = RobotSettings::from_dimos_env(|_| Some(text.clone()));
    }

    #[test]
    fn no_secret_shows_in_an_error(secret in "[A-Z]{12}", at in 0usize..40, junk in "[\\PC\n]{0,20}", toml in any::<bool>()) {
        let text = match toml {
            true => format!("url = 'https://broker.example'\nkey = '{secret}'\nrobot_name = 'rover'\n"),
            false => format!(r#"{{"url": "https://broker.example", "key": "{secret}", "heartbeat": 1}}"#),
        };
        // Never inside of the secret, which would then be another text.
        let at = if at < 20 { at } else { text.len() - (at - 20) };
        let broken = format!("{}{junk}{}", &text[..at], &text[at..]);
        let read = if toml { RobotConfig::from_toml(&broken) } else { RobotConfig::from_json(&broken) };
        let shown = format!("{read:?} {}", read.as_ref().err().map(ToString::to_string).unwrap_or_default());
        prop_assert!(!shown.contains(&secret), "{shown}");
    }
}

#[test]
fn a_text_has_the_fields_of_the_configuration() {
    let toml = "
        url = 'https://broker.example/api/v1/'
        key = 'hunter2'
        robot_id = 'r1'
        robot_name = 'rover'
        robot_type = 'go2'
        heartbeat = 0.5
        operator_silence = 2
        connect_timeout = 20
        reconnect = false";
    let read = RobotConfig::from_toml(toml).expect("all is there");
    let expected = robot().robot_id("r1").robot_name("rover").robot_type("go2").reconnect(false);
    let expected = expected.heartbeat(Duration::from_millis(500)).operator_silence(Duration::from_secs(2));
    assert_eq!(read, expected.connect_timeout(Duration::from_secs(20)));
    assert_eq!(read.robot_type.as_deref(), Some("go2"));

    let json = r#"{"url": "https://broker.example", "token": "hunter2", "robot": "r1", "session": "s1", "takeover": true,
        "ping_every": 0.25, "robot_silence": 1, "connect_timeout": 5.5, "reconnect": false}"#;
    let expected = operator().robot("r1").session("s1").expect("a good id").takeover(true).reconnect(false);
    let expected = expected.ping_every(Duration::from_millis(250)).robot_silence(Duration::from_secs(1));
    assert_eq!(OperatorConfig::from_json(json), Ok(expected.connect_timeout(Duration::from_millis(5500))));
}

#[test]
fn a_secret_shows_nowhere() {
    assert!(!format!("{:?} {:#?}", robot(), operator()).contains("hunter2"));
    let settings = RobotSettings::from_json(r#"{"key": "hunter2"}"#).expect("good settings");
    assert!(!format!("{settings:?}").contains("hunter2"));
    for toml in [
        "key = hunter2",
        "key = 'hunter2",
        "key = ['hunter2']",
        "key = { hunter2 = 1 }",
        "key = 'hunter2'\nkey = 'hunter2'",
        "key = 'hunter2'\nurl = 'ftp://x'",
        "key = 'hunter2 is it'",
        "key = 'x'\nurl = 'http://me:hunter2@h'",
    ] {
        let error = RobotConfig::from_toml(toml).expect_err(toml);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{toml}: {error}");
    }
    for variable in ["FARWIRE_ROBOT_KEY", "TRANSPORTS__BROKER__API_KEY", "TELEOP_API_KEY"] {
        for broker in [None, Some("http://127.0.0.1:1"), Some("ftp://h")] {
            let variables = [(variable, "hunter2 is it"), ("FARWIRE_BROKER", broker.unwrap_or_default())];
            let error = RobotConfig::from_env(environment(&variables)).expect_err(variable);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}

#[test]
fn errors_name_the_field_and_the_way_out() {
    for (toml, told) in [
        ("", ["key is not set", "`farwire keys create robot NAME`"]),
        ("key = ''", ["key is empty", "no HTTP header"]),
        ("key = 'k'\nurl = 'broker.example'", ["url is \"broker.example\"", "looks like http://127.0.0.1:8787"]),
        ("key = 'k'\nheartbeat = 0", ["heartbeat is \"0\"", "seconds from 0.01 to 3600"]),
        ("key = 'k'\noperator_silence = inf", ["operator_silence is \"inf\"", "seconds from 0.01 to 3600"]),
        ("key = 'k'\nconnect_timeout = 3601", ["connect_timeout is \"3601\"", "seconds from 0.01 to 3600"]),
        ("key = 'k'\nconnect_timeout = 'soon'", ["connect_timeout: ", "line 2 column 19"]),
        ("key = 'k'\nrobot_id = \"a\\nb\"", ["robot_id is \"a\\nb\"", "no control character"]),
        ("key = 'k'\nrobot_name = 5", ["robot_name: ", "a string"]),
        ("\ntoken = 'x'", ["unknown field `token`", "`key`"]),
    ] {
        let error = RobotConfig::from_toml(toml).expect_err(toml).to_string();
        assert!(told.iter().all(|told| error.contains(told)), "{toml}: {error}");
    }
    for (json, told) in [
        ("{}", ["token is not set", "`farwire keys create operator --all`"]),
        (r#"{"token": "t", "session": "../x"}"#, ["session is \"../x\"", "1 to 128 characters"]),
        (r#"{"token": "t", "takeover": 1}"#, ["takeover: ", "a boolean"]),
        (r#"{"token": "t", "ping_every": 1e300}"#, ["ping_every is \"1", "seconds from 0.01 to 3600"]),
        (r#"{"token": "t", "token": "t"}"#, ["duplicate field", "token"]),
        (r#"{"key": "t"}"#, ["unknown field `key`", "line 1 column 6"]),
        ("[]", ["JSON", "an object"]),
    ] {
        let error = OperatorConfig::from_json(json).expect_err(json).to_string();
        assert!(told.iter().all(|told| error.contains(told)), "{json}: {error}");
    }
    let long = format!(r#"{{"token": "t", "robot": "{}"}}"#, "x".repeat(257));
    assert!(matches!(OperatorConfig::from_json(&long), Err(ConfigError::Name { name: "robot", .. })));
}

/// What of a configuration a variable changes, as text.
type Look<C> = fn(&C) -> String;

/// Each field's variables, the first of which counts, and how it shows; a value is made from the variable's place.
fn expect_precedence<C>(
    base: &[(&'static str, &'static str)],
    fields: &[(&[&'static str], Look<C>)],
    value: impl Fn(&str, usize) -> String,
    read: impl Fn(&[(&str, &str)]) -> Result<C, ConfigError>,
) {
    for (variables, look) in fields {
        for first in 0..variables.len() {
            // Those before it are set to nothing, which is not set, and those after it to something else.
            let values: Vec<_> = (0..variables.len())
                .map(|place| if place < first { String::new() } else { value(variables[place], place) })
                .collect();
            let mut environment: Vec<_> = variables.iter().copied().zip(values.iter().map(String::as_str)).collect();
            environment.extend(base.iter().filter(|(name, _)| !variables.contains(name)));
            let config = read(&environment).unwrap_or_else(|error| panic!("{environment:?}: {error}"));
            assert_eq!(look(&config), values[first], "{environment:?}");
        }
    }
}

fn url_or_name(variable: &str, place: usize) -> String {
    if variable.ends_with("URL") || variable == "FARWIRE_BROKER" {
        format!("https://broker{place}.example")
    } else {
        format!("value-{place}")
    }
}

#[test]
fn a_robots_own_variables_go_before_those_of_dimos() {
    let base = [("FARWIRE_ROBOT_KEY", "hunter2"), ("FARWIRE_BROKER", FAR)];
    let fields: [(&[&str], Look<RobotConfig>); 5] = [
        (&["FARWIRE_BROKER", "TRANSPORTS__BROKER__BROKER_URL", "TELEOP_BROKER_URL"], |config| config.url.clone()),
        (&["FARWIRE_ROBOT_KEY", "TRANSPORTS__BROKER__API_KEY", "TELEOP_API_KEY"], |config| {
            config.key.reveal().to_owned()
        }),
        (&["FARWIRE_ROBOT_ID", "TRANSPORTS__BROKER__ROBOT_ID", "TELEOP_ROBOT_ID"], |config| {
            config.robot_id.clone().unwrap_or_default()
        }),
        (&["FARWIRE_ROBOT_NAME", "TRANSPORTS__BROKER__ROBOT_NAME"], |config| config.robot_name.clone()),
        (&["FARWIRE_ROBOT_TYPE", "TRANSPORTS__BROKER__ROBOT_TYPE"], |config| {
            config.robot_type.clone().unwrap_or_default()
        }),
    ];
    expect_precedence(&base, &fields, url_or_name, |variables| RobotConfig::from_env(environment(variables)));
}

#[test]
fn an_operators_own_variables_go_before_those_of_dimos() {
    let base = [("FARWIRE_OPERATOR_TOKEN", "hunter2"), ("FARWIRE_BROKER", FAR)];
    let fields: [(&[&str], Look<OperatorConfig>); 3] = [
        (&["FARWIRE_BROKER", "TRANSPORTS__BROKER__BROKER_URL", "TELEOP_BROKER_URL"], |config| config.url.clone()),
        (&["FARWIRE_OPERATOR_TOKEN", "TELEOP_OPERATOR_TOKEN"], |config| config.token.reveal().to_owned()),
        (&["FARWIRE_ROBOT", "TRANSPORTS__BROKER__ROBOT_ID", "TELEOP_ROBOT_ID"], |config| {
            config.robot.clone().unwrap_or_default()
        }),
    ];
    expect_precedence(&base, &fields, url_or_name, |variables| OperatorConfig::from_env(environment(variables)));
}

#[test]
fn an_apps_own_variables_go_before_those_of_dimos() {
    let base =
        [("FARWIRE_URL", "https://sfu.example/v1"), ("FARWIRE_APP_ID", "app"), ("FARWIRE_APP_SECRET", "hunter2")];
    let fields: [(&[&str], Look<Config>); 2] = [
        (&["FARWIRE_APP_ID", "TRANSPORTS__CLOUDFLARE__APP_ID", "CF_TELEOP_APP_ID"], |config| config.app_id.clone()),
        (&["FARWIRE_APP_SECRET", "TRANSPORTS__CLOUDFLARE__APP_SECRET", "CF_TELEOP_APP_SECRET"], |config| {
            config.app_secret.reveal().to_owned()
        }),
    ];
    expect_precedence(&base, &fields, url_or_name, |variables| Config::from_env(environment(variables)));
}

#[test]
fn an_app_of_dimos_is_one_on_cloudflare() {
    let dimos =
        [("CF_TELEOP_APP_ID", "app"), ("CF_TELEOP_APP_SECRET", "hunter2"), ("FARWIRE_URL", "http://127.0.0.1:1/v1")];
    let config = Config::from_env(environment(&dimos[..2])).expect("all is there");
    assert_eq!((config.url.as_str(), config.app_id.as_str()), (Config::CLOUDFLARE_URL, "app"));
    let config = Config::from_env(environment(&dimos)).expect("all is there");
    assert_eq!((config.url.as_str(), config.app_secret.reveal()), ("http://127.0.0.1:1/v1", "hunter2"));
    // Half of it is no reason to dial with the other half's default.
    let error = Config::from_env(environment(&dimos[..1])).expect_err("no secret").to_string();
    assert!(error.starts_with("FARWIRE_APP_SECRET is not set") && error.contains(Config::CLOUDFLARE_URL), "{error}");
    // An own app stays where it was.
    let own = [dimos[0], dimos[1], ("FARWIRE_APP_ID", "own"), ("FARWIRE_APP_SECRET", "own")];
    assert_eq!(Config::from_env(environment(&own)).expect("all is there").url, Config::LOCAL_URL);
}

#[test]
fn no_hosted_broker_is_dialed_unasked() {
    for variable in ["TRANSPORTS__BROKER__API_KEY", "TELEOP_API_KEY"] {
        let error = RobotConfig::from_env(environment(&[(variable, "hunter2")])).expect_err("no broker");
        assert_eq!(error, ConfigError::NoBroker { name: variable });
    }
    let error = OperatorConfig::from_env(environment(&[("TELEOP_OPERATOR_TOKEN", "hunter2")])).expect_err("no broker");
    let error = error.to_string();
    for told in
        ["TELEOP_OPERATOR_TOKEN is set, but no broker", "FARWIRE_BROKER", "TRANSPORTS__BROKER__BROKER_URL", "hosts"]
    {
        assert!(error.contains(told), "{error}");
    }
    let own = RobotConfig::from_env(environment(&[("FARWIRE_ROBOT_KEY", "k")])).expect("this machine's");
    assert_eq!(own.url, RobotConfig::LOCAL_URL);
    let none = RobotConfig::from_env(|_| None).expect_err("no key").to_string();
    assert!(none.starts_with("FARWIRE_ROBOT_KEY is not set"), "{none}");
    // A file may name the broker.
    let dimos = RobotSettings::from_dimos_env(environment(&[("TELEOP_API_KEY", "hunter2")])).expect("readable");
    let file = RobotSettings::from_json(r#"{"url": "https://broker.example"}"#).expect("readable");
    assert_eq!(RobotConfig::try_from(file.or(dimos)), Ok(robot()));
}

#[test]
fn errors_name_the_variable_that_was_read() {
    let good = [("FARWIRE_ROBOT_KEY", "hunter2"), ("FARWIRE_OPERATOR_TOKEN", "hunter2"), ("FARWIRE_BROKER", FAR)];
    for (variable, hides, value) in [
        ("FARWIRE_BROKER", "", "broker.example"),
        ("TRANSPORTS__BROKER__BROKER_URL", "FARWIRE_BROKER", "broker.example"),
        ("TELEOP_BROKER_URL", "FARWIRE_BROKER", "ftp://h"),
        ("FARWIRE_ROBOT_KEY", "", "hunter2 hunter2"),
        ("TRANSPORTS__BROKER__API_KEY", "FARWIRE_ROBOT_KEY", "hunter2 hunter2"),
        ("TELEOP_API_KEY", "FARWIRE_ROBOT_KEY", "\u{1}hunter2"),
        ("TELEOP_ROBOT_ID", "", "a\u{7}b"),
        ("TRANSPORTS__BROKER__ROBOT_NAME", "", "a\u{7}b"),
        ("FARWIRE_CONNECT_TIMEOUT", "", "10s"),
        ("FARWIRE_CONNECT_TIMEOUT", "", "86400"),
        ("TRANSPORTS__BROKER__HEARTBEAT_HZ", "", "0"),
        ("TRANSPORTS__BROKER__HEARTBEAT_HZ", "", "-1"),
        ("TRANSPORTS__BROKER__HEARTBEAT_HZ", "", "1000"),
        ("TRANSPORTS__BROKER__HEARTBEAT_HZ", "", "NaN"),
        ("TRANSPORTS__BROKER__HEARTBEAT_HZ", "", "often"),
    ] {
        let variables: Vec<_> =
            [(variable, value), (hides, "")].into_iter().chain(good).filter(|(name, _)| !name.is_empty()).collect();
        let error = RobotConfig::from_env(environment(&variables)).expect_err(value).to_string();
        assert!(error.starts_with(&format!("{variable} is ")) && !error.contains("hunter2"), "{error}");
        assert!(variable.ends_with("KEY") || error.contains(&format!("{value:?}")), "{error}");
    }
    let variables = [("TELEOP_OPERATOR_TOKEN", "hunter2 hunter2"), ("TELEOP_BROKER_URL", FAR)];
    let error = OperatorConfig::from_env(environment(&variables)).expect_err("no header").to_string();
    assert!(error.starts_with("TELEOP_OPERATOR_TOKEN is empty, or has") && !error.contains("hunter2"), "{error}");
    let variables = [("CF_TELEOP_APP_ID", "a/b"), ("CF_TELEOP_APP_SECRET", "hunter2")];
    let error = Config::from_env(environment(&variables)).expect_err("no path").to_string();
    assert!(error.starts_with("CF_TELEOP_APP_ID is \"a/b\""), "{error}");
    // Put over each other, each still says where it came from.
    let environment = Settings::from_env(environment(&[("FARWIRE_APP_ID", "a/b")])).expect("readable");
    let file = Settings::from_json(r#"{"app_secret": "hunter2 hunter2", "app_id": "c/d"}"#).expect("readable");
    assert_eq!((environment.variable("app_id"), file.variable("app_id")), (Some("FARWIRE_APP_ID"), None));
    let error = Config::try_from(environment.clone().or(file.clone())).expect_err("no path").to_string();
    assert!(error.starts_with("FARWIRE_APP_ID is \"a/b\""), "{error}");
    let error = Config::try_from(file.or(environment)).expect_err("no path").to_string();
    assert!(error.starts_with("app_id is \"c/d\""), "{error}");
}

#[test]
fn a_heartbeat_of_dimos_is_a_rate() {
    for (rate, pause) in [("2", 500), ("0.5", 2000), (" 100 ", 10), ("1e0", 1000)] {
        let variables = [("FARWIRE_ROBOT_KEY", "k"), ("TRANSPORTS__BROKER__HEARTBEAT_HZ", rate)];
        let config = RobotConfig::from_env(environment(&variables)).expect(rate);
        assert_eq!(config.heartbeat, Duration::from_millis(pause), "{rate}");
    }
}

#[test]
fn the_first_source_counts() {
    let first = OperatorSettings::from_json(r#"{"token": "first", "robot": null}"#).expect("good settings");
    let second = OperatorSettings::from_toml("token = 'second'\nrobot = 'r2'").expect("good settings");
    let config = OperatorConfig::try_from(first.or(second)).expect("all is there");
    assert_eq!((config.token.reveal(), config.robot.as_deref()), ("first", Some("r2")));
}
