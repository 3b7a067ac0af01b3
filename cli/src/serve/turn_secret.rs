//! The secret that TURN servers share with the broker.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use farwire_broker::{IceServer, TurnSecret};

use crate::failure::Failure;

/// The longest secret, in bytes.
const MAX_SECRET: u64 = 4096;

/// The secret in the file, or else in the variable; an empty variable is one that is not set.
pub(super) fn turn_secret(
    file: Option<&Path>,
    variable: Option<String>,
    servers: &[IceServer],
) -> Result<Option<TurnSecret>, Failure> {
    let (secret, place) = match (file.filter(|path| !path.as_os_str().is_empty()), variable) {
        (Some(path), _) => (read(path)?, path.display().to_string()),
        (None, Some(secret)) if !secret.is_empty() => (secret, "FARWIRE_TURN_SECRET".to_owned()),
        _ => return Ok(None),
    };
    // What was pasted often ends in a line feed.
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(Failure::usage(format_args!("{place} holds no secret: put the TURN server's into it")));
    }
    if !servers.iter().any(TurnSecret::is_for) {
        return Err(Failure::usage(format_args!(
            "{place} holds a secret of a TURN server, but no --ice-server is one without credentials: \
             pass --ice-server turn:HOST:PORT"
        )));
    }
    Ok(Some(TurnSecret::new(secret)))
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_SECRET + 1).read_to_string(&mut text));
    match read {
        Ok(length) if length as u64 <= MAX_SECRET => Ok(text),
        Ok(_) => Err(Failure::usage(format_args!("{}: a secret has {MAX_SECRET} bytes at most", path.display()))),
        Err(error) => Err(Failure::usage(format_args!("--turn-secret-file {}: {error}", path.display()))),
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
}
