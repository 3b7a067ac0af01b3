//! `farwire serve`: an SFU and a broker of one's own.

mod first_start;
mod hand_over;
mod in_process;
mod turn_secret;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use farwire_broker::{HttpSfu, IceServer, Server as Broker};
use farwire_listener::{Host, Listener, Origin, Site, Tls};
use farwire_sfu::{Config, Engine, SpawnError};
use serde::Serialize;

use self::first_start::FirstKeys;
use self::hand_over::hand_over;
use self::in_process::InProcess;
use self::turn_secret::{cloudflare_turn, turn_secret};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::settings::{App, DEFAULT_URL, LOCAL_APP_ID, LOCAL_APP_SECRET};
use crate::show::shell_word;
use crate::state::StateFile;
use crate::{log, output};

/// HTTP connections at once: a robot and an operator keep one each.
const MAX_CONNECTIONS: usize = 2048;

/// Files and sockets that so many connections and the rest need.
const DESCRIPTORS: u64 = MAX_CONNECTIONS as u64 + 512;

/// Run an SFU and a broker until Ctrl-C; the other commands find them by themselves on the same machine
///
/// Listens on loopback unless told otherwise. To let other machines in, give it a secret of your own and addresses, and
/// certificates if you have them:
///
///   FARWIRE_APP_SECRET=… farwire serve --http 0.0.0.0:8787 --udp 0.0.0.0:8788 --announce 192.168.1.5
///
/// It answers to localhost, to the addresses at which it is reached and, beyond loopback, to this machine's name: another
/// name needs --allow-host. Web pages may use it from loopback (http://localhost:3000): others need --allow-origin.
///
/// At its first start it prints a key for a robot and a token for an operator; `farwire keys` makes more. It also leaves
/// them in a file that only you can read, where `farwire robot` and `farwire drive` on this machine find them.
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
    /// A name by which it may be asked beside its addresses, such as the one of a proxy in front; several times for several
    #[arg(long = "allow-host", value_name = "NAME")]
    hosts: Vec<Host>,
    /// Where pages may come from that use it in a browser, such as `https://ops.example.com`; several times for several; * is
    /// any page of the web, null any that hides where it is from, as pages from files do
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    origins: Vec<Origin>,
    /// Let other machines read the counters at /metrics
    #[arg(long)]
    public_metrics: bool,
    #[command(flatten)]
    app: App,
    #[command(flatten)]
    state: StateFile,
    /// Leave the first key and token in no file: `farwire robot` and `farwire drive` have to be given theirs
    #[arg(long)]
    no_local_keys: bool,
    /// Speak HTTPS with this certificate, a PEM file with the chain
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Run the broker alone, on another SFU: the root of an API like Cloudflare's, with the app's id and secret
    #[arg(long, env = "FARWIRE_SFU_URL", value_name = "URL")]
    sfu_url: Option<String>,
    /// A STUN or TURN server for robots and operators, as URL or URL,USERNAME,CREDENTIAL; several times for several. Other
    /// users of this machine can see flags, so prefer the variable for credentials, with spaces between servers
    #[arg(
        long = "ice-server",
        env = "FARWIRE_ICE_SERVERS",
        hide_env_values = true,
        value_delimiter = ' ',
        value_name = "SERVER"
    )]
    ice_servers: Vec<String>,
    /// A file with the secret that TURN servers share with this broker (coturn's static-auth-secret): robots and operators get
    /// credentials made of it, good for a day, for each --ice-server for TURN that comes without its own.
    /// FARWIRE_TURN_SECRET may hold the secret itself
    #[arg(long, env = "FARWIRE_TURN_SECRET_FILE", value_name = "FILE")]
    turn_secret_file: Option<PathBuf>,
    /// The id of a key of Cloudflare's TURN servers: robots and operators get credentials of theirs, good for a day
    #[arg(long, env = "FARWIRE_CLOUDFLARE_TURN_KEY_ID", value_name = "ID")]
    cloudflare_turn_key_id: Option<String>,
    /// A file with the API token of that key; FARWIRE_CLOUDFLARE_TURN_API_TOKEN may hold the token itself
    #[arg(long, env = "FARWIRE_CLOUDFLARE_TURN_API_TOKEN_FILE", value_name = "FILE")]
    cloudflare_turn_api_token_file: Option<PathBuf>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<SocketAddr>,
    app_id: &'a str,
    /// Without the API's `/api/v1`, as robots are told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<PathBuf>,
    /// The file in which commands on this machine find the first keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    local_keys: Option<PathBuf>,
    #[serde(flatten)]
    first_keys: Option<&'a FirstKeys>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let app = Sfu::resolve(args)?;
    check(args)?;
    let given = args.ice_servers.iter().filter(|server| !server.is_empty());
    let ice_servers = given.map(|server| ice_server(server)).collect::<Result<Vec<_>, _>>()?;
    let turn_secret =
        turn_secret(args.turn_secret_file.as_deref(), std::env::var("FARWIRE_TURN_SECRET").ok(), &ice_servers)?;
    let cloudflare_turn = cloudflare_turn(
        args.cloudflare_turn_key_id.as_deref(),
        args.cloudflare_turn_api_token_file.as_deref(),
        std::env::var("FARWIRE_CLOUDFLARE_TURN_API_TOKEN").ok(),
    )?;
    log::start(&args.log)?;
    let interrupt = Interrupt::install()?;
    let tls = args.tls_cert.as_deref().zip(args.tls_key.as_deref());
    let tls = tls.map(|(cert, key)| Tls::from_files(cert, key)).transpose().map_err(Failure::usage)?;
    let store = match args.state.open() {
        Ok(store) => Some(store),
        // An SFU alone is of use as well, unless it is the broker that was asked for.
        Err(Failure::Usage(why) | Failure::Failed(why)) if args.state.is_default() && app.elsewhere.is_none() => {
            output::note(format_args!("note: an SFU without a broker: {why}"));
            None
        }
        Err(failure) => return Err(failure),
    };
    let first_keys = store.as_ref().map(FirstKeys::make).transpose()?.flatten();
    raise_descriptors();

    // Dropped in reverse: first nobody comes any more, then the broker closes what it opened, and the SFU is the last.
    let engine = match &app.elsewhere {
        Some(_) => None,
        None => Some(Engine::spawn(app.config(args)).map_err(|error| explain(&error))?),
    };
    let mut config = farwire_broker::Config::new(app.as_seen_by_broker()?);
    config.ice_servers = ice_servers;
    config.turn_secret = turn_secret;
    config.cloudflare_turn = cloudflare_turn;
    let broker = match (store, &engine) {
        (Some(store), Some(engine)) => {
            Some(Broker::spawn(config.ends_sessions(), store, InProcess(engine.caller())).map_err(Failure::failed)?)
        }
        (Some(store), None) => {
            let sfu = HttpSfu::spawn(config.sfu.is_loopback()).map_err(Failure::failed)?;
            Some(Broker::spawn(config, store, sfu).map_err(Failure::failed)?)
        }
        (None, _) => None,
    };
    let site = engine.as_ref().map_or_else(Site::new, Engine::site).max_connections(MAX_CONNECTIONS);
    let site = match &broker {
        Some(broker) => broker.add_to(site),
        None => site,
    };
    let site = match tls {
        Some(tls) => site.tls(tls),
        None => site,
    };
    let site = args.announce.map(Host::from).into_iter().chain(args.hosts.iter().cloned()).fold(site, Site::allow_host);
    let site = args.origins.iter().cloned().fold(site, Site::allow_origin);
    let site = if args.public_metrics { site.public_metrics() } else { site };
    let listener = Listener::spawn(args.http, site).map_err(|error| explain(&SpawnError::Http(args.http, error)))?;

    let base = base_url(&listener, args.announce);
    let api_root = app.elsewhere.clone().unwrap_or_else(|| format!("{base}/v1"));
    let leaves = broker.as_ref().filter(|_| !args.no_local_keys);
    let local_keys = leaves.and_then(|broker| hand_over(broker.state(), first_keys.as_ref(), &base));
    if args.json {
        output::json(&Ready {
            api_root: &api_root,
            udp: engine.as_ref().map(Engine::udp_addr),
            app_id: &app.id,
            broker: broker.is_some().then_some(base.as_str()),
            state: broker.as_ref().map(|broker| broker.state().to_owned()),
            local_keys,
            first_keys: first_keys.as_ref(),
        })?;
    } else {
        if engine.is_some() {
            output::line(format_args!("serving {api_root}"))?;
            output::line(what_to_export(&api_root, &app.id, args.app.given().1))?;
        } else {
            output::line(format_args!("serving a broker on the SFU {api_root}"))?;
        }
        let whose = if args.public_metrics { "" } else { " on this machine" };
        output::line(format_args!("counters for Prometheus{whose}: {base}/metrics"))?;
        if let Some(broker) = &broker {
            output::line(format_args!("broker for robots and operators: {base}"))?;
            output::line(format_args!(
                "its state is in {}; `farwire keys` makes and revokes keys",
                broker.state().display()
            ))?;
        }
        if let Some(keys) = &first_keys {
            output::line(keys.introduction(&base))?;
        }
        if let Some(path) = &local_keys {
            let path = path.display();
            output::line(format_args!("on this machine, `farwire robot` and `farwire drive` find theirs in {path}"))?;
        }
    }
    interrupt.wait();
    drop(listener);
    drop(broker);
    drop(engine);
    if !args.json {
        output::note("stopped");
    }
    Ok(())
}

