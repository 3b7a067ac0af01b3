//! A broker that answers robots as the hosted one is documented to, on farwire's SFU, which it drives by Cloudflare's API.
//! It knows no operators: a test names the sessions to bridge.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use farwire_core::ChannelName;
use farwire_core::signalling::{Method, Request, RequestId, Response, header};
use farwire_listener::{Incoming, Listener, Route, Site};
use serde_json::{Value, json};

/// The longest that anything may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);

pub(crate) const KEY: &str = "dimos_sk_test";

/// How the broker treats one heartbeat.
pub(crate) enum Beat {
    /// With this status, and nothing that a robot could read.
    Refused(u16),
    /// Well, but for the body, which is no JSON.
    Garbled,
    /// As usual, but only when [`Hosted::release`] is called.
    Held,
    /// With an offer of the SFU's.
    Offering(String),
}

#[derive(Default)]
pub(crate) struct State {
    /// The robots' sessions on the SFU, in the order in which they were registered.
    pub(crate) sessions: Vec<String>,
    /// What the SFU answered the robot that was registered last.
    pub(crate) sdp_answer: String,
    /// Tries to register that are refused before one succeeds.
    pub(crate) refusals: u32,
    /// What the robot is told of its channels: cmd, state, back, map.
    pub(crate) ids: Option<[u16; 4]>,
    /// The next heartbeats; those after them are answered as usual.
    pub(crate) beats: VecDeque<Beat>,
    /// Heartbeats that were answered as usual.
    pub(crate) answered: u32,
    /// Heartbeats that are held.
    pub(crate) held: u32,
    /// What the robot answered to offers.
    pub(crate) renegotiated: Vec<String>,
    /// The session that the robot ended.
    pub(crate) deleted: Option<String>,
}

pub(crate) struct Hosted {
    pub(crate) listener: Listener,
    pub(crate) sfu: farwire_sfu::Server,
    inner: Arc<Inner>,
}

struct Inner {
    api_root: String,
    http: farwire_http::Client,
    state: Mutex<State>,
    changed: Condvar,
}

impl Hosted {
    pub(crate) fn spawn() -> Hosted {
        let sfu = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU on loopback");
        let inner = Arc::new(Inner {
            api_root: sfu.api_root(),
            http: farwire_http::Client::new(true),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let serves = Arc::clone(&inner);
        let route = Route::new("/api/v1/sessions", move |incoming, reply| {
            let inner = Arc::clone(&serves);
            // The SFU is asked meanwhile, and heartbeats may be held.
            thread::spawn(move || reply.send(inner.answer(&incoming)));
        });
        let site = Site::new().route(route.header("x-robot-api-key"));
        let listener = Listener::spawn(([127, 0, 0, 1], 0).into(), site).expect("a port");
        Hosted { listener, sfu, inner }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().expect("no test has failed")
    }

    /// Waits until something holds.
    pub(crate) fn wait(&self, what: &str, mut holds: impl FnMut(&State) -> bool) -> MutexGuard<'_, State> {
        let (state, waited) =
            self.inner.changed.wait_timeout_while(self.state(), WITHIN, |state| !holds(state)).expect("no test failed");
        assert!(!waited.timed_out(), "it does not come to this: {what}");
        state
    }

    /// Waits until so many heartbeats more are answered as usual, each after what was ordered before it.
    pub(crate) fn beats(&self, count: u32) {
        let until = self.state().answered + count;
        drop(self.wait("heartbeats", |state| state.answered >= until && state.beats.is_empty()));
    }

    /// Answers the heartbeats that are held.
    pub(crate) fn release(&self) {
        self.state().held = 0;
        self.inner.changed.notify_all();
    }

    /// Opens the four channels between an operator's session on the SFU and the robot's, and tells the robot. What the
    /// robot publishes already it goes on to publish.
    pub(crate) fn bridge(&self, operator: &str) {
        let lossy = json!({"ordered": false, "maxRetransmits": 0});
        let cmd = self.allocate("cmd_unreliable", Some(operator), &lossy);
        let state = self.allocate("state_reliable", Some(operator), &json!({}));
        let before = self.state().ids;
        let [back, map] = before.map_or_else(
            || [self.allocate("state_reliable_back", None, &json!({})), self.allocate("map_unreliable", None, &lossy)],
            |[_, _, back, map]| [back, map],
        );
        self.state().ids = Some([cmd, state, back, map]);
    }

    /// The robot's id of a channel; `None`: it publishes it.
    fn allocate(&self, name: &str, publisher: Option<&str>, delivery: &Value) -> u16 {
        let mut entry = delivery.clone();
        // As farwire's own client, which is the operator here, names the channels of its topics.
        entry["dataChannelName"] = ChannelName::published(name).to_string().into();
        entry["location"] = if publisher.is_some() { "remote" } else { "local" }.into();
        if let Some(publisher) = publisher {
            entry["sessionId"] = publisher.into();
        }
        let answer = self.ask_for_robot(Method::POST, "new", &entry);
        let id = answer["dataChannels"][0]["id"].as_u64().unwrap_or_else(|| panic!("{answer}"));
        u16::try_from(id).expect("a stream id")
    }

    /// Closes the robot's channels on the SFU, and tells the robot nothing.
    pub(crate) fn close_channels(&self) {
        let ids = self.state().ids.expect("they are open");
        for id in ids {
            self.ask_for_robot(Method::PUT, "close", &json!({"id": id}));
        }
    }

    fn ask_for_robot(&self, method: Method, call: &str, entry: &Value) -> Value {
        let robot = self.state().sessions.last().cloned().expect("a robot");
        let path = format!("/sessions/{robot}/datachannels/{call}");
        self.inner.ask_sfu(method, &path, Some(&json!({"dataChannels": [entry]})))
    }

    /// What the SFU said of itself as an offer, with audio.
    pub(crate) fn offer(&self) -> String {
        let answer = self.state().sdp_answer.clone();
        let mid = answer.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("a mid");
        let lines = answer.lines().map(|line| match line {
            _ if line.starts_with("a=setup:") => "a=setup:actpass".to_owned(),
            _ if line.starts_with("a=group:BUNDLE") => format!("a=group:BUNDLE {mid} audio"),
            _ => line.to_owned(),
        });
        let audio = [
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "c=IN IP4 0.0.0.0",
            "a=mid:audio",
            "a=sendonly",
            "a=rtcp-mux",
            "a=rtpmap:111 opus/48000/2",
        ];
        lines.chain(audio.map(str::to_owned)).map(|line| line + "\r\n").collect()
    }
}

impl Inner {
    fn answer(&self, incoming: &Incoming) -> Response {
        assert_eq!(incoming.header("x-robot-api-key"), Some(KEY));
        let path = incoming.path.strip_prefix("/api/v1/sessions").expect("the route's prefix");
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let body: Value = serde_json::from_slice(&incoming.body).unwrap_or_default();
        let answer = match (incoming.method.clone(), &parts[..]) {
            (Method::GET, ["turn-credentials"]) => json!({
                "ice_servers": [
                    {"urls": ["stun:stun.test:3478", "turns:turn.test:5349?transport=tcp"], "username": "u", "credential": "c"},
                    {"urls": "stun:other.test"},
                ],
                "ttl": 86_400,
            }),
            (Method::POST, []) => match self.register(&body) {
                Some(answer) => answer,
                None => return refusal(500),
            },
            (Method::POST, [_, "heartbeat"]) => return self.heartbeat(),
            (Method::POST, [_, "renegotiate-robot"]) => {
                self.change(|state| state.renegotiated.push(text(&body["sdp_answer"])));
                json!({"status": "ok"})
            }
            (Method::DELETE, [session]) => {
                self.change(|state| state.deleted = Some((*session).to_owned()));
                json!({"status": "ended"})
            }
            _ => return refusal(404),
        };
        Response { status: 200, body: answer.to_string().into() }
    }

