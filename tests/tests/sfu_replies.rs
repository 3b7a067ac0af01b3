//! Gates and replies: who gets a subscriber's messages.

use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_tests::Foreigners;
use serde_json::{Value, json};

const MOMENT: Duration = Duration::from_millis(50);

/// A publisher of `t` and two subscribers, and the ids of `t` at the three.
fn three(flags: [Value; 2]) -> (Foreigners, [u16; 3]) {
    let mut world = Foreigners::new();
    for _ in 0..3 {
        world.connect_by_offer(false);
    }
    let [first, second] = flags;
    // A channel before, so that ids differ between the sessions.
    world.publish(0, "other");
    let t = world.publish(0, "t");
    let ids = [t, world.subscribe(1, 0, "t", &first), world.subscribe(2, 0, "t", &second)];
    (world, ids)
}

fn text(id: u16, text: &str) -> (u16, bool, Vec<u8>) {
    (id, false, text.as_bytes().to_vec())
}

/// Grants or revokes, and hands back the item.
fn update(world: &mut Foreigners, number: usize, can_reply: bool) -> Value {
    let mut entry = world.remote(0, "t");
    entry["canReply"] = can_reply.into();
    world.item(number, "update", &entry)
}

#[test]
fn replies_go_to_the_publisher_only_and_only_from_the_holder() {
    let (mut world, [t, first, second]) = three([json!({"canReply": true}), json!({})]);
    world.send(1, first, false, b"a reply");
    world.send(1, first, true, &[0, 255]);
    world.send(2, second, false, b"nobody asked");
    world.run_for(MOMENT);
    assert_eq!(world.received(0), [text(t, "a reply"), (t, true, vec![0, 255])]);
    assert_eq!((world.received(1), world.received(2)), (vec![], vec![]));
    world.send(0, t, false, b"to all");
    world.run_for(MOMENT);
    assert_eq!((world.received(1), world.received(2)), (vec![text(first, "to all")], vec![text(second, "to all")]));
    let stats = world.sfu.stats();
    assert_eq!((stats.received, stats.replies, stats.forwarded), (1, 2, 4));
}

#[test]
fn the_right_to_reply_is_granted_moved_and_revoked() {
    let (mut world, [t, first, second]) = three([json!({"canReply": true}), json!({})]);
    let from_both = |world: &mut Foreigners| {
        world.send(1, first, false, b"first");
        world.send(2, second, false, b"second");
        world.run_for(MOMENT);
        world.received(0)
    };
    assert_eq!(from_both(&mut world), [text(t, "first")]);
    let granted = update(&mut world, 2, true);
    assert_eq!((&granted["id"], &granted["canReply"]), (&json!(second), &json!(true)));
    assert_eq!((&granted["location"], &granted["dataChannelName"]), (&json!("remote"), &json!("t")));
    assert_eq!(from_both(&mut world), [text(t, "second")], "moved, not shared");
    // One who has lost it takes it from nobody by giving it up.
    assert_eq!(update(&mut world, 1, false)["canReply"], false);
    assert_eq!(from_both(&mut world), [text(t, "second")]);
    assert_eq!(update(&mut world, 2, false)["canReply"], false);
    assert_eq!(from_both(&mut world), []);
    assert_eq!(update(&mut world, 1, true)["canReply"], true);
    assert_eq!(from_both(&mut world), [text(t, "first")]);
}

#[test]
fn a_new_subscription_takes_the_right_from_the_one_that_had_it() {
    let (mut world, [t, first, second]) = three([json!({"canReply": true}), json!({"canReply": true})]);
    world.send(1, first, false, b"first");
    world.send(2, second, false, b"second");
    world.run_for(MOMENT);
    assert_eq!(world.received(0), [text(t, "second")]);
    // The right ends with its subscription and is not inherited.
    let item = world.item(2, "close", &json!({"id": second}));
    assert_eq!(item["errorCode"], Value::Null);
    world.send(1, first, false, b"first");
    world.run_for(MOMENT);
    assert_eq!(world.received(0), []);
    assert_eq!(world.clients[2].closed, [second]);
}

#[test]
fn the_first_message_opens_the_gate_and_later_ones_are_replies() {
    let (mut world, [t, gated, _]) = three([json!({"waitForAck": true, "canReply": true}), json!({})]);
    world.send(0, t, false, b"too early");
    world.run_for(MOMENT);
    assert_eq!((world.received(1), world.received(2).len()), (vec![], 1), "the gate is the subscription's own");
    world.send(1, gated, false, b"ready");
    world.run_for(MOMENT);
    world.send(0, t, false, b"in time");
    world.send(1, gated, false, b"a reply");
    world.run_for(MOMENT);
    assert_eq!(world.received(1), [text(gated, "in time")]);
    assert_eq!(world.received(0), [text(t, "a reply")], "the acknowledgement is the SFU's");
    world.run_for(Duration::from_secs(31));
    assert_eq!(world.channels(1).len(), 1, "an open gate is not closed for lateness");
}

