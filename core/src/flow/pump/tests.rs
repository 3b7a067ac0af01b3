use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::flow::{Overflow, QueueLimits};

const CHANNELS: usize = 4;

/// Larger messages are too large.
const MAX: usize = 20;

#[derive(Debug, Clone)]
enum Step {
    /// A message of this length.
    Push(usize, usize),
    /// The transport gets room for so many bytes more, and the pump runs.
    Pump(usize),
    /// A channel closes, or opens again.
    Toggle(usize),
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..CHANNELS, 1..MAX + 3).prop_map(|(channel, len)| Step::Push(channel, len)),
        3 => (0usize..200).prop_map(Step::Pump),
        1 => (0..CHANNELS).prop_map(Step::Toggle),
    ]
}

struct Channel {
    queue: SendQueue<usize>,
    is_open: bool,
    /// Numbers of messages that were pushed and have not come out, and their lengths.
    expected: VecDeque<(usize, usize)>,
}

struct Transport {
    pump: Pump<usize>,
    channels: Vec<Channel>,
    room: usize,
}

impl Transport {
    fn new() -> Transport {
        let limits = QueueLimits { messages: 1000, bytes: 1 << 20, overflow: Overflow::Refuse };
        let channel = || Channel { queue: SendQueue::new(limits), is_open: true, expected: VecDeque::new() };
        Transport { pump: Pump::default(), channels: std::iter::repeat_with(channel).take(CHANNELS).collect(), room: 0 }
    }

    /// Runs the pump once; the channels of the messages that went, in their order.
    fn run(&mut self) -> Result<(bool, Vec<usize>), TestCaseError> {
        let Transport { pump, channels, room } = self;
        let mut went = Vec::new();
        let mut wrong = None;
        let progressed = pump.run(|channel| {
            let Channel { queue, is_open, expected } = &mut channels[channel];
            let (turn, message) = queue.take_turn(|front| match front.bytes.len() {
                _ if !*is_open => Written::NotOpen,
                len if len > MAX => Written::TooLarge,
                len if len > *room => Written::NoRoom,
                len => {
                    *room -= len;
                    went.push(channel);
                    Written::Taken
                }
            });
            if let Some((payload, number)) = message
                && expected.pop_front() != Some((number, payload.bytes.len()))
            {
                wrong = Some(number);
            }
            turn
        });
        prop_assert_eq!(wrong, None, "out of order");
        Ok((progressed, went))
    }

    /// The channels that have something to send now.
    fn ready(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|channel| channel.is_open && !channel.queue.is_empty())
    }
}

/// No channel sends its next message before each of the others that could send has sent one.
fn is_fair(went: &[usize]) -> bool {
    let rounds: Vec<usize> =
        went.iter().enumerate().map(|(at, channel)| went[..at].iter().filter(|c| *c == channel).count()).collect();
    rounds.windows(2).all(|pair| pair[0] <= pair[1])
}

proptest! {
    /// Nothing is lost, repeated or out of order in its channel, a run is bounded, and nothing waits while there is room.
    #[test]
    fn every_message_goes_once_and_in_order(steps in prop::collection::vec(steps(), 1..120)) {
        let mut transport = Transport::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(channel, len) => {
                    let of = &mut transport.channels[channel];
                    of.queue.push(Payload { bytes: vec![0; len].into(), binary: true }, number);
                    of.expected.push_back((number, len));
                    if of.is_open {
                        transport.pump.schedule(channel, &mut of.queue);
                    }
                }
                Step::Toggle(channel) => {
                    let of = &mut transport.channels[channel];
                    of.is_open = !of.is_open;
                    match of.is_open {
                        true => transport.pump.schedule(channel, &mut of.queue),
                        // Either way will do: its next turn would show it as well.
                        false if number % 2 == 0 => transport.pump.unschedule(channel, &mut of.queue),
                        false => {}
                    }
                }
                Step::Pump(room) => {
                    transport.room += room;
                    loop {
                        let (progressed, went) = transport.run()?;
                        prop_assert_eq!(progressed, !went.is_empty());
                        prop_assert!(went.len() <= WRITES_PER_DRAIN);
                        if !progressed {
                            break;
                        }
                    }
                    let room = transport.room;
                    for channel in transport.ready() {
                        let front = channel.queue.front().map_or(0, |front| front.bytes.len());
                        prop_assert!(front > room && front <= MAX, "{} waits, and there is room for {}", front, room);
                    }
                    prop_assert!(transport.pump.turns.len() <= CHANNELS);
                }
            }
            for channel in &transport.channels {
                prop_assert_eq!(channel.queue.len(), channel.expected.len());
            }
        }
    }

    /// With room for all, turns go round.
    #[test]
    fn turns_are_fair(lengths in prop::collection::vec(0usize..9, CHANNELS)) {
        let mut transport = Transport::new();
        transport.room = usize::MAX;
        for (channel, messages) in lengths.iter().enumerate() {
            for number in 0..*messages {
                let of = &mut transport.channels[channel];
                of.queue.push(Payload { bytes: vec![0].into(), binary: true }, number);
                of.expected.push_back((number, 1));
                transport.pump.schedule(channel, &mut of.queue);
            }
        }
        let mut all = Vec::new();
        loop {
            let (progressed, went) = transport.run()?;
            prop_assert!(is_fair(&went), "{:?}", went);
            all.extend(went);
            if !progressed {
                break;
            }
        }
        prop_assert_eq!(all.len(), lengths.iter().sum::<usize>());
    }
}
