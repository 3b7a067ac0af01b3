//! Requests that two servers in a row could read differently (RFC 9112, 6.3 and 11.2).

use super::{Client, echo_listener};

#[test]
fn what_is_ambiguous_is_refused_or_ends_the_connection() {
    let listener = echo_listener();
    let hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (lines, body, status) in [
        // The chunks count, and what follows on the connection is not believed.
        ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n", 201),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n", 201),
        ("Content-Length: 0\r\nContent-Length: 9", "", 400),
        ("Content-Length: 0, 9", "", 400),
        ("Content-Length: +0", "", 400),
        ("Content-Length: -1", "", 400),
        ("Transfer-Encoding: identity", "", 400),
        ("Transfer-Encoding: chunked, identity", "", 400),
        ("Transfer-Encoding : chunked", "0\r\n\r\n", 400),
        ("X: y\r\n Transfer-Encoding: chunked", "", 400),
        ("X\0: y", "", 400),
        ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n", 400),
    ] {
        let mut client = Client::connect(&listener);
        client.write(format!("POST / HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n\r\n{body}{hidden}"));
        assert_eq!(client.response().status, status, "{lines:?}");
        assert!(client.is_closed(), "{lines:?}");
    }
}
