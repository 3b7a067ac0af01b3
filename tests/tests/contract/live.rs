//! The blocking driver against Cloudflare itself, or whatever SFU the environment names.

use std::env;
use std::thread;
use std::time::Duration;

use crate::Driver;
use farwire_blocking::{Config, connect};

crate::contract!([#[ignore = "needs FARWIRE_LIVE=1 and credentials"]] Live);

const CLOUDFLARE: &str = "https://rtc.live.cloudflare.com/v1";

/// An SFU that is shared with the world.
struct Live {
    config: Config,
}

impl Driver for Live {
    type Connection = farwire_blocking::Connection;

    const WAY_TO_SFU: Duration = Duration::from_millis(300);

    fn start() -> Option<Live> {
        if env::var("FARWIRE_LIVE").as_deref() != Ok("1") {
            eprintln!("not run: set FARWIRE_LIVE=1, FARWIRE_APP_ID and FARWIRE_APP_SECRET");
            return None;
        }
        let variable = |name: &str| match name {
            "FARWIRE_URL" => env::var(name).ok().or(Some(CLOUDFLARE.to_owned())),
            // Whom to subscribe to is the rows' business.
            "FARWIRE_PUBLISHER_SESSION" => None,
            _ => env::var(name).ok(),
        };
        Some(Live { config: Config::from_env(variable).expect("credentials in the environment") })
    }

    fn config(&self) -> Config {
        self.config.clone()
    }

    fn connect(&self, config: Config) -> Result<farwire_blocking::Connection, String> {
        connect(config).map_err(|error| error.to_string())
    }

    fn connect_within(&self, config: Config, limit: Duration) -> Result<farwire_blocking::Connection, String> {
        self.connect(config.connect_timeout(limit))
    }

    fn sessions(&self) -> Option<usize> {
        None
    }

    fn pass(&self) {
        thread::sleep(Duration::from_millis(10));
    }
}
