//! Which call a request is, and who may make it.

use farwire_core::signalling::Method;
use farwire_core::wire::teleop::{WITH_OFFLINE, path};

/// A call of the broker's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call<'a> {
    Robot(RobotCall<'a>),
    Operator(OperatorCall<'a>),
    /// For both.
    TurnCredentials,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RobotCall<'a> {
    Register,
    Heartbeat(&'a str),
    Renegotiate(&'a str),
    Delete(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperatorCall<'a> {
    List { with_offline: bool },
    Status(&'a str),
    Join(&'a str),
    Bridge(&'a str),
    Renegotiate(&'a str),
    Heartbeat(&'a str),
    HandOver(&'a str),
    Leave(&'a str),
}

/// Finds the call in `/api/v1/sessions…`.
pub(crate) fn route<'a>(method: &Method, path: &'a str, query: &str) -> Option<Call<'a>> {
    let rest = path.strip_prefix(path::SESSIONS)?;
    // A slash at the end, and one too many, are not what the API has.
    let mut parts = match rest.strip_prefix('/') {
        Some(rest) => rest.split('/'),
        None if rest.is_empty() => {
            return match *method {
                Method::POST => Some(Call::Robot(RobotCall::Register)),
                Method::GET => {
                    let with_offline = query.split('&').any(|part| part == WITH_OFFLINE);
                    Some(Call::Operator(OperatorCall::List { with_offline }))
                }
                _ => None,
            };
        }
        None => return None,
    };
    let (id, action, end) = (parts.next().filter(|id| !id.is_empty())?, parts.next(), parts.next());
    if end.is_some() {
        return None;
    }
    match (method, action) {
        (&Method::GET, None) if id == path::TURN_CREDENTIALS => Some(Call::TurnCredentials),
        (&Method::GET, Some(path::STATUS)) => Some(Call::Operator(OperatorCall::Status(id))),
        (&Method::DELETE, None) => Some(Call::Robot(RobotCall::Delete(id))),
        (&Method::POST, Some(path::HEARTBEAT)) => Some(Call::Robot(RobotCall::Heartbeat(id))),
        (&Method::POST, Some(path::RENEGOTIATE_ROBOT)) => Some(Call::Robot(RobotCall::Renegotiate(id))),
        (&Method::POST, Some(path::JOIN)) => Some(Call::Operator(OperatorCall::Join(id))),
        (&Method::POST, Some(path::BRIDGE)) => Some(Call::Operator(OperatorCall::Bridge(id))),
        (&Method::POST, Some(path::RENEGOTIATE_OPERATOR)) => Some(Call::Operator(OperatorCall::Renegotiate(id))),
        (&Method::POST, Some(path::OP_HEARTBEAT)) => Some(Call::Operator(OperatorCall::Heartbeat(id))),
        (&Method::POST, Some(path::HAND_OVER)) => Some(Call::Operator(OperatorCall::HandOver(id))),
        (&Method::POST, Some(path::LEAVE)) => Some(Call::Operator(OperatorCall::Leave(id))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_calls() {
        let of = |method: Method, path| route(&method, path, "");
        assert_eq!(of(Method::POST, "/api/v1/sessions"), Some(Call::Robot(RobotCall::Register)));
        let list = |with_offline| Some(Call::Operator(OperatorCall::List { with_offline }));
        for (query, with_offline) in [("", false), ("x=1", false), ("x=1&offline=true", true), ("offline=truer", false)]
        {
            assert_eq!(route(&Method::GET, "/api/v1/sessions", query), list(with_offline), "{query}");
        }
        assert_eq!(of(Method::GET, "/api/v1/sessions/a/status"), Some(Call::Operator(OperatorCall::Status("a"))));
        assert_eq!(of(Method::GET, "/api/v1/sessions/turn-credentials"), Some(Call::TurnCredentials));
        assert_eq!(of(Method::POST, "/api/v1/sessions/a/heartbeat"), Some(Call::Robot(RobotCall::Heartbeat("a"))));
        assert_eq!(of(Method::DELETE, "/api/v1/sessions/a"), Some(Call::Robot(RobotCall::Delete("a"))));
        assert_eq!(of(Method::POST, "/api/v1/sessions/a/leave"), Some(Call::Operator(OperatorCall::Leave("a"))));
        for (method, path) in [
            (Method::PUT, "/api/v1/sessions"),
            (Method::GET, "/api/v1/sessions/a"),
            (Method::GET, "/api/v1/sessions/a/heartbeat"),
            (Method::POST, "/api/v1/sessions/a/heartbeat/b"),
            (Method::POST, "/api/v1/sessions//heartbeat"),
            (Method::POST, "/api/v1/sessionsx"),
            (Method::POST, "/api/v1/sessions/"),
            (Method::POST, "/v1/sessions"),
            (Method::POST, ""),
        ] {
            assert_eq!(of(method.clone(), path), None, "{method} {path}");
        }
    }
}
