//! farwire's robot and operator on farwire's broker, in virtual time.

use std::time::Duration;

use farwire_core::broker::{OperatorConfig, RobotConfig};
use farwire_core::{
    Accepted, ConnectionEvent, Delivery, EndReason, Event, OperatorLost, RecvError, SubscribeOptions, Topic,
    TopicError, TopicId,
};
use farwire_tests::{Node, SharedInbox, World};

const SECOND: Duration = Duration::from_secs(1);

fn robot_config(world: &mut World, name: &str) -> RobotConfig {
    let key = world.robot_key(name);
    RobotConfig::new("http://broker.test", &key).expect("a good config")
}

fn operator_config(world: &mut World) -> OperatorConfig {
    let token = world.operator_token();
    OperatorConfig::new("http://broker.test", &token).expect("a good config")
}

fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    world.open_broker();
    world
}

/// A robot and its operator, who sees it.
struct Pair {
    world: World,
    robot: Node,
    operator: Node,
    robot_config: RobotConfig,
    operator_config: OperatorConfig,
}

impl Pair {
    fn new(seed: u64) -> Pair {
        let mut world = world(seed);
        let robot_config = robot_config(&mut world, "rover");
        let operator_config = operator_config(&mut world);
        let robot = world.connect(&robot_config);
        let operator = world.connect(&operator_config);
        Pair { world, robot, operator, robot_config, operator_config }
    }

    /// Lets a message through `cmd_unreliable` and hands back what the robot got of it.
    fn drives(&mut self, limit: Duration) -> bool {
        let cmd = self.world.topic(self.operator, "cmd_unreliable", Delivery::LOSSY);
        let commands = self.world.subscribe(self.robot, "cmd_unreliable", Delivery::LOSSY);
        let (robot, operator) = (self.robot, self.operator);
        let mut next = self.world.now();
        let arrived = self.world.run_until(limit, |world| {
            if world.now() >= next {
                next = world.now() + Duration::from_millis(20);
                world.publish(operator, cmd, b"go").expect("it is a topic");
            }
            !world.messages(robot, commands).is_empty()
        });
        self.world.peer(self.robot).unsubscribe(commands);
        arrived
    }

    fn events(&mut self, node: Node) -> Vec<String> {
        let all = connection_events(&mut self.world, node).into_iter();
        all.filter_map(|event| {
            let text = match event {
                ConnectionEvent::OperatorLost { reason } => return Some(format!("OperatorLost({reason:?})")),
                ConnectionEvent::OperatorPresent => "OperatorPresent",
                ConnectionEvent::RobotPresent => "RobotPresent",
                ConnectionEvent::RobotLost => "RobotLost",
                ConnectionEvent::Reconnecting { .. } => "Disconnected",
                ConnectionEvent::Connected { .. } => "Connected",
                ConnectionEvent::HeartbeatFailing { .. } => "Failing",
                ConnectionEvent::Ended { .. } => "Ended",
                _ => return None,
            };
            Some(text.to_owned())
        })
        .collect()
    }
}

/// What happened to a node's connection so far.
fn connection_events(world: &mut World, node: Node) -> Vec<ConnectionEvent> {
    let all = world.events(node).into_iter();
    all.filter_map(|event| if let Event::Connection(event) = event { Some(event) } else { None }).collect()
}

/// Why a node could not reconnect.
fn dial_failures(world: &mut World, node: Node) -> Vec<String> {
    let all = connection_events(world, node).into_iter();
    all.filter_map(|event| match event {
        ConnectionEvent::ReconnectFailed { reason } => Some(reason.to_string()),
        _ => None,
    })
    .collect()
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("a topic")
}

