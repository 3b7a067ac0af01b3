//! The way from the broker to the SFU in the same process.

use farwire_broker::{Answer, SfuTransport};
use farwire_core::signalling::{Method, Request, Response};
use farwire_sfu::Caller;

/// What an SFU in this process is called; nothing listens there.
pub(super) const API_ROOT: &str = "http://sfu.in-process/v1";

/// Hands requests to the SFU's thread.
pub(super) struct InProcess(pub(super) Caller);

impl SfuTransport for InProcess {
    fn start(&mut self, request: Request, answer: Answer) {
        let path = request.url.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
        let Some(path) = path else { return };
        if request.method == Method::DELETE {
            let id = path.rsplit('/').next().unwrap_or_default().to_owned();
            return self.0.end_session(id, |was_there| {
                let status = if was_there { 200 } else { 410 };
                answer.send(Ok(Response { status, body: b"{}".to_vec() }));
            });
        }
        let authorization = request.header("authorization").map(str::to_owned);
        let body = request.body.unwrap_or_default().into_bytes();
        self.0.call(request.method, path, authorization, body, |response| answer.send(Ok(response)));
    }
}
