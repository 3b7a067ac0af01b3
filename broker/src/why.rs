//! Why something ended.

use std::fmt;

use farwire_core::wire::teleop::code;

/// Why a robot's session, or an operator's time with it, has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The robot's key was revoked.
    KeyRevoked,
    /// The operator's token was revoked.
    TokenRevoked,
    Stopped,
    RegisteredAgain,
    Silent,
    Left,
    RobotGone,
    JoinedAgain,
    TakenOver,
    NotBridged,
    SfuEnded,
    ChannelClosed,
}

impl Why {
    /// In words, about the one whose session it was.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Why::KeyRevoked => "its key was revoked",
            Why::TokenRevoked => "its token was revoked",
            Why::Stopped => "it stopped",
            Why::RegisteredAgain => "it registered again",
            Why::Silent => "no heartbeat came",
            Why::Left => "it left",
            Why::RobotGone => "the robot is gone",
            Why::JoinedAgain => "it joined again",
            Why::TakenOver => "another one took over",
            Why::NotBridged => "it did not bridge in time",
            Why::SfuEnded => "the SFU has ended its session",
            Why::ChannelClosed => "the SFU has closed a channel of its bridge",
        }
    }

    /// As robots are told it of their operators.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Why::TokenRevoked => code::TOKEN_REVOKED,
            Why::TakenOver => code::TAKEN_OVER,
            Why::SfuEnded | Why::ChannelClosed => code::CONNECTION_ENDED,
            _ => code::LEFT,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