/// The SFU that the broker drives: the one in this process, or one elsewhere.
struct Sfu {
    elsewhere: Option<String>,
    id: String,
    secret: String,
}

impl Sfu {
    fn resolve(args: &Args) -> Result<Sfu, Failure> {
        let (id, secret) = args.app.given();
        let elsewhere = args.sfu_url.clone().filter(|url| !url.is_empty());
        let settle = |value: Option<&str>, default: &str, variable: &str, flag: &str| match (value, &elsewhere) {
            (Some(value), _) => Ok(value.to_owned()),
            (None, None) => Ok(default.to_owned()),
            (None, Some(url)) => {
                Err(Failure::usage(format_args!("{variable} is not set: export it, or pass {flag} (for {url})")))
            }
        };
        let id = settle(id, LOCAL_APP_ID, "FARWIRE_APP_ID", "--app-id")?;
        let secret = settle(secret, LOCAL_APP_SECRET, "FARWIRE_APP_SECRET", "--app-secret")?;
        let sfu = Sfu { elsewhere, id, secret };
        // What no client could send is not worth serving.
        sfu.as_seen_by_broker()?;
        Ok(sfu)
    }

    fn as_seen_by_broker(&self) -> Result<farwire_core::Config, Failure> {
        let url = self.elsewhere.as_deref().unwrap_or(in_process::API_ROOT);
        farwire_core::Config::new(url, &self.id, &self.secret).map_err(Failure::usage)
    }

