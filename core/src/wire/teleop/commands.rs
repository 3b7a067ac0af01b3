//! What an operator says on `state_reliable`, as a robot reads it. Source: the kinds of DimOS 0.0.15.

use serde_json::{Map, Value, json};

use super::messages::{Kind, Received, StateMessage};

/// Bytes of the longest nonce, as JSON, that is sent back and remembered.
pub const MAX_NONCE: usize = 256;

/// A message of an operator, or farwire's own word that it is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// What is to be done.
    pub order: Order,
    /// What the answer is to be known by; `None`: none is asked for, or it is too long to be sent back.
    pub nonce: Option<Value>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Order {
    /// The emergency stop, whatever else the message says.
    Estop,
    /// Nothing else releases it.
    EstopClear,
    /// farwire's own word, not the operator's: there is none any more.
    OperatorLost,
    /// One of DimOS's commands.
    Command(Command),
    /// A command of a kind that this version knows, with a field that is missing or wrong.
    Malformed(Kind),
    /// Only so many of a robot's cameras are to be shown. It is not answered.
    CameraSelect(Vec<String>),
    /// What the operator's player sees. It is not answered.
    VideoStats(VideoStats),
    /// A kind that this version does not know, with all of its fields.
    Other(String, Map<String, Value>),
}

/// A command of an operator beside driving, with its fields as they were said.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// A gait or a trick, by its name.
    Sport {
        /// Its name.
        name: String,
    },
    /// How fast and how boldly to move.
    SetMode {
        /// One of the three that there are.
        mode: Mode,
    },
    /// Whether to avoid obstacles by itself.
    ObstacleAvoidance {
        /// Whether to.
        enabled: bool,
    },
    /// How bright the light is to be.
    Light {
        /// From 0 to 1.
        brightness: f64,
    },
    /// A place to go to, in the world's frame.
    NavGoal {
        /// In m.
        x: f64,
        /// In m.
        y: f64,
    },
    /// Not to go there any more.
    NavCancel,
    /// An arm's gripper.
    Gripper {
        /// Whether it is to be closed.
        closed: bool,
    },
    /// How far an arm goes for what the operator's hand does.
    TeleopScale {
        /// The factor.
        scale: f64,
    },
    /// A command of the robot's own.
    Own {
        /// Its kind, which is the field `type`.
        name: String,
        /// All of its fields.
        fields: Map<String, Value>,
    },
}

/// What `set_mode` chooses from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// `normal`.
    Normal,
    /// `high`.
    High,
    /// `rage`.
    Rage,
}

/// What the operator's player sees of the robot's video. What was not said, or is no number, is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct VideoStats {
    /// Pictures per second.
    pub fps: Option<f64>,
    /// Thousands of bits per second.
    pub kbps: Option<f64>,
    /// Packets that were lost, in percent.
    pub loss_pct: Option<f64>,
    /// How long pictures wait to be shown evenly, in milliseconds.
    pub jitter_buffer_ms: Option<f64>,
    /// How long decoding takes, in milliseconds.
    pub decode_ms: Option<f64>,
    /// Pictures that were dropped.
    pub dropped: Option<f64>,
    /// How often the picture stood still.
    pub freezes: Option<f64>,
    /// From the camera to the screen, in milliseconds.
    pub end_to_end_ms: Option<f64>,
}

impl Ordered {
    /// Reads a message. Pings, reports of clocks and what is no JSON object with a `type` are no orders.
    pub fn parse(message: &[u8]) -> Option<Ordered> {
        let Ok(value) = serde_json::from_slice(message) else {
            // A number or a text that nobody can read takes nothing from an emergency stop.
            let is_stop = Received::parse(message, usize::MAX).is_some_and(|read| read.kind == Some(Kind::Estop));
            return is_stop.then_some(Ordered { order: Order::Estop, nonce: None });
        };
        let Value::Object(mut fields) = value else { return None };
        let order = match Kind::of(fields.get("type")?.as_str()?) {
            Some(kind) => Order::of(kind, &fields)?,
            None => Order::Other(fields.get("type")?.as_str()?.to_owned(), Map::new()),
        };
        let nonce = fields.get("nonce").filter(|nonce| !nonce.is_null() && nonce.to_string().len() <= MAX_NONCE);
        let nonce = nonce.cloned();
        let order = match order {
            Order::Other(name, _) => {
                fields.remove("type");
                fields.remove("nonce");
                Order::Other(name, fields)
            }
            order => order,
        };
        Some(Ordered { order, nonce })
    }
}