#[test]
fn a_gate_that_stays_shut_for_30_s_closes_its_channel_alone() {
    let (mut world, [t, gated, open]) = three([json!({"waitForAck": true}), json!({})]);
    world.run_for(Duration::from_millis(29_800));
    assert_eq!(world.channels(1).len(), 1);
    world.run_for(Duration::from_millis(400));
    assert_eq!((world.channels(1).len(), &world.clients[1].closed), (0, &vec![gated]));
    world.send(0, t, false, b"still here");
    world.run_for(MOMENT);
    assert_eq!(world.received(2), [text(open, "still here")]);
    // And it can be subscribed to anew, with another id.
    let again = world.subscribe(1, 0, "t", &json!({}));
    assert!(again > gated);
    world.send(0, t, false, b"again");
    world.run_for(MOMENT);
    assert_eq!(world.received(1), [text(again, "again")]);
}

#[test]
fn updates_have_an_outcome_for_each_item_and_refuse_what_makes_no_sense() {
    let (mut world, [t, ..]) = three([json!({}), json!({})]);
    let path = format!("/{}/datachannels/update", world.clients[1].session);
    let body = json!({"dataChannels": [
        {"canReply": true, "location": "remote", "sessionId": world.clients[0].session, "dataChannelName": "t"},
        {"canReply": true, "location": "remote", "sessionId": world.clients[0].session, "dataChannelName": "other"},
        {"canReply": true, "location": "remote", "sessionId": "nobody", "dataChannelName": "t"},
    ]});
    let (status, answer) = world.call(Method::PUT, &path, &body);
    let codes: Vec<_> =
        answer["dataChannels"].as_array().expect("items").iter().map(|item| item["errorCode"].as_str()).collect();
    let unknown = Some("not_found_track_error");
    assert_eq!((status, codes), (200, vec![None, unknown, unknown]));
    let local = json!({"dataChannels": [{"location": "local", "dataChannelName": "t", "canReply": true}]});
    assert_eq!(world.refusal(Method::PUT, &path, &local), (406, "invalid_params".into()));
    // What was granted before the refusals holds.
    let id = world.channels(1)[0]["id"].as_u64().expect("an id") as u16;
    world.send(1, id, false, b"granted");
    world.run_for(MOMENT);
    assert_eq!(world.received(0), [text(t, "granted")]);
    // What is not said is the API's default.
    let entry = world.remote(0, "t");
    assert_eq!(world.item(1, "update", &entry)["canReply"], false);
    world.send(1, id, false, b"revoked");
    world.run_for(MOMENT);
    assert_eq!(world.received(0), []);
}

#[test]
fn a_lossy_way_back_loses_its_oldest_and_a_reliable_one_closes_its_subscriber() {
    let lossy = json!({"location": "local", "dataChannelName": "t", "ordered": false, "maxRetransmits": 0});
    for (entry, flags) in [
        (lossy, json!({"canReply": true, "ordered": false, "maxRetransmits": 0})),
        (json!({"location": "local", "dataChannelName": "t"}), json!({"canReply": true})),
    ] {
        let mut world = Foreigners::new();
        world.connect_by_offer(false);
        world.connect_by_offer(false);
        let is_lossy = entry["maxRetransmits"] == 0;
        let id = world.item(0, "new", &entry)["id"].as_u64().expect("an id") as u16;
        world.open_end(0, id, is_lossy);
        let replies = world.subscribe(1, 0, "t", &flags);
        // The publisher's way down is blocked; what waits for it is bounded.
        world.clients[0].is_cut_off = true;
        for _ in 0..400 {
            if world.clients[1].closed.is_empty() {
                world.send(1, replies, true, &[7; 60_000]);
            }
            world.run_for(Duration::from_millis(5));
        }
        let stats = world.sfu.stats();
        if is_lossy {
            assert!(stats.replaced > 300 && stats.overflowed == 0, "{stats:?}");
            assert!(world.clients[1].closed.is_empty());
        } else {
            assert_eq!((stats.replaced, stats.overflowed), (0, 1));
            assert_eq!(world.clients[1].closed, [replies]);
        }
    }
}