    fn config(&self, args: &Args) -> Config {
        let config = Config::new(&self.id, &self.secret).udp(args.udp);
        match args.announce {
            Some(announce) => config.announce(announce),
            None => config,
        }
    }
}

fn ice_server(text: &str) -> Result<IceServer, Failure> {
    let mut parts = text.splitn(3, ',');
    let url = parts.next().filter(|url| ["stun:", "turn:", "turns:"].iter().any(|scheme| url.starts_with(scheme)));
    match (url, parts.next(), parts.next()) {
        (Some(url), None, _) => Ok(IceServer::new(url)),
        (Some(url), Some(username), Some(credential)) => Ok(IceServer::new(url).credentials(username, credential)),
        // What was given may hold a credential, so it is not repeated.
        _ => Err(Failure::usage(
            "an --ice-server is none: it should look like stun:HOST:PORT or turn:HOST:PORT,USERNAME,CREDENTIAL",
        )),
    }
}

/// Lets the process have as many files as it may; without them, connections beyond wait.
fn raise_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < DESCRIPTORS) {
        limit.current = Some(limit.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS)));
        // The system's word is final.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Refuses what would leave the SFU open to everybody, or out of everybody's reach.
fn check(args: &Args) -> Result<(), Failure> {
    if args.sfu_url.as_ref().is_some_and(|url| !url.is_empty()) {
        return note_plain_http(args);
    }
    let (id, secret) = args.app.given();
    let own_secret = secret.is_some_and(|secret| secret != LOCAL_APP_SECRET);
    for (flag, address) in [("--http", args.http), ("--udp", args.udp)] {
        if !address.ip().is_loopback() && !own_secret {
            return Err(Failure::usage(format_args!(
                "{flag} {address} is open to other machines, and everybody knows the default secret: \
                 export FARWIRE_APP_SECRET with one of your own, such as `openssl rand -hex 16` makes, or pass --app-secret"
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
            let config = Config::new(id.unwrap_or_default(), secret.unwrap_or_default());
            config.check_secret(args.http).map_err(|error| {
                Failure::usage(format_args!("--http {error}; export FARWIRE_APP_SECRET with it, or pass --app-secret"))
            })?;
            if !args.http.ip().is_loopback() && args.udp.ip().is_loopback() {
                output::note(format_args!(
                    "note: other machines reach the API, but no data, while --udp listens on {}: \
                     pass --udp 0.0.0.0:0 --announce IP",
                    args.udp.ip()
                ));
            }
            note_plain_http(args)
        }
    }
}

/// A key that crosses a network in the clear is whoever's who listens.
fn note_plain_http(args: &Args) -> Result<(), Failure> {
    if !args.http.ip().is_loopback() && args.tls_cert.is_none() {
        output::note("note: keys and tokens cross the network in the clear without --tls-cert and --tls-key");
    }
    Ok(())
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

/// The URL at which the others can call: a server that listens on every address is called by the announced one.
fn base_url(listener: &Listener, announce: Option<IpAddr>) -> String {
    let address = listener.local_addr();
    let ip = match (address.ip(), announce) {
        (ip, Some(announced)) if ip.is_unspecified() => announced,
        (IpAddr::V4(ip), _) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        (IpAddr::V6(ip), _) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        (ip, _) => ip,
    };
    format!("{}://{}", listener.scheme(), SocketAddr::new(ip, address.port()))
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
        let listen =
            |address: &str| Listener::spawn(address.parse().expect("an address"), Site::new()).expect("a port");
        let (all, one) = (listen("0.0.0.0:0"), listen("127.0.0.1:0"));
        let (all_port, one_port) = (all.local_addr().port(), one.local_addr().port());
        assert_eq!(base_url(&all, "192.168.1.5".parse().ok()), format!("http://192.168.1.5:{all_port}"));
        assert_eq!(base_url(&all, "fd00::5".parse().ok()), format!("http://[fd00::5]:{all_port}"));
        assert_eq!(base_url(&all, None), format!("http://127.0.0.1:{all_port}"));
        assert_eq!(base_url(&one, "192.168.1.5".parse().ok()), format!("http://127.0.0.1:{one_port}"));
    }
}