impl Order {
    /// The order of a known kind; `None` for what is none.
    fn of(kind: Kind, fields: &Map<String, Value>) -> Option<Order> {
        let command = match kind {
            Kind::Estop => return Some(Order::Estop),
            Kind::EstopClear => return Some(Order::EstopClear),
            Kind::OperatorLost => return Some(Order::OperatorLost),
            Kind::CameraSelect => return Some(Order::CameraSelect(names(fields.get("cams")))),
            Kind::VideoStats => return Some(Order::VideoStats(VideoStats::of(fields))),
            Kind::SportCmd => text(fields, "name").map(|name| Command::Sport { name }),
            Kind::SetMode => {
                text(fields, "mode").and_then(|mode| Mode::of(&mode)).map(|mode| Command::SetMode { mode })
            }
            Kind::ObstacleAvoidance => flag(fields, "enabled").map(|enabled| Command::ObstacleAvoidance { enabled }),
            Kind::Light => brightness(fields).map(|brightness| Command::Light { brightness }),
            Kind::NavGoal => place(fields).map(|(x, y)| Command::NavGoal { x, y }),
            Kind::NavCancel => Some(Command::NavCancel),
            Kind::Gripper => flag(fields, "closed").map(|closed| Command::Gripper { closed }),
            Kind::TeleopScale => number(fields, "scale").map(|scale| Command::TeleopScale { scale }),
            _ => return None,
        };
        Some(command.map_or(Order::Malformed(kind), Order::Command))
    }
}

impl Command {
    /// What its kind is called, which is the field `type`.
    pub fn name(&self) -> &str {
        match self {
            Command::Sport { .. } => "sport_cmd",
            Command::SetMode { .. } => "set_mode",
            Command::ObstacleAvoidance { .. } => "obstacle_avoidance",
            Command::Light { .. } => "light",
            Command::NavGoal { .. } => "nav_goal",
            Command::NavCancel => "nav_cancel",
            Command::Gripper { .. } => "gripper",
            Command::TeleopScale { .. } => "teleop_scale",
            Command::Own { name, .. } => name,
        }
    }
}

impl Command {
    /// The message, without a nonce.
    pub fn to_message(&self) -> Map<String, Value> {
        let fields = match self {
            Command::Sport { name } => json!({"name": name}),
            Command::SetMode { mode } => json!({"mode": mode.name()}),
            Command::ObstacleAvoidance { enabled } => json!({"enabled": enabled}),
            Command::Light { brightness } => json!({"brightness": brightness}),
            Command::NavGoal { x, y } => json!({"x": x, "y": y}),
            Command::NavCancel => json!({}),
            Command::Gripper { closed } => json!({"closed": closed}),
            Command::TeleopScale { scale } => json!({"scale": scale}),
            Command::Own { fields, .. } => Value::Object(fields.clone()),
        };
        let Value::Object(mut message) = fields else { return Map::new() };
        message.insert("type".to_owned(), self.name().into());
        message
    }
}

impl Mode {
    /// Reads its name.
    pub fn of(name: &str) -> Option<Mode> {
        [Mode::Normal, Mode::High, Mode::Rage].into_iter().find(|mode| mode.name() == name)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Normal => "normal",
            Mode::High => "high",
            Mode::Rage => "rage",
        }
    }
}

