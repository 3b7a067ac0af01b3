//! An operator of one driver hands its robot over to a viewer of the other.

use std::time::Instant;

use farwire_blocking::{BrokerError, ConnectionEvent, EndReason};

use crate::PATIENCE;
use crate::servers::Servers;

fn is_handed_over(end: Option<EndReason>) -> bool {
    matches!(end, Some(EndReason::Unavailable(why)) if why.code() == "handed_over")
}

#[test]
fn one_call_hands_the_robot_over_in_both_drivers() {
    let servers = Servers::new("hand-over");
    let robot = farwire_blocking::connect(servers.robot()).expect("the robot registers");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (config, _entered) = (servers.operator(), runtime.enter());
    let connection = farwire_blocking::connect(config.clone()).expect("the operator joins");
    let operator = farwire_blocking::Operator::start(&connection, 20.0).expect("an operator");
    assert_eq!(operator.hand_over(None), Err(BrokerError::NoViewer));

    let watching = runtime.block_on(farwire_tokio::connect(config.clone().view(true))).expect("the viewer joins");
    let viewer = farwire_tokio::Operator::start(&watching, 20.0).expect("a viewer");
    let mut events = watching.events().expect("room for a listener");
    assert!(viewer.watches() && !operator.watches());
    assert_eq!(runtime.block_on(viewer.hand_over(None)), Err(BrokerError::NotOperator));
    let roster = operator.roster().expect("the broker says it");
    assert_eq!((roster.viewers.len(), &roster.operator), (1, &roster.you));
    assert_eq!(operator.hand_over(Some(&roster.viewers[0])), Ok(()));
    let begun = Instant::now();
    while !matches!(runtime.block_on(events.recv()), Ok(ConnectionEvent::HandedOver)) {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert!(!viewer.watches() && robot.operator_present());
    assert!(is_handed_over(connection.ended()), "{:?}", connection.ended());
    assert_eq!(operator.hand_over(None), Err(BrokerError::NotConnected));

    // And back.
    drop((operator, connection));
    let connection = farwire_blocking::connect(config.view(true)).expect("it joins again");
    let operator = farwire_blocking::Operator::start(&connection, 20.0).expect("a viewer");
    let events = connection.events().expect("room for a listener");
    assert_eq!(runtime.block_on(viewer.hand_over(None)), Ok(()));
    while !matches!(events.recv_timeout(PATIENCE), Ok(ConnectionEvent::HandedOver)) {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert!(!operator.watches() && is_handed_over(watching.ended()));
    let leave = || operator.leave(&connection, PATIENCE);
    leave();
    drop((operator, connection, events));
    drop((viewer, watching));
    drop(robot);
    drop(_entered);
    drop(runtime);
    servers.assert_empty();
}
