//! Why something ended.

use std::fmt;

use farwire_core::wire::teleop::{LeaveReason, code};

/// Why a robot's session, or an operator's time with it, has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// The robot's key was revoked.
    KeyRevoked,
    /// The operator's token was revoked.
    TokenRevoked,
    Stopped,
    RegisteredAgain,
    Silent,
    /// For this reason, if it said one.
    Left(Option<LeaveReason>),
    RobotGone,
    JoinedAgain,
    TakenOver,
    HandedOver,
    NotBridged,
    SfuEnded,
    ChannelClosed,
}

impl EndReason {
    /// In words, about the one whose session it was.
    pub(crate) fn text(self) -> &'static str {
        match self {
            EndReason::KeyRevoked => "its key was revoked",
            EndReason::TokenRevoked => "its token was revoked",
            EndReason::Stopped => "it stopped",
            EndReason::RegisteredAgain => "it registered again",
            EndReason::Silent => "no heartbeat came",
            EndReason::Left(None | Some(LeaveReason::Other)) => "it left",
            EndReason::Left(Some(LeaveReason::UserInitiated)) => "its user left",
            EndReason::Left(Some(LeaveReason::PageHide)) => "its page was closed",
            EndReason::Left(Some(LeaveReason::ConnectionLost)) => "it lost its connection",
            EndReason::RobotGone => "the robot is gone",
            EndReason::JoinedAgain => "it joined again",
            EndReason::TakenOver => "another one took over",
            EndReason::HandedOver => "it handed the robot over",
            EndReason::NotBridged => "it did not bridge in time",
            EndReason::SfuEnded => "the SFU has ended its session",
            EndReason::ChannelClosed => "the SFU has closed a channel of its bridge",
        }
    }

    /// As robots are told it of their operators.
    pub(crate) fn code(self) -> &'static str {
        match self {
            EndReason::TokenRevoked => code::TOKEN_REVOKED,
            EndReason::TakenOver | EndReason::HandedOver => code::TAKEN_OVER,
            EndReason::SfuEnded | EndReason::ChannelClosed => code::CONNECTION_ENDED,
            _ => code::LEFT,
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
