//! A robot and an operator whose broker answers, and whose far end says, anything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farwire_core::broker::{Errand, ErrandId, OperatorConfig, RobotConfig};
use farwire_core::signalling::Failure;
use farwire_core::{Delivery, TopicId, TransportId};

use super::choices::Choices;
use crate::{Fate, Node, World};

/// Decisions in one run.
const MAX_STEPS: usize = 48;

/// What is queued has left by then, and a heartbeat was answered.
const SETTLED: Duration = Duration::from_secs(2);

const CHANNELS: [&str; 4] = ["cmd_unreliable", "state_reliable", "state_reliable_back", "map_unreliable"];

/// Answers that a broker could give, with places for a value and a text.
const ANSWERS: [&str; 11] = [
    r#"{"cmd_channel_subscriber_id":#,"state_channel_subscriber_id":#,"state_back_channel_publisher_id":#,"map_channel_publisher_id":#}"#,
    r#"{"state_channel_subscriber_id":#,"renegotiate_offer":"$"}"#,
    r#"{"cmd_channel_id":#,"state_channel_id":#,"state_back_channel_id":#,"map_channel_id":#}"#,
    r#"{"session_id":"$","sdp_answer":"$"}"#,
    r#"{"sdp_answer":"$","operator_id":"$"}"#,
    r#"{"sessions":[{"robot_id":"r","state":"$","session_id":"$"}]}"#,
    r#"{"sessions":[{"robot_id":"$","state":"available"},{"robot_id":"$"}]}"#,
    r#"[{"robot_id":"r","state":"idle","session_id":"$","operator_id":"$","rtt_ms":#}]"#,
    r#"{"ack":true}"#,
    r#"{"ice_servers":[{"urls":"$"},{"urls":["$"],"username":"$","credential":"$"},#]}"#,
    r#"{"errorCode":"$","errorDescription":"$"}"#,
];

/// What could be said on the state channels.
const MESSAGES: [&str; 5] = [
    r#"{"type":"ping","client_ts":#}"#,
    r#"{"type":"pong","client_ts":#,"robot_ts":#}"#,
    r#"{"type":"clock_report","rtt_ms":#}"#,
    r#"{"type":"$"}"#,
    "{",
];