#[test]
fn an_operator_and_its_robot_reach_each_other_on_all_four_channels() {
    let mut pair = Pair::new(1);
    let (world, robot, operator) = (&mut pair.world, pair.robot, pair.operator);
    assert!(world.peer(robot).is_operated() && world.peer(operator).has_robot());
    for (name, from, to, delivery) in [
        ("cmd_unreliable", operator, robot, Delivery::LOSSY),
        ("state_reliable", operator, robot, Delivery::RELIABLE),
        ("state_reliable_back", robot, operator, Delivery::RELIABLE),
        ("map_unreliable", robot, operator, Delivery::LOSSY),
    ] {
        // Whatever is asked for, the channel's own delivery applies.
        let publication = world.topic(from, name, Delivery::default());
        assert_eq!(world.peer(from).delivery(publication), Some(delivery), "{name}");
        let subscription = world.subscribe_open(to, name, Delivery::default());
        for n in 0..50u8 {
            assert_eq!(world.publish(from, publication, &[n]), Ok(Accepted::Sent), "{name}");
            world.run_for(Duration::from_millis(10));
        }
        world.run_for(Duration::from_millis(200));
        let numbers: Vec<u8> =
            world.messages(to, subscription).iter().filter(|m| m.bytes.len() == 1).map(|m| m.bytes[0]).collect();
        assert_eq!(numbers, (0..50).collect::<Vec<u8>>(), "{name}");
    }
    assert_eq!(world.broker_stats().operators, 1);
}

#[test]
fn other_topics_and_directions_are_errors_that_say_what_there_is() {
    let mut pair = Pair::new(2);
    let now = pair.world.now();
    for (node, name, publishes) in [
        (pair.robot, "odom", true),
        (pair.robot, "cmd_unreliable", true),
        (pair.robot, "state_reliable_back", false),
        (pair.operator, "map_unreliable", true),
        (pair.operator, "state_reliable", false),
    ] {
        let peer = pair.world.peer(node);
        let error = match publishes {
            true => peer.topic(now, &topic(name), Delivery::LOSSY).expect_err(name),
            false => peer.subscribe(now, &topic(name), Delivery::LOSSY).expect_err(name),
        };
        assert!(matches!(error, TopicError::NotCarried { .. }), "{error}");
        assert!(error.to_string().contains("reliable"), "{error}");
    }
}

#[test]
fn without_an_operator_messages_are_dropped_and_counted() {
    let mut world = world(3);
    let config = robot_config(&mut world, "rover");
    let robot = world.connect(&config);
    let telemetry = world.topic(robot, "state_reliable_back", Delivery::RELIABLE);
    for _ in 0..10 {
        assert_eq!(world.publish(robot, telemetry, b"x"), Ok(Accepted::Dropped));
    }
    let stats = world.peer(robot).topic_stats(&topic("state_reliable_back")).expect("it is there");
    assert_eq!((stats.unheard, stats.queued, stats.sent), (10, 0, 0));
    assert_eq!(world.peer(robot).operator_lost(), None);
}

