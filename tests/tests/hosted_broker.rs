//! farwire's robot on a broker that answers as the hosted one is documented to.

mod hosted;

use std::time::{Duration, Instant};

use farwire_blocking::{
    Config, Connection, ConnectionEvent, Delivery, EndReason, Events, OperatorLost, Publisher, RecvError, RobotConfig,
    SessionId, Subscription, connect,
};
use farwire_core::broker::{CMD_UNRELIABLE, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};

use crate::hosted::{Beat, Hosted, KEY, WITHIN};

const OPERATOR_LOST: &[u8] = br#"{"type": "operator_lost"}"#;

/// The time between pings until one is answered.
const PING_EVERY: Duration = Duration::from_millis(50);

/// farwire's robot, and what it gets.
struct Robot {
    connection: Connection,
    events: Subscription<Events>,
    commands: Subscription,
    state: Subscription,
    map: Publisher,
}

impl Robot {
    fn connect(hosted: &Hosted) -> Robot {
        let config = RobotConfig::new(&hosted.url(), KEY).expect("a good config").heartbeat(Duration::from_millis(20));
        // The operators of these tests ping only to be seen first.
        let connection = connect(config.operator_silence(3 * WITHIN)).expect("the broker takes it");
        Robot {
            events: connection.events().expect("room"),
            commands: connection.subscribe(CMD_UNRELIABLE).expect("a topic"),
            state: connection.subscribe_with(STATE_RELIABLE, Delivery::RELIABLE).expect("a topic"),
            map: connection.publisher(MAP_UNRELIABLE).expect("a topic"),
            connection,
        }
    }

    /// Checks what happened next, but for heartbeats that failed.
    fn tells(&self, expected: &[ConnectionEvent]) {
        for expected in expected {
            let event = loop {
                match self.events.recv_timeout(WITHIN).expect("an event") {
                    ConnectionEvent::HeartbeatFailing { .. } => {}
                    event => break event,
                }
            };
            let is_it = match expected {
                ConnectionEvent::Reconnecting { .. } => matches!(event, ConnectionEvent::Reconnecting { .. }),
                expected => event == *expected,
            };
            assert!(is_it, "{event:?} instead of {expected:?}");
        }
    }