const VALUES: [&str; 12] =
    ["null", "0", "1", "2", "3", "100", "65535", "65536", "-1", "1800000000.5", "1e308", r#""x""#];

/// Feeds a robot and an operator, whose broker and SFU are honest in between, so that they come to something.
pub fn bridge_inputs(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut rig = Rig::new();
    for _ in 0..MAX_STEPS {
        if choices.is_empty() {
            break;
        }
        rig.step(&mut choices);
    }
    rig.end();
}

struct Rig {
    world: World,
    nodes: [Node; 2],
    topics: Vec<(Node, TopicId)>,
    errands: Vec<(Node, ErrandId)>,
    /// What becomes of the next requests.
    fates: Arc<Mutex<VecDeque<Fate>>>,
    key: String,
}

impl Rig {
    fn new() -> Rig {
        let mut world = World::new(1);
        world.open_broker();
        let fates = Arc::<Mutex<VecDeque<Fate>>>::default();
        let drawn = Arc::clone(&fates);
        world.script(move |_| drawn.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Fate::Pass));
        let (key, token) = (world.robot_key("r"), world.operator_token());
        let robot = RobotConfig::new("http://broker.test", &key).expect("a good config");
        let operator = OperatorConfig::new("http://broker.test", &token).expect("a good config");
        let nodes = [world.add(robot), world.add(operator)];
        Rig { world, nodes, topics: Vec::new(), errands: Vec::new(), fates, key }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        let node = self.nodes[choices.below(2)];
        match choices.byte() % 16 {
            0..=2 => {
                let fate = fate(choices);
                self.fates.lock().unwrap_or_else(PoisonError::into_inner).push_back(fate);
            }
            3 => {
                let name = choices.one_of(&CHANNELS).unwrap_or("t");
                let (now, topic) = (self.world.now(), farwire_core::Topic::new(name).expect("a topic"));
                if let Ok(id) = self.world.peer(node).topic(now, &topic, Delivery::LOSSY) {
                    self.topics.push((node, id));
                }
            }
            4 => {
                let name = choices.one_of(&CHANNELS).unwrap_or("t");
                let (now, topic) = (self.world.now(), farwire_core::Topic::new(name).expect("a topic"));
                let _ = self.world.peer(node).subscribe(now, &topic, Delivery::RELIABLE);
            }
            5..=7 => {
                let Some((node, id)) = choices.one_of(&self.topics) else { return };
                let text = choices.one_of(&MESSAGES).map(|text| filled(text, choices)).unwrap_or_default();
                let bytes = if choices.flag() { text.into_bytes() } else { choices.bytes().to_vec() };
                let (now, binary) = (self.world.now(), choices.flag());
                let _ = self.world.peer(node).publish(now, id, binary, &bytes);
            }
            8 => {
                let transport = TransportId::new(choices.below(2)).expect("there are so many");
                let now = self.world.now();
                self.world.peer(node).handle_datagram(now, transport, super::SFU, choices.bytes());
            }
            9 => self.world.cut_off(node),
            10 => self.world.plug_in(node),
            11 => match choices.byte() % 8 {
                0 => self.world.take_down(),
                1 => self.world.restart_broker(),
                2 => self.world.revoke(&self.key),
                _ => self.world.bring_up(),
            },
            15 => {
                let to = choices.flag().then(|| String::from_utf8_lossy(choices.bytes()).into_owned());
                let errand = if choices.flag() { Errand::Roster } else { Errand::HandOver { to } };
                let now = self.world.now();
                if let Ok(id) = self.world.peer(node).errand(now, errand) {
                    self.errands.push((node, id));
                }
            }
            _ => self.world.run_for(Duration::from_millis(u64::from(choices.short()) / 4)),
        }
    }

    /// Whatever happened, a connection that is closed ends, and one whose far ends are honest again comes back unless it was
    /// refused for good.
    fn end(&mut self) {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.nodes.iter().for_each(|node| self.world.plug_in(*node));
        self.world.bring_up();
        // Once both are up or over, nothing else would come of the rest of that time.
        let nodes = self.nodes;
        self.world.run_until(Duration::from_secs(25), |world| {
            nodes.iter().all(|node| world.peer(*node).ended().is_some() || world.peer(*node).is_up())
        });
        self.world.run_for(SETTLED);
        for node in self.nodes {
            let peer = self.world.peer(node);
            let (ended, is_up) = (peer.ended().cloned(), peer.is_up());
            // An operator is up only if its robot is.
            assert!(ended.is_some() || is_up || node == self.nodes[1], "node {node} neither is up nor has ended");
            for stats in peer.stats().topics.values() {
                assert!(ended.is_some() || is_up || stats.queued == 0, "node {node} keeps what nobody can get");
            }
            self.world.close(node);
        }
        for (node, errand) in std::mem::take(&mut self.errands) {
            assert!(self.world.peer(node).take_errand(errand).is_some(), "an errand of a closed peer has no outcome");
        }
        self.world
            .run_until(Duration::from_secs(15), |world| nodes.iter().all(|node| world.peer(*node).ended().is_some()));
        for node in self.nodes {
            assert!(self.world.peer(node).ended().is_some(), "a closed peer does not say that it ended");
        }
    }
}

fn fate(choices: &mut Choices<'_>) -> Fate {
    match choices.byte() % 8 {
        0 | 1 => Fate::Pass,
        2 => Fate::Lost,
        3 => Fate::AnswerLost,
        4 => Fate::Failed(Failure::Broken("reset".into())),
        5 => Fate::Answer(u16::from(choices.byte()) * 3, choices.text()),
        _ => {
            let status = choices.one_of(&[200, 201, 400, 401, 404, 409, 410, 425, 429, 500, 503]).unwrap_or(200);
            let body = choices.one_of(&ANSWERS).map(|body| filled(body, choices));
            Fate::Answer(status, body.unwrap_or_default())
        }
    }
}

/// Puts values in a template's places.
fn filled(template: &str, choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    for character in template.chars() {
        match character {
            '#' => text.push_str(choices.one_of(&VALUES).unwrap_or("null")),
            '$' => text.push_str(&choices.text().replace(['"', '\\'], "_")),
            other => text.push(other),
        }
    }
    text
}
