//! Both clients, to ask in one way.

use std::ffi::OsString;

use farwire_core::signalling::{Failure, Request, Response};
use farwire_http::{AsyncClient, Client};
use tokio::runtime::{Builder, Runtime};

/// A client that a test asks.
pub(crate) trait Asked {
    fn from_env(is_loopback: bool, lookup: impl FnMut(&str) -> Option<OsString>) -> Self;

    fn perform(&self, request: Request) -> Result<Response, Failure>;
}

impl Asked for Client {
    fn from_env(is_loopback: bool, lookup: impl FnMut(&str) -> Option<OsString>) -> Self {
        Client::from_env(is_loopback, lookup)
    }

    fn perform(&self, request: Request) -> Result<Response, Failure> {
        self.perform(request)
    }
}

/// The client for tasks, with a runtime.
pub(crate) struct OnTokio(AsyncClient, Runtime);

impl Asked for OnTokio {
    fn from_env(is_loopback: bool, lookup: impl FnMut(&str) -> Option<OsString>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        OnTokio(AsyncClient::from_env(is_loopback, lookup), runtime)
    }

    fn perform(&self, request: Request) -> Result<Response, Failure> {
        self.1.block_on(self.0.perform(request))
    }
}

/// Makes a test for each client of each of these.
macro_rules! for_each_client {
    ($($test:ident),+ $(,)?) => {
        mod threads {
            $(#[test] fn $test() { super::$test::<farwire_http::Client>(); })+
        }
        mod tasks {
            $(#[test] fn $test() { super::$test::<crate::clients::OnTokio>(); })+
        }
    };
}

pub(crate) use for_each_client;
