//! `farwire serve`: an SFU of one's own.

use std::io;
use std::net::{IpAddr, SocketAddr};

use farwire_sfu::{Config, Server, SpawnError};
use serde::Serialize;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::settings::{App, DEFAULT_URL, LOCAL_APP_ID, LOCAL_APP_SECRET};
use crate::show::shell_word;
use crate::{log, output};

/// Run an SFU until Ctrl-C; the other commands find it by themselves on the same machine
///
/// Listens on loopback unless told otherwise. To let other machines in, give it a secret of your own and addresses:
///
///   FARWIRE_APP_SECRET=… farwire serve --http 0.0.0.0:8787 --udp 0.0.0.0:8788 --announce 192.168.1.5
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Where the API listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    http: SocketAddr,
    /// Where the data arrives; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    udp: SocketAddr,
    /// The address of this machine as the others reach it; needed when --udp is 0.0.0.0
    #[arg(long, value_name = "IP")]
    announce: Option<IpAddr>,
    #[command(flatten)]
    app: App,
    /// Print one JSON object when ready
    #[arg(long)]
    json: bool,
    /// How much to tell on standard error of what goes on
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = ["off", "error", "warn", "info", "debug"])]
    log: String,
}

#[derive(Serialize)]
struct Ready<'a> {
    api_root: &'a str,
    udp: SocketAddr,
    app_id: &'a str,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    check(args)?;
    log::start(&args.log)?;
    let interrupt = Interrupt::install()?;
    let (app_id, own_secret) = args.app.given();
    let app_id = app_id.unwrap_or(LOCAL_APP_ID);
    let app_secret = own_secret.unwrap_or(LOCAL_APP_SECRET);
    // What no client could send is not worth serving.
    farwire_blocking::Config::new(DEFAULT_URL, app_id, app_secret).map_err(Failure::usage)?;
    let mut config = Config::new(app_id, app_secret).http(args.http).udp(args.udp);
    if let Some(announce) = args.announce {
        config = config.announce(announce);
    }
    let server = Server::spawn(config).map_err(|error| explain(&error))?;
    let api_root = reachable(server.api_root(), args.http, args.announce);
    if args.json {
        output::json(&Ready { api_root: &api_root, udp: server.udp_addr(), app_id })?;
    } else {
        output::line(format_args!("serving {api_root}"))?;
        output::line(what_to_export(&api_root, app_id, own_secret))?;
        output::line(format_args!("counters for Prometheus: {}", metrics_url(&api_root)))?;
    }
    interrupt.wait();
    if !args.json {
        output::note("stopped");
    }
    Ok(())
}

/// Refuses what would leave the SFU open to everybody, or out of everybody's reach.
fn check(args: &Args) -> Result<(), Failure> {
    let (_, secret) = args.app.given();
    let own_secret = secret.is_some_and(|secret| secret != LOCAL_APP_SECRET);
    for (flag, address) in [("--http", args.http), ("--udp", args.udp)] {
        if !address.ip().is_loopback() && !own_secret {
            return Err(Failure::usage(format_args!(
                "{flag} {address} is open to other machines, and everybody knows the default secret: \
                 export FARWIRE_APP_SECRET with one of your own, or pass --app-secret"
            )));
        }
    }
    match args.announce {
        None if args.udp.ip().is_unspecified() => Err(Failure::usage(format_args!(
            "--udp {} is every address of this machine, and the others must be told one: \
             pass --announce with the IP at which they reach this machine",
            args.udp
        ))),
        Some(announce) if announce.is_unspecified() => {
            Err(Failure::usage(format_args!("--announce {announce} is no address that others can reach: name one")))
        }
        Some(announce) if args.udp.ip().is_loopback() && !announce.is_loopback() => Err(Failure::usage(format_args!(
            "nothing can arrive for --announce {announce} while --udp listens on {}: pass --udp 0.0.0.0:{}",
            args.udp.ip(),
            args.udp.port()
        ))),
        _ => {
            if !args.http.ip().is_loopback() && args.udp.ip().is_loopback() {
                output::note(format_args!(
                    "note: other machines reach the API, but no data, while --udp listens on {}: \
                     pass --udp 0.0.0.0:0 --announce IP",
                    args.udp.ip()
                ));
            }
            Ok(())
        }
    }
}