impl VideoStats {
    fn of(fields: &Map<String, Value>) -> VideoStats {
        let figure = |name| finite(fields, name);
        VideoStats {
            fps: figure("fps"),
            kbps: figure("kbps"),
            loss_pct: figure("loss_pct"),
            jitter_buffer_ms: figure("jitter_buffer_ms"),
            decode_ms: figure("decode_ms"),
            dropped: figure("frames_dropped"),
            freezes: figure("freezes"),
            end_to_end_ms: figure("e2e_latency_ms"),
        }
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn flag(fields: &Map<String, Value>, name: &str) -> Option<bool> {
    fields.get(name).and_then(Value::as_bool)
}

fn number(fields: &Map<String, Value>, name: &str) -> Option<f64> {
    fields.get(name).and_then(Value::as_f64)
}

/// JSON has no infinity, but `1e999` may be read as one.
fn finite(fields: &Map<String, Value>, name: &str) -> Option<f64> {
    number(fields, name).filter(|value| value.is_finite())
}

/// `brightness`, or all or nothing by `enabled`.
fn brightness(fields: &Map<String, Value>) -> Option<f64> {
    match fields.contains_key("brightness") {
        true => finite(fields, "brightness").map(|brightness| brightness.clamp(0.0, 1.0)),
        false => flag(fields, "enabled").map(|enabled| if enabled { 1.0 } else { 0.0 }),
    }
}

fn place(fields: &Map<String, Value>) -> Option<(f64, f64)> {
    Some((finite(fields, "x")?, finite(fields, "y")?))
}

fn names(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The answer to what came with this nonce.
pub fn cmd_ack(nonce: &Value, ok: bool) -> String {
    StateMessage::CmdAck { nonce, ok }.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::teleop::OPERATOR_LOST;

    fn order(text: &str) -> Option<Order> {
        Ordered::parse(text.as_bytes()).map(|ordered| ordered.order)
    }

    #[test]
    fn an_emergency_stop_is_one_whatever_else_it_says() {
        for stop in [
            r#"{"type":"estop"}"#,
            r#"{"type":"estop","nonce":1}"#,
            r#"{"type":"estop","engaged":true}"#,
            r#"{"type":"estop","engaged":false}"#,
            r#"{"type":"estop","clear":true,"nonce":[]}"#,
            r#" {"nonce":1,"nonce":2,"type":"estop"}"#,
            r#"{"type":"estop","nonce":1e999}"#,
        ] {
            assert_eq!(order(stop), Some(Order::Estop), "{stop}");
        }
        assert_eq!(order(r#"{"type":"estop_clear","nonce":2}"#), Some(Order::EstopClear));
        assert_eq!(order(OPERATOR_LOST), Some(Order::OperatorLost));
        for none in [
            "",
            "{",
            "estop",
            r#""estop""#,
            r#"["estop"]"#,
            r#"{"type":"ping","client_ts":1}"#,
            r#"{"type":"clock_report","rtt_ms":1}"#,
            r#"{"type":5}"#,
            "[]",
            "\u{0}",
        ] {
            assert_eq!(order(none), None, "{none}");
        }
        for other in [r#"{"type":"ESTOP_CLEAR"}"#, r#"{"type":"estop_cleared"}"#] {
            assert!(matches!(order(other), Some(Order::Other(_, fields)) if fields.is_empty()), "{other}");
        }
    }

    #[test]
    fn each_kind_is_read_as_dimos_says_it() {
        let command = |text: &str| match order(text) {
            Some(Order::Command(command)) => command,
            other => panic!("{text}: {other:?}"),
        };
        for (text, expected) in [
            (r#"{"type":"sport_cmd","name":"Hello","nonce":1}"#, Command::Sport { name: "Hello".to_owned() }),
            (r#"{"type":"set_mode","mode":"rage"}"#, Command::SetMode { mode: Mode::Rage }),
            (r#"{"type":"obstacle_avoidance","enabled":true}"#, Command::ObstacleAvoidance { enabled: true }),
            (r#"{"type":"light","brightness":0.25}"#, Command::Light { brightness: 0.25 }),
            (r#"{"type":"light","brightness":7}"#, Command::Light { brightness: 1.0 }),
            (r#"{"type":"light","brightness":-7}"#, Command::Light { brightness: 0.0 }),
            (r#"{"type":"light","enabled":true}"#, Command::Light { brightness: 1.0 }),
            (r#"{"type":"nav_goal","x":1,"y":-2.5}"#, Command::NavGoal { x: 1.0, y: -2.5 }),
            (r#"{"type":"nav_cancel"}"#, Command::NavCancel),
            (r#"{"type":"gripper","closed":false}"#, Command::Gripper { closed: false }),
            (r#"{"type":"teleop_scale","scale":0.5}"#, Command::TeleopScale { scale: 0.5 }),
        ] {
            let read = command(text);
            assert_eq!(read, expected, "{text}");
            assert!(Kind::of(read.name()).is_some(), "{text}");
            assert!(text.contains(&format!("\"type\":\"{}\"", read.name())), "{text}");
            // What farwire's operators say has the same fields, with the same types.
            let said = Value::Object(read.to_message()).to_string();
            assert_eq!(order(&said), Some(Order::Command(expected)), "{said}");
        }
        for malformed in [
            r#"{"type":"sport_cmd"}"#,
            r#"{"type":"sport_cmd","name":7}"#,
            r#"{"type":"set_mode","mode":"turbo"}"#,
            r#"{"type":"obstacle_avoidance","enabled":1}"#,
            r#"{"type":"light"}"#,
            r#"{"type":"light","brightness":"NaN"}"#,
            r#"{"type":"light","brightness":null,"enabled":true}"#,
            r#"{"type":"nav_goal","x":1}"#,
            r#"{"type":"nav_goal","x":1,"y":"2"}"#,
            r#"{"type":"gripper"}"#,
            r#"{"type":"teleop_scale","scale":[]}"#,
        ] {
            assert!(matches!(order(malformed), Some(Order::Malformed(_))), "{malformed}");
        }
        let cameras = order(r#"{"type":"camera_select","cams":["front",7,"rear"]}"#);
        assert_eq!(cameras, Some(Order::CameraSelect(vec!["front".to_owned(), "rear".to_owned()])));
        assert_eq!(order(r#"{"type":"camera_select"}"#), Some(Order::CameraSelect(Vec::new())));
        let stats = order(r#"{"type":"video_stats","fps":29.5,"loss_pct":"x","freezes":1}"#);
        let expected = VideoStats { fps: Some(29.5), freezes: Some(1.0), ..VideoStats::default() };
        assert_eq!(stats, Some(Order::VideoStats(expected)));
    }

    #[test]
    fn a_nonce_comes_as_it_was_and_within_bounds() {
        let nonce = |text: &str| Ordered::parse(text.as_bytes()).expect("an order").nonce;
        for value in [json!("n-1"), json!(9_007_199_254_740_991_u64), json!({"a": [1.5]}), json!(false)] {
            assert_eq!(nonce(&json!({"type": "estop", "nonce": value}).to_string()), Some(value));
        }
        assert_eq!(nonce(r#"{"type":"estop"}"#), None);
        assert_eq!(nonce(r#"{"type":"estop","nonce":null}"#), None);
        assert_eq!(nonce(&json!({"type": "estop", "nonce": "n".repeat(300)}).to_string()), None);
        assert_eq!(cmd_ack(&json!({"a": 1}), false), r#"{"type":"cmd_ack","nonce":{"a":1},"ok":false}"#);
        let own = Ordered::parse(br#"{"type":"horn","nonce":3,"loud":true}"#).expect("one of its own");
        let fields = Map::from_iter([("loud".to_owned(), json!(true))]);
        assert_eq!(own, Ordered { order: Order::Other("horn".to_owned(), fields), nonce: Some(json!(3)) });
    }
}