#[test]
fn an_operator_that_leaves_is_told_to_the_robot_once() {
    let mut pair = Pair::new(4);
    let state = pair.world.subscribe(pair.robot, "state_reliable", Delivery::RELIABLE);
    pair.world.run_for(SECOND);
    pair.world.messages(pair.robot, state);
    pair.world.close(pair.operator);
    pair.world.run_for(5 * SECOND);
    let texts = pair.world.messages(pair.robot, state);
    let lost: Vec<_> = texts.iter().filter(|text| &text.bytes[..] == br#"{"type": "operator_lost"}"#).collect();
    assert_eq!(lost.len(), 1, "{texts:?}");
    assert!(!lost[0].binary);
    let robot = pair.world.peer(pair.robot);
    assert_eq!((robot.is_operated(), robot.operator_lost()), (false, Some(OperatorLost::Left)));
    assert_eq!(pair.events(pair.robot), ["OperatorPresent", "OperatorLost(Left)"]);
    assert_eq!(pair.world.broker_stats().operators, 0);
    // And another one comes.
    let config = pair.operator_config.clone();
    pair.operator = pair.world.connect(&config);
    assert_eq!(pair.world.peer(pair.robot).operator_lost(), None);
    assert!(pair.drives(5 * SECOND));
}

#[test]
fn an_operator_that_falls_silent_is_noticed_while_heartbeats_look_fine() {
    let mut pair = Pair::new(5);
    let silence = pair.robot_config.operator_silence;
    pair.world.run_for(SECOND);
    pair.world.cut_off(pair.operator);
    let (robot, since) = (pair.robot, pair.world.now());
    let lost = pair.world.run_until(2 * silence, |world| !world.peer(robot).is_operated());
    let took = pair.world.now() - since;
    assert!(lost && took <= silence + SECOND, "{took:?}");
    assert_eq!(pair.world.peer(robot).operator_lost(), Some(OperatorLost::Silent));
    assert_eq!(pair.world.broker_stats().operators, 1, "the broker has not noticed");
    // It was a hiccup: the same operator is heard again, and counts again.
    pair.world.plug_in(pair.operator);
    assert!(pair.world.run_until(5 * SECOND, |world| world.peer(robot).is_operated()));
    assert_eq!(pair.events(robot), ["OperatorPresent", "OperatorLost(Silent)", "OperatorPresent"]);
}

#[test]
fn a_ping_is_answered_with_its_own_text_and_other_json_is_left_alone() {
    let mut pair = Pair::new(6);
    let (robot, operator) = (pair.robot, pair.operator);
    let to_robot = pair.world.topic(operator, "state_reliable", Delivery::RELIABLE);
    let answers = pair.world.subscribe_open(operator, "state_reliable_back", Delivery::RELIABLE);
    let state = pair.world.subscribe_open(robot, "state_reliable", Delivery::RELIABLE);
    let sent: [&[u8]; 6] = [
        br#"{"type":"ping","client_ts":1754300000.123456789012}"#,
        br#"{"client_ts":"any text","type":"ping","more":[1]}"#,
        br#"{"type":"ping"}"#,
        br#"{"type":"ping","client_ts":1"#,
        br#"{"type":"nav_goal","client_ts":5}"#,
        b"\x00\x01ping",
    ];
    for text in sent {
        pair.world.publish(operator, to_robot, text).expect("sent");
    }
    pair.world.run_for(Duration::from_millis(300));
    let heard = pair.world.messages(robot, state);
    for text in sent {
        assert!(heard.iter().any(|message| &message.bytes[..] == text), "all are still delivered");
    }
    let answers = pair.world.messages(operator, answers);
    let pongs: Vec<serde_json::Value> =
        answers.iter().map(|pong| serde_json::from_slice(&pong.bytes).expect("JSON")).collect();
    // Digit by digit, whatever a double would make of it.
    let echo = br#""client_ts":1754300000.123456789012,"#;
    assert!(answers.iter().any(|pong| pong.bytes.windows(echo.len()).any(|window| window == echo)), "{pongs:?}");
    let foreign: Vec<_> = pongs.iter().filter(|pong| pong["client_ts"] == "any text").collect();
    assert_eq!(foreign.len(), 1, "{pongs:?}");
    let unix = pair.world.unix();
    let robot_ts = foreign[0]["robot_ts"].as_f64().expect("a number");
    assert!((unix - robot_ts).abs() < 1.0, "{robot_ts} at {unix}");
    assert!(pongs.iter().all(|pong| pong["type"] == "pong" && !pong["client_ts"].is_null()), "{pongs:?}");
}

#[test]
fn the_operator_knows_the_round_trip_and_the_robots_clock() {
    let mut world = world(7);
    world.network.delay = Duration::from_millis(20);
    let (robot, operator) = (robot_config(&mut world, "rover"), operator_config(&mut world));
    let robot = world.connect(&robot);
    let clock = farwire_core::WallClock::new(world.now(), Duration::from_secs_f64(world.unix() + 7.5));
    world.peer(robot).set_clock(clock);
    let operator = world.connect(&operator);
    world.run_for(10 * SECOND);
    let now = world.now();
    let estimate = world.peer(operator).far_clock(now).expect("there were pongs");
    assert!((estimate.offset - 7.5).abs() <= estimate.uncertainty.as_secs_f64() + 1e-4, "{estimate:?}");
    assert!(estimate.round_trip >= Duration::from_millis(80) && estimate.round_trip < Duration::from_millis(95));
    assert!(estimate.samples > 10);
    // The robot, which is only pinged, knows about the same.
    let known = world.peer(robot).far_clock(now).expect("there were pings");
    assert!((known.offset + 7.5).abs() < 0.05, "{known:?}");
}

#[test]
fn a_robot_dials_again_after_its_network_was_gone_and_its_operator_comes_back() {
    let mut pair = Pair::new(8);
    assert!(pair.drives(5 * SECOND));
    pair.world.cut_off(pair.robot);
    pair.world.run_for(20 * SECOND);
    assert_eq!(pair.world.peer(pair.robot).operator_lost(), Some(OperatorLost::Silent));
    pair.world.plug_in(pair.robot);
    assert!(pair.drives(20 * SECOND), "{:?} {:?}", pair.events(0), pair.events(1));
    let stats = pair.world.peer(pair.robot).stats();
    assert_eq!(stats.connection.losses, 1);
    assert_eq!(pair.world.broker_stats().robots, 1);
}

#[test]
fn a_restart_of_sfu_and_broker_needs_nobody() {
    let mut pair = Pair::new(9);
    let mut telemetry = Vec::new();
    let out = pair.world.topic(pair.robot, "state_reliable_back", Delivery::RELIABLE);
    let back = pair.world.subscribe_open(pair.operator, "state_reliable_back", Delivery::RELIABLE);
    pair.world.take_down();
    pair.world.run_for(15 * SECOND);
    assert!(!pair.world.peer(pair.robot).is_up() && !pair.world.peer(pair.operator).is_up());
    assert_eq!(pair.world.publish(pair.robot, out, b"lost"), Ok(Accepted::Dropped));
    pair.world.bring_up();
    assert!(pair.drives(15 * SECOND));
    pair.world.publish(pair.robot, out, b"found").expect("sent");
    pair.world.run_for(SECOND);
    telemetry.extend(
        pair.world
            .messages(pair.operator, back)
            .into_iter()
            .filter(|m| m.bytes.starts_with(b"f") || m.bytes.starts_with(b"l")),
    );
    assert_eq!(telemetry.iter().map(|m| &m.bytes[..]).collect::<Vec<_>>(), [b"found"]);
}

#[test]
fn a_broker_that_is_restarted_on_a_living_sfu_is_not_even_noticed() {
    let mut pair = Pair::new(10);
    pair.events(pair.robot);
    pair.world.restart_broker();
    pair.world.run_for(20 * SECOND);
    let events = pair.events(pair.robot);
    assert!(!events.contains(&"Disconnected".to_owned()), "{events:?}");
    assert!(pair.drives(5 * SECOND));
}

#[test]
fn heartbeats_that_hang_or_fail_are_told_once_and_cost_nothing_else() {
    let mut pair = Pair::new(21);
    pair.events(pair.robot);
    let robot = pair.robot;
    let until = pair.world.elapsed() + 20 * SECOND;
    pair.world.script(move |log| match log.node == robot && log.call == "heartbeat" && log.at < until {
        true if log.at.as_millis() % 2 == 0 => farwire_tests::Fate::Lost,
        true => farwire_tests::Fate::Answer(500, "oops".to_owned()),
        false => farwire_tests::Fate::Pass,
    });
    assert!(pair.drives(SECOND));
    pair.world.run_for(15 * SECOND);
    assert!(pair.drives(SECOND));
    pair.world.run_for(15 * SECOND);
    assert_eq!(pair.events(robot), ["Failing"]);
    assert!(pair.drives(SECOND) && pair.world.peer(robot).is_operated());
}

#[test]
fn a_revoked_key_ends_the_robot_for_good() {
    let mut pair = Pair::new(11);
    let key = pair.robot_config.key.reveal().to_owned();
    pair.world.revoke(&key);
    let robot = pair.robot;
    assert!(pair.world.run_until(60 * SECOND, |world| world.peer(robot).ended().is_some()));
    let reason = pair.world.peer(robot).ended().expect("ended").to_string();
    assert!(reason.contains("401") && !reason.contains(&key), "{reason}");
    let events = pair.events(robot);
    assert_eq!(events.last().map(String::as_str), Some("Ended"), "{events:?}");
    assert!(events.iter().any(|event| event.starts_with("OperatorLost")), "{events:?}");
}

#[test]
fn a_session_that_the_broker_forgot_is_made_anew() {
    let mut pair = Pair::new(12);
    // The broker hears nothing of the robot, though its connection to the SFU lives.
    let robot = pair.robot;
    pair.world.script(move |log| match log.node == robot && log.call == "heartbeat" && log.at < 60 * SECOND {
        true => farwire_tests::Fate::Answer(404, r#"{"errorCode":"not_found","errorDescription":"no"}"#.to_owned()),
        false => farwire_tests::Fate::Pass,
    });
    let rejected =
        pair.world.run_until(20 * SECOND, |world| world.peer(robot).operator_lost() == Some(OperatorLost::Rejected));
    assert!(rejected);
    pair.world.run_for(60 * SECOND);
    assert!(pair.drives(20 * SECOND));
}

#[test]
fn another_operator_is_refused_unless_it_takes_over_and_the_first_does_not_fight() {
    let mut pair = Pair::new(13);
    let config = operator_config(&mut pair.world);
    let refused = pair.world.add(&config);
    assert!(pair.world.run_until(15 * SECOND, |world| world.peer(refused).ended().is_some()));
    let reason = pair.world.peer(refused).ended().expect("ended").to_string();
    assert!(reason.contains("409"), "{reason}");
    let first = pair.operator;
    pair.operator = pair.world.connect(config.takeover(true));
    assert!(pair.drives(5 * SECOND));
    pair.world.run_for(30 * SECOND);
    let displaced = pair.world.peer(first).ended().expect("it gave up").to_string();
    assert!(displaced.contains("409"), "{displaced}");
    assert!(pair.drives(SECOND), "the second still drives");
    let events = pair.events(pair.robot);
    assert!(events.contains(&"OperatorLost(Left)".to_owned()), "{events:?}");
}

#[test]
fn an_operator_says_which_robots_there_are_and_waits_for_one_that_is_not() {
    let mut world = world(14);
    let rover = robot_config(&mut world, "rover");
    world.robot_key("crane");
    let config = operator_config(&mut world);
    let fails = |world: &mut World, config: OperatorConfig| {
        let node = world.add(config);
        assert!(world.run_until(20 * SECOND, |world| world.peer(node).ended().is_some()));
        world.peer(node).ended().cloned().expect("ended")
    };
    let reason = fails(&mut world, config.clone());
    assert!(matches!(&reason, EndReason::Unavailable(problem) if problem.code() == "not_one_robot"), "{reason}");
    assert!(reason.to_string().contains(r#""crane", "rover""#), "{reason}");
    let reason = fails(&mut world, config.clone().robot("plane"));
    assert!(matches!(&reason, EndReason::Unavailable(problem) if problem.code() == "unknown_robot"), "{reason}");
    let reason = fails(&mut world, config.clone().robot("rover"));
    assert!(matches!(&reason, EndReason::Unavailable(problem) if problem.code() == "robot_offline"), "{reason}");
    let operator = world.add(config.robot("rover"));
    world.run_for(2 * SECOND);
    world.connect(&rover);
    assert!(world.run_until(8 * SECOND, |world| world.peer(operator).has_robot()));
}

#[test]
fn stopping_takes_the_robot_off_the_broker() {
    let mut pair = Pair::new(15);
    pair.world.close(pair.robot);
    pair.world.run_for(SECOND);
    assert_eq!(pair.world.broker_stats().robots, 0);
    assert_eq!(pair.world.sfu.stats().sessions, 0);
}

#[test]
fn a_wrong_key_is_refused_at_once() {
    let mut world = world(16);
    let config = RobotConfig::new("http://broker.test", "wrong").expect("a config");
    let node = world.add(config);
    assert!(world.run_until(5 * SECOND, |world| world.peer(node).ended().is_some()));
    let reason = world.peer(node).ended().expect("ended").to_string();
    assert!(reason.contains("401") && !reason.contains("wrong"), "{reason}");
}

/// A robot with mailboxes, and an operator.
fn client_pair(seed: u64) -> (World, Node, Node, TopicId) {
    let mut world = world(seed);
    let (robot, operator) = (robot_config(&mut world, "rover"), operator_config(&mut world));
    let robot = world.add_client(&robot);
    let operator = world.add(&operator);
    assert!(world.run_until(10 * SECOND, |world| world.peer(operator).is_up()));
    let cmd = world.topic(operator, "cmd_unreliable", Delivery::LOSSY);
    world.run_for(SECOND);
    (world, robot, operator, cmd)
}

fn subscribe(world: &mut World, robot: Node, options: SubscribeOptions) -> SharedInbox {
    let topic = topic("cmd_unreliable");
    world.act(robot, |client, now| client.subscribe(now, &topic, options, None)).expect("a topic").1
}

fn take(world: &World, inbox: &SharedInbox) -> Option<Result<Vec<u8>, RecvError>> {
    inbox.with(|mailbox| mailbox.take(world.now())).map(|taken| taken.map(|message| message.to_vec()))
}

#[test]
fn commands_that_waited_too_long_are_counted_and_the_receiver_told_once() {
    let (mut world, robot, operator, cmd) = client_pair(17);
    let options = SubscribeOptions::from(Delivery::LOSSY).stale_after(Duration::from_millis(300));
    let inbox = subscribe(&mut world, robot, options);
    assert_eq!(take(&world, &inbox), None, "nothing has come, so nothing ended");
    world.publish(operator, cmd, b"1").expect("sent");
    world.run_for(Duration::from_millis(50));
    assert_eq!(take(&world, &inbox), Some(Ok(b"1".to_vec())));
    world.publish(operator, cmd, b"2").expect("sent");
    world.run_for(SECOND);
    assert_eq!(take(&world, &inbox), Some(Err(RecvError::Stale)));
    assert_eq!(take(&world, &inbox), None);
    assert_eq!(inbox.with(|mailbox| mailbox.stale()), 1);
    world.publish(operator, cmd, b"3").expect("sent");
    world.run_for(Duration::from_millis(50));
    assert_eq!(take(&world, &inbox), Some(Ok(b"3".to_vec())));
    world.run_for(SECOND);
    assert_eq!(take(&world, &inbox), Some(Err(RecvError::Stale)));
    let stats = world.act(robot, |client, _| client.topic_stats(&topic("cmd_unreliable"))).expect("it is there");
    assert_eq!((stats.received, stats.stale), (3, 1));
}

#[test]
fn what_came_before_the_operator_or_the_connection_was_lost_is_not_delivered() {
    for ends_by in ["operator", "network"] {
        let (mut world, robot, operator, cmd) = client_pair(19);
        let options = SubscribeOptions::from(Delivery::LOSSY).stale_after(3600 * SECOND);
        let inbox = subscribe(&mut world, robot, options);
        for _ in 0..5 {
            world.publish(operator, cmd, b"before").expect("sent");
        }
        world.run_for(Duration::from_millis(100));
        match ends_by {
            "operator" => world.close(operator),
            _ => world.cut_off(robot),
        }
        world.run_for(10 * SECOND);
        assert_eq!(inbox.with(|mailbox| (mailbox.len(), mailbox.stale())), (0, 5), "{ends_by}");
        let told: Vec<_> = std::iter::from_fn(|| take(&world, &inbox)).collect();
        assert!(told.contains(&Err(RecvError::Stale)) && told.iter().all(Result::is_err), "{ends_by}: {told:?}");
    }
}

#[test]
fn commands_queued_before_a_reconnect_are_never_delivered_after_it() {
    let mut pair = Pair::new(20);
    let cmd = pair.world.topic(pair.operator, "state_reliable", Delivery::RELIABLE);
    let commands = pair.world.subscribe_open(pair.robot, "state_reliable", Delivery::RELIABLE);
    pair.world.messages(pair.robot, commands);
    pair.world.cut_off(pair.operator);
    // More than the transport takes, so that some wait in farwire's own queue.
    for n in 0..2000u32 {
        let _ = pair.world.publish(pair.operator, cmd, &[b'<', n as u8, 0]);
    }
    pair.world.run_for(20 * SECOND);
    pair.world.plug_in(pair.operator);
    let operator = pair.operator;
    assert!(pair.world.run_until(30 * SECOND, |world| world.peer(operator).is_up()));
    pair.world.publish(pair.operator, cmd, b"after").expect("sent");
    pair.world.run_for(5 * SECOND);
    let got = pair.world.messages(pair.robot, commands);
    assert!(got.iter().any(|message| &message.bytes[..] == b"after"));
    assert!(!got.iter().any(|message| message.bytes.starts_with(b"<")), "{}", got.len());
    let stats = pair.world.peer(pair.operator).topic_stats(&topic("state_reliable")).expect("it is there");
    assert_eq!(stats.queued, 0);
    assert!(stats.unheard > 0);
}

#[test]
fn two_robots_with_one_key_do_not_fight() {
    let mut pair = Pair::new(31);
    assert!(pair.drives(5 * SECOND));
    let before = pair.world.broker_stats().registrations;
    let config = pair.robot_config.clone();
    let other = pair.world.connect(&config);
    pair.world.run_for(120 * SECOND);
    // The later one has the place, and keeps it; the operator has come over.
    assert_eq!(pair.world.broker_stats().registrations, before + 1);
    assert!(pair.world.peer(other).is_up() && !pair.world.peer(pair.robot).is_up());
    assert!(pair.world.peer(pair.robot).ended().is_none(), "it waits");
    assert_eq!(pair.world.peer(pair.robot).operator_lost(), Some(OperatorLost::Displaced));
    let failures = dial_failures(&mut pair.world, pair.robot);
    assert!(failures.len() == 1 && failures[0].contains("another robot is here"), "{failures:?}");
    let is_warning = |event: &&ConnectionEvent| matches!(event, ConnectionEvent::Warning { .. });
    let warnings = connection_events(&mut pair.world, other).iter().filter(is_warning).count();
    assert_eq!(warnings, 1, "told once while it lasts");
    let first = std::mem::replace(&mut pair.robot, other);
    assert!(pair.drives(20 * SECOND));
    // When the other one is gone, the first is back by itself.
    pair.world.close(other);
    pair.robot = first;
    assert!(pair.world.run_until(60 * SECOND, |world| world.peer(first).is_up()));
    assert!(pair.drives(30 * SECOND));
}

#[test]
fn a_connection_that_dies_young_does_not_make_the_pauses_short() {
    let mut world = world(32);
    let config = robot_config(&mut world, "rover");
    let robot = world.connect(&config);
    let registrations = |world: &World| world.broker_stats().registrations;
    let before = registrations(&world);
    // Whatever it is that ends it as soon as it is up.
    let until = world.elapsed() + 60 * SECOND;
    while world.elapsed() < until {
        if world.peer(robot).is_up() {
            let now = world.now();
            world.sfu.close(now);
        }
        world.run_for(Duration::from_millis(10));
    }
    let made = registrations(&world) - before;
    assert!((10..40).contains(&made), "{made} registrations in a minute");
    assert!(world.run_until(15 * SECOND, |world| world.peer(robot).is_up()), "it is still quick to come back");
}

#[test]
fn a_revoked_robot_and_its_operator_hear_why() {
    let mut pair = Pair::new(33);
    assert!(pair.drives(5 * SECOND));
    let key = pair.robot_config.key.reveal().to_owned();
    pair.world.revoke(&key);
    let robot = pair.robot;
    assert!(pair.world.run_until(10 * SECOND, |world| world.peer(robot).ended().is_some()));
    let reason = pair.world.peer(robot).ended().expect("ended").to_string();
    assert!(reason.contains("401 key_revoked") && reason.contains("this robot key was revoked"), "{reason}");
    assert_eq!(pair.world.peer(robot).operator_lost(), Some(OperatorLost::KeyRevoked));
    pair.world.run_for(30 * SECOND);
    let operator = pair.operator;
    let told = dial_failures(&mut pair.world, operator);
    assert!(told.iter().any(|reason| reason.contains("its key was revoked")), "{told:?}");
}

#[test]
fn an_operator_whose_token_is_revoked_and_its_robot_hear_why() {
    let mut pair = Pair::new(34);
    assert!(pair.drives(5 * SECOND));
    let token = pair.operator_config.token.reveal().to_owned();
    pair.world.revoke(&token);
    let operator = pair.operator;
    assert!(pair.world.run_until(15 * SECOND, |world| world.peer(operator).ended().is_some()));
    let reason = pair.world.peer(operator).ended().expect("ended").to_string();
    assert!(reason.contains("this operator token was revoked"), "{reason}");
    pair.world.run_for(2 * SECOND);
    assert_eq!(pair.world.peer(pair.robot).operator_lost(), Some(OperatorLost::TokenRevoked));
    assert!(pair.world.peer(pair.robot).is_up(), "the robot goes on");
}
