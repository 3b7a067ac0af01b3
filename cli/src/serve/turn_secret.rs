//! What the broker makes credentials for TURN servers of: a secret that they share with it, or a key of Cloudflare's.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use farwire_broker::{CloudflareTurn, IceServer, TurnSecret};

use crate::failure::Failure;

/// The longest secret, in bytes.
const MAX_SECRET: u64 = 4096;

/// The secret in the file, or else in the variable; an empty variable is one that is not set.
pub(super) fn turn_secret(
    file: Option<&Path>,
    variable: Option<String>,
    servers: &[IceServer],
) -> Result<Option<TurnSecret>, Failure> {
    let Some((secret, place)) = secret(("--turn-secret-file", file), ("FARWIRE_TURN_SECRET", variable))? else {
        return Ok(None);
    };
    if !servers.iter().any(TurnSecret::is_for) {
        return Err(Failure::usage(format_args!(
            "{place} holds a secret of a TURN server, but no --ice-server is one without credentials: \
             pass --ice-server turn:HOST:PORT"
        )));
    }
    Ok(Some(TurnSecret::new(&secret)))
}

/// The key of Cloudflare's TURN servers, if its id is given, with the API token in the file, or else in the variable.
pub(super) fn cloudflare_turn(
    key_id: Option<&str>,
    file: Option<&Path>,
    variable: Option<String>,
) -> Result<Option<CloudflareTurn>, Failure> {
    let flag = "--cloudflare-turn-api-token-file";
    let token = secret((flag, file), ("FARWIRE_CLOUDFLARE_TURN_API_TOKEN", variable))?;
    match (key_id.filter(|id| !id.is_empty()), token) {
        (None, None) => Ok(None),
        (Some(id), Some((token, _))) => CloudflareTurn::new(id, &token).map(Some).map_err(Failure::usage),
        (Some(_), None) => Err(Failure::usage(format_args!(
            "a key id of Cloudflare's TURN servers without its API token: pass {flag} FILE, or export \
             FARWIRE_CLOUDFLARE_TURN_API_TOKEN"
        ))),
        (None, Some((_, place))) => Err(Failure::usage(format_args!(
            "{place} holds the API token of a key of Cloudflare's TURN servers, but there is no key id: pass \
             --cloudflare-turn-key-id ID"
        ))),
    }
}

/// The secret in the file, or else in the variable, and where it was; an empty variable is one that is not set.
fn secret(
    (flag, file): (&str, Option<&Path>),
    (name, variable): (&str, Option<String>),
) -> Result<Option<(String, String)>, Failure> {
    let (secret, place) = match (file.filter(|path| !path.as_os_str().is_empty()), variable) {
        (Some(path), _) => (read(flag, path)?, path.display().to_string()),
        (None, Some(secret)) if !secret.is_empty() => (secret, name.to_owned()),
        _ => return Ok(None),
    };
    // What was pasted often ends in a line feed.
    match secret.trim() {
        "" => Err(Failure::usage(format_args!("{place} holds no secret: put the TURN server's into it"))),
        secret => Ok(Some((secret.to_owned(), place))),
    }
}

fn read(flag: &str, path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
    match read {
        Ok(length) if length as u64 <= MAX_SECRET => Ok(text),
        Ok(_) => Err(Failure::usage(format_args!("{}: a secret has {MAX_SECRET} bytes at most", path.display()))),
        Err(error) => Err(Failure::usage(format_args!("{flag} {}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_without_a_server_for_it_is_an_error_that_does_not_repeat_it() {
        let text = |failure: Result<Option<TurnSecret>, Failure>| match failure {
            Err(Failure::Usage(text) | Failure::Failed(text)) => text,
            _ => panic!("it was taken, or failed otherwise"),
        };
        let servers = [IceServer::new("turn:turn.test")];
        assert!(turn_secret(None, None, &servers).is_ok_and(|secret| secret.is_none()));
        assert!(turn_secret(None, Some(String::new()), &servers).is_ok_and(|secret| secret.is_none()));
        assert!(turn_secret(None, Some("north\n".into()), &servers).is_ok_and(|secret| secret.is_some()));
        let others = [IceServer::new("stun:s"), IceServer::new("turn:t").credentials("u", "c")];
        let told = text(turn_secret(None, Some("north".into()), &others));
        assert!(told.contains("--ice-server turn:HOST:PORT") && !told.contains("north"), "{told}");
        assert!(text(turn_secret(None, Some(" \n".into()), &servers)).contains("FARWIRE_TURN_SECRET"));
        let told = text(turn_secret(Some(Path::new("/nowhere/secret")), None, &servers));
        assert!(told.contains("/nowhere/secret"), "{told}");
    }

    #[test]
    fn a_key_of_cloudflares_needs_its_id_and_its_token() {
        let told = |id, token: Option<&str>| match cloudflare_turn(id, None, token.map(str::to_owned)) {
            Err(Failure::Usage(text) | Failure::Failed(text)) => text,
            taken => taken.map_or_else(|_| "failed otherwise".to_owned(), |key| format!("{key:?}")),
        };
        assert_eq!(told(None, None), "None");
        let taken = told(Some("key-1"), Some("north\n"));
        assert!(taken.contains("key-1") && !taken.contains("north"), "{taken}");
        assert!(told(Some("key-1"), None).contains("--cloudflare-turn-api-token-file"));
        assert!(told(Some("key-1"), Some("")).contains("without its API token"));
        let told_alone = told(None, Some("north"));
        assert!(told_alone.contains("--cloudflare-turn-key-id") && !told_alone.contains("north"), "{told_alone}");
        let bad = told(Some("a/b"), Some("north"));
        assert!(bad.contains("a/b") && !bad.contains("north"), "{bad}");
    }
}