    fn register(&self, body: &Value) -> Option<Value> {
        let refused = self.change(|state| state.refusals.checked_sub(1).map(|left| state.refusals = left).is_some());
        if refused {
            return None;
        }
        let session = text(&self.ask_sfu(Method::POST, "/sessions/new", None)["sessionId"]);
        let establish = json!({
            "dataChannel": {"location": "remote", "dataChannelName": "server-events"},
            "sessionDescription": {"type": "offer", "sdp": body["sdp_offer"]},
        });
        let path = format!("/sessions/{session}/datachannels/establish");
        let answer = text(&self.ask_sfu(Method::POST, &path, Some(&establish))["sessionDescription"]["sdp"]);
        let number = self.change(|state| {
            state.sdp_answer.clone_from(&answer);
            state.sessions.push(session);
            state.sessions.len()
        });
        Some(json!({
            "session_id": format!("sess_{number}"),
            "robot_id": "from-the-key",
            "robot_name": body["robot_name"],
            "sdp_answer": answer,
            "region": {"name": "somewhere"},
        }))
    }

    fn heartbeat(&self) -> Response {
        let mut offer = None;
        match self.change(|state| state.beats.pop_front()) {
            Some(Beat::Refused(status)) => return refusal(status),
            Some(Beat::Garbled) => return Response { status: 200, body: b"<html>".to_vec() },
            Some(Beat::Held) => {
                self.change(|state| state.held += 1);
                let state = self.state.lock().expect("no test has failed");
                drop(self.changed.wait_timeout_while(state, WITHIN, |state| state.held > 0));
            }
            Some(Beat::Offering(sdp)) => offer = Some(sdp),
            None => {}
        }
        let ids = self.change(|state| {
            state.answered += 1;
            state.ids.map_or([None; 4], |ids| ids.map(Some))
        });
        let answer = json!({
            "status": "active",
            "cmd_channel_subscriber_id": ids[0],
            "state_channel_subscriber_id": ids[1],
            "state_back_channel_publisher_id": ids[2],
            "map_channel_publisher_id": ids[3],
            "renegotiate_offer": offer,
            "operator": {"name": "somebody"},
            "server_time": 1_800_000_000.5,
        });
        Response { status: 200, body: answer.to_string().into() }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.lock().expect("no test has failed"));
        self.changed.notify_all();
        changed
    }

    fn ask_sfu(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/apps/app{path}", self.api_root);
        let mut request = Request::new(RequestId(0), method, url, WITHIN);
        request = request.with_secret(header::AUTHORIZATION, "Bearer secret");
        request.body = body.map(Value::to_string);
        let response = self.http.perform(request).expect("an answer of the SFU");
        serde_json::from_slice(&response.body).expect("JSON")
    }
}

fn refusal(status: u16) -> Response {
    Response { status, body: br#"{"detail":"no"}"#.to_vec() }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
