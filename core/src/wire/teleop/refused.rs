//! What a refused call is answered with.

use serde::{Deserialize, Serialize};

/// A refusal: a code and a text as Cloudflare's API has them, and the text once more as the hosted broker has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// One of [`code`](super::code), or of those that Cloudflare's API has.
    pub error_code: String,
    /// The same for people.
    pub error_description: String,
    /// The same once more.
    pub detail: String,
}

impl Refused {
    /// A refusal with this code and text.
    pub fn new(code: &str, text: String) -> Refused {
        Refused { error_code: code.to_owned(), error_description: text.clone(), detail: text }
    }
}