/// Turns the most common reason not to start into something to do.
fn explain(error: &SpawnError) -> Failure {
    let (flag, address) = match error {
        SpawnError::Http(address, cause) if cause.kind() == io::ErrorKind::AddrInUse => ("--http", address),
        SpawnError::Udp(address, cause) if cause.kind() == io::ErrorKind::AddrInUse => ("--udp", address),
        _ => return Failure::failed(error),
    };
    let any_port = SocketAddr::new(address.ip(), 0);
    Failure::failed(format_args!(
        "{flag} {address} is in use, perhaps by another `farwire serve`: \
         stop that one, or pass {flag} {any_port} for a free port"
    ))
}

/// The API root as the others can call it: an SFU that listens on every address names one for its own machine only.
fn reachable(api_root: String, http: SocketAddr, announce: Option<IpAddr>) -> String {
    let port = api_root.trim_end_matches("/v1").rsplit(':').next().and_then(|port| port.parse().ok());
    match (announce, port) {
        (Some(ip), Some(port)) if http.ip().is_unspecified() => {
            format!("http://{}/v1", SocketAddr::new(ip, port))
        }
        _ => api_root,
    }
}

fn metrics_url(api_root: &str) -> String {
    format!("{}/metrics", api_root.strip_suffix("/v1").unwrap_or(api_root))
}

fn what_to_export(api_root: &str, app_id: &str, own_secret: Option<&str>) -> String {
    let mut settings = Vec::new();
    if api_root != DEFAULT_URL {
        settings.push(format!("FARWIRE_URL={api_root}"));
    }
    if app_id != LOCAL_APP_ID {
        settings.push(format!("FARWIRE_APP_ID={}", shell_word(app_id)));
    }
    // The user knows it; this screen may be somebody else's to see.
    if own_secret.is_some_and(|secret| secret != LOCAL_APP_SECRET) {
        settings.push("FARWIRE_APP_SECRET=<the secret you gave>".to_owned());
    }
    if settings.is_empty() {
        "other terminals need no settings: try `farwire pub odom` and `farwire sub odom`".to_owned()
    } else {
        format!("in other terminals, first:\n  export {}", settings.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_only_what_is_needed_and_no_secret() {
        assert!(what_to_export(DEFAULT_URL, LOCAL_APP_ID, None).contains("no settings"));
        let url = "http://127.0.0.1:9/v1";
        let moved = what_to_export(url, LOCAL_APP_ID, Some(LOCAL_APP_SECRET));
        assert!(moved.ends_with("export FARWIRE_URL=http://127.0.0.1:9/v1"), "{moved}");
        let own = what_to_export(url, "my app", Some("hunter2"));
        assert!(own.ends_with("FARWIRE_APP_ID='my app' FARWIRE_APP_SECRET=<the secret you gave>"), "{own}");
    }

    #[test]
    fn an_unspecified_address_is_shown_as_the_announced_one() {
        let root = || "http://127.0.0.1:8787/v1".to_owned();
        let (all, one) = (SocketAddr::from(([0; 4], 0)), SocketAddr::from(([127, 0, 0, 1], 0)));
        assert_eq!(reachable(root(), all, "192.168.1.5".parse().ok()), "http://192.168.1.5:8787/v1");
        assert_eq!(reachable(root(), all, "fd00::5".parse().ok()), "http://[fd00::5]:8787/v1");
        assert_eq!(reachable(root(), all, None), root());
        assert_eq!(reachable(root(), one, "192.168.1.5".parse().ok()), root());
    }
}
