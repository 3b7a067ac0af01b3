//! What farwire's SFU answers, against Cloudflare's documentation of its API.

mod script;

use std::time::Duration;

#[test]
#[ignore = "needs aiortc and jsonschema: pip install -r tests/interop/requirements.txt"]
fn every_answer_is_as_documented() {
    script::passes("api_answers.py", Duration::from_secs(120));
}