    /// Waits until it is told that the operator is gone.
    fn is_told(&self) {
        let begun = Instant::now();
        loop {
            match self.state.recv_timeout(WITHIN.saturating_sub(begun.elapsed())) {
                Ok(message) if *message == *OPERATOR_LOST => return,
                Ok(_) | Err(RecvError::Interrupted) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// An operator's session, bridged with the robot's.
struct Operator {
    commands: Publisher,
    state: Publisher,
    back: Subscription,
    map: Subscription,
    sent: u32,
}

impl Operator {
    fn join(hosted: &Hosted) -> Operator {
        let robot = hosted.state().sessions.last().cloned().expect("a robot");
        let config = Config::new(&hosted.sfu.api_root(), "app", "secret").expect("a good config");
        let connection = connect(config.publisher_session(robot).expect("an id")).expect("the SFU is there");
        let commands = connection.publisher(CMD_UNRELIABLE).expect("a topic");
        let state = connection.publisher_with(STATE_RELIABLE, Delivery::RELIABLE).expect("a topic");
        commands.publish(b"for nobody").expect("taken");
        state.publish_text("for nobody").expect("taken");
        assert!(connection.flush(WITHIN), "the SFU has both channels");
        hosted.bridge(&connection.session_id());
        let back = connection.subscribe_with(STATE_RELIABLE_BACK, Delivery::RELIABLE).expect("a topic");
        let map = connection.subscribe(MAP_UNRELIABLE).expect("a topic");
        back.wait_open(WITHIN).expect("the robot's channel");
        map.wait_open(WITHIN).expect("the robot's channel");
        Operator { commands, state, back, map, sent: 0 }
    }

    /// Checks that every channel carries.
    fn drives(&mut self, robot: &Robot) {
        self.sent += 1;
        let begun = Instant::now();
        // The robot opens its channels at its next heartbeat.
        loop {
            assert!(begun.elapsed() < WITHIN, "no answer to a ping");
            self.state.publish_text(&format!(r#"{{"type":"ping","client_ts":{}}}"#, self.sent)).expect("taken");
            let pong = format!(r#"{{"type":"pong","client_ts":{},"#, self.sent);
            match self.back.recv_timeout(PING_EVERY) {
                Ok(message) if message.starts_with(pong.as_bytes()) => break,
                Ok(_) | Err(RecvError::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let text = format!("{} of {:p}", self.sent, self);
        self.commands.publish(text.as_bytes()).expect("taken");
        assert_eq!(*robot.commands.recv_timeout(WITHIN).expect("a command"), *text.as_bytes());
        robot.map.publish(text.as_bytes()).expect("taken");
        assert_eq!(*self.map.recv_timeout(WITHIN).expect("a map"), *text.as_bytes());
        assert!(robot.connection.operator_present());
    }
}

fn lost(reason: OperatorLost) -> ConnectionEvent {
    ConnectionEvent::OperatorLost { reason }
}

#[test]
fn operators_come_and_go() {
    let hosted = Hosted::spawn();
    hosted.state().refusals = 2;
    let robot = Robot::connect(&hosted);
    assert_eq!(robot.connection.session_id(), "sess_1");
    let servers: Vec<_> = robot.connection.ice_servers().into_iter().map(|server| server.urls).collect();
    assert_eq!(servers, [vec!["stun:stun.test:3478", "turns:turn.test:5349?transport=tcp"], vec!["stun:other.test"]]);
    hosted.beats(3);
    assert!(!robot.connection.operator_present());

    let mut operator = Operator::join(&hosted);
    operator.drives(&robot);
    robot.tells(&[ConnectionEvent::OperatorPresent]);

    // Another one comes at once: from one heartbeat to the next the robot's inbound ids are others.
    let mut next = Operator::join(&hosted);
    next.drives(&robot);
    robot.tells(&[lost(OperatorLost::Left), ConnectionEvent::OperatorPresent]);
    robot.is_told();

    // The SFU closes the channels while heartbeats still name them.
    hosted.close_channels();
    robot.tells(&[lost(OperatorLost::Left)]);
    robot.is_told();
    hosted.beats(2);
    assert!(!robot.connection.operator_present());
    hosted.state().ids = None;
    hosted.beats(2);

    let mut last = Operator::join(&hosted);
    last.drives(&robot);
    robot.tells(&[ConnectionEvent::OperatorPresent]);
    hosted.state().ids = None;
    robot.tells(&[lost(OperatorLost::Left)]);
    robot.is_told();
    assert!(!robot.connection.operator_present());

    robot.connection.close();
    assert_eq!(hosted.wait("the robot's farewell", |state| state.deleted.is_some()).deleted.as_deref(), Some("sess_1"));
}

#[test]
fn heartbeats_that_fail_or_hang_do_not_stop_an_operator() {
    let hosted = Hosted::spawn();
    let robot = Robot::connect(&hosted);
    let mut operator = Operator::join(&hosted);
    operator.drives(&robot);
    robot.tells(&[ConnectionEvent::OperatorPresent]);

    let refusals = [500, 404, 502, 404, 404, 404, 404, 503];
    hosted.state().beats.extend(refusals.map(Beat::Refused).into_iter().chain([Beat::Garbled, Beat::Held]));
    drop(hosted.wait("a heartbeat that hangs", |state| state.held > 0));
    operator.drives(&robot);
    hosted.release();
    hosted.beats(2);
    operator.drives(&robot);
    let mut failing = 0;
    while let Some(event) = robot.events.try_recv().expect("it goes on") {
        assert!(matches!(event, ConnectionEvent::HeartbeatFailing { .. }), "{event:?}");
        failing += 1;
    }
    assert_eq!(failing, 1, "one streak is told once");
    assert_eq!(hosted.state().sessions.len(), 1);
}

#[test]
fn an_offer_of_audio_is_answered_and_the_data_goes_on() {
    let hosted = Hosted::spawn();
    let robot = Robot::connect(&hosted);
    let mut operator = Operator::join(&hosted);
    operator.drives(&robot);

    let offer = hosted.offer();
    hosted.state().beats.push_back(Beat::Offering(offer.clone()));
    let answer = hosted.wait("an answer to the offer", |state| !state.renegotiated.is_empty()).renegotiated[0].clone();
    assert!(answer.contains("\r\na=setup:active\r\n"), "{answer}");
    assert!(answer.contains("\r\na=mid:audio\r\na=inactive\r\n"), "{answer}");
    assert_eq!(answer.matches("\r\nm=").count(), 2, "{answer}");
    operator.drives(&robot);

    // As if the SFU had begun anew, or the offer were another robot's.
    let user = offer.lines().find(|line| line.starts_with("a=ice-ufrag:")).expect("credentials");
    let another = offer.replace(user, "a=ice-ufrag:another");
    hosted.state().beats.extend(["no offer".to_owned(), another].map(Beat::Offering));
    hosted.beats(5);
    operator.drives(&robot);
    assert_eq!(hosted.state().renegotiated.len(), 1);
    robot.tells(&[ConnectionEvent::OperatorPresent]);
    assert!(robot.events.try_recv().expect("it goes on").is_none());
}

#[test]
fn a_robot_that_the_broker_does_not_know_any_more_registers_anew() {
    let hosted = Hosted::spawn();
    let robot = Robot::connect(&hosted);
    let mut operator = Operator::join(&hosted);
    operator.drives(&robot);
    {
        let mut state = hosted.state();
        state.ids = None;
        state.beats.extend([404; 5].map(Beat::Refused));
    }
    robot.tells(&[
        ConnectionEvent::OperatorPresent,
        lost(OperatorLost::Rejected),
        ConnectionEvent::Reconnecting { reason: EndReason::Closed },
        ConnectionEvent::Connected { session: SessionId::new("sess_2") },
    ]);
    robot.is_told();
    assert_eq!(robot.connection.session_id(), "sess_2");
    assert_eq!(robot.connection.operator_lost(), Some(OperatorLost::Rejected));
    // The SFU counts its ids from the beginning for another session, so they are the same.
    Operator::join(&hosted).drives(&robot);
    robot.tells(&[ConnectionEvent::OperatorPresent]);
    robot.connection.close();
    drop(hosted.wait("the robot's farewell", |state| state.deleted.as_deref() == Some("sess_2")));
}
