//! STUN and TURN servers, as the broker names them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Secret;

/// URLs that are kept of one server, and their length in bytes.
const MAX_URLS: (usize, usize) = (8, 512);

/// A STUN or TURN server. Its `Debug` leaves out the credential, and only a broker's answer writes it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct IceServer {
    /// `stun:…`, `turn:…` or `turns:…`; a broker may send one URL or several. At most 8, of 512 bytes each.
    #[serde(deserialize_with = "one_or_many")]
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(default)]
    pub username: Option<String>,
    /// For TURN.
    #[serde(default)]
    pub credential: Option<Secret>,
}

impl IceServer {
    /// A server that wants no credentials.
    pub fn new(url: &str) -> IceServer {
        IceServer { urls: vec![url.to_owned()], username: None, credential: None }
    }

    /// Sets what a TURN server wants.
    pub fn credentials(mut self, username: &str, credential: &str) -> IceServer {
        self.username = Some(username.to_owned());
        self.credential = Some(Secret::new(credential));
        self
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Urls {
        One(String),
        Many(Vec<String>),
    }
    let urls = match Urls::deserialize(deserializer)? {
        Urls::One(url) => vec![url],
        Urls::Many(urls) => urls,
    };
    Ok(urls.into_iter().filter(|url| url.len() <= MAX_URLS.1).take(MAX_URLS.0).collect())
}

/// Writes servers for those who are to use them.
pub(super) fn with_credentials<S: Serializer>(servers: &[IceServer], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Revealed<'a> {
        urls: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        credential: Option<&'a str>,
    }
    serializer.collect_seq(servers.iter().map(|server| Revealed {
        urls: &server.urls,
        username: server.username.as_deref(),
        credential: server.credential.as_ref().map(Secret::reveal),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::IceServers;
    use super::*;

    #[test]
    fn a_broker_tells_credentials() {
        let turn = IceServer::new("turn:t").credentials("u", "hunter2");
        let text = serde_json::to_string(&IceServers { ice_servers: vec![IceServer::new("stun:s"), turn] });
        let written =
            r#"{"ice_servers":[{"urls":["stun:s"]},{"urls":["turn:t"],"username":"u","credential":"hunter2"}]}"#;
        assert_eq!(text.expect("plain data"), written);
    }

    #[test]
    fn one_url_or_several() {
        let one: IceServer = serde_json::from_str(r#"{"urls":"stun:s"}"#).expect("a server");
        assert_eq!(one.urls, ["stun:s"]);
        let many = r#"{"urls":["turn:t","turns:t"],"username":"u","credential":"hunter2","more":1}"#;
        let many: IceServer = serde_json::from_str(many).expect("a server");
        assert_eq!((many.urls.len(), many.username.as_deref()), (2, Some("u")));
        assert!(!format!("{many:?}").contains("hunter2"));
    }
}
