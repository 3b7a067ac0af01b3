//! As much of an SFU as a broker talks to: sessions and the ids of their channels, without a transport.

use std::collections::BTreeMap;

use farwire_core::signalling::{Method, Request, Response};
use serde_json::{Value, json};

use crate::fuzz::choices::Choices;

/// How long a session's name is.
const ID_DIGITS: usize = 32;

const ROOT: &str = "http://sfu.test/v1/apps/app/sessions/";

/// An SFU that is honest unless it is made to fail.
#[derive(Default)]
pub(super) struct Model {
    /// The channels of each session.
    sessions: BTreeMap<String, Vec<Value>>,
    next_session: u32,
    next_id: u16,
}

impl Model {
    /// What a request does, and its answer.
    pub(super) fn answer(&mut self, request: &Request) -> Response {
        let path = request.url.strip_prefix(ROOT).expect("a call on sessions of the app");
        let (session, call) = path.split_once('/').unwrap_or((path, ""));
        let body: Value = request.body.as_deref().map_or(Value::Null, |body| serde_json::from_str(body).expect("JSON"));
        let (status, body) = self.call(request.method.clone(), session, call, &body);
        Response { status, body: body.to_string().into_bytes() }
    }

    /// The session that a request is about; none if it makes one.
    pub(super) fn session_of(request: &Request) -> Option<&str> {
        let path = request.url.strip_prefix(ROOT).expect("a call on sessions of the app");
        path.split('/').next().filter(|session| *session != "new")
    }

    /// Whether there is, or was, a session of this name.
    pub(super) fn has_made(&self, session: &str) -> bool {
        let number = u32::from_str_radix(session, 16).ok().filter(|_| session.len() == ID_DIGITS);
        number.is_some_and(|number| (1..=self.next_session).contains(&number))
    }

    /// Forgets a session, closes one of its channels without being asked to, or gives ids for the second time.
    pub(super) fn fail(&mut self, choices: &mut Choices<'_>) {
        let sessions: Vec<String> = self.sessions.keys().cloned().collect();
        let Some(session) = choices.one_of(&sessions) else { return };
        match (choices.byte() % 3, self.sessions.get_mut(&session)) {
            (0, Some(channels)) => {
                let closed = choices.one_of(channels);
                channels.retain(|channel| Some(channel) != closed.as_ref());
            }
            (1, _) => drop(self.sessions.remove(&session)),
            _ => self.next_id = choices.byte().into(),
        }
    }

    fn call(&mut self, method: Method, session: &str, call: &str, body: &Value) -> (u16, Value) {
        if session == "new" {
            self.next_session += 1;
            let session = format!("{:0ID_DIGITS$x}", self.next_session);
            self.sessions.insert(session.clone(), Vec::new());
            return (201, json!({"sessionId": session}));
        }
        if method == Method::DELETE {
            let status = if self.sessions.remove(session).is_some() { 200 } else { 410 };
            return (status, json!({}));
        }
        let Some(channels) = self.sessions.get(session) else {
            return (410, json!({"errorCode": "session_error", "errorDescription": "gone"}));
        };
        match (method, call) {
            (Method::GET, "") => {
                let events = json!({"location": "remote", "dataChannelName": "server-events", "id": 0});
                let listed: Vec<Value> = std::iter::once(&events).chain(channels).cloned().collect();
                (200, json!({"tracks": [], "dataChannels": listed}))
            }
            (Method::POST, "datachannels/establish") => {
                let answer = json!({"type": "answer", "sdp": "v=0"});
                (200, json!({"requiresImmediateRenegotiation": false, "sessionDescription": answer}))
            }
            (Method::POST, "datachannels/new") => {
                let opened: Vec<Value> = entries(body).map(|entry| self.open(session, entry)).collect();
                (200, json!({"dataChannels": opened}))
            }
            (Method::PUT, "datachannels/close") => {
                let channels = self.sessions.entry(session.to_owned()).or_default();
                channels.retain(|channel| entries(body).all(|entry| entry["id"] != channel["id"]));
                (200, body.clone())
            }
            (method, call) => panic!("the API has no {method} {call:?}"),
        }
    }

    fn open(&mut self, session: &str, entry: &Value) -> Value {
        let (location, name) = (&entry["location"], &entry["dataChannelName"]);
        let is_same = |channel: &Value| channel["location"] == *location && channel["dataChannelName"] == *name;
        let has = |session: &str, is_it: &dyn Fn(&Value) -> bool| {
            self.sessions.get(session).is_some_and(|channels| channels.iter().any(is_it))
        };
        let is_published = |channel: &Value| channel["location"] == "local" && channel["dataChannelName"] == *name;
        let problem = match location == "remote" {
            _ if has(session, &is_same) => Some("repeated_local_track"),
            true if !has(entry["sessionId"].as_str().unwrap_or_default(), &is_published) => Some("not_found_track"),
            _ => None,
        };
        if let Some(code) = problem {
            return json!({"dataChannelName": name, "errorCode": code, "errorDescription": "no"});
        }
        self.next_id = self.next_id.checked_add(1).expect("few channels");
        let channel = json!({"location": location, "dataChannelName": name, "id": self.next_id});
        self.sessions.entry(session.to_owned()).or_default().push(channel.clone());
        channel
    }
}

fn entries(body: &Value) -> impl Iterator<Item = &Value> {
    body["dataChannels"].as_array().into_iter().flatten()
}
