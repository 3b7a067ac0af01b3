"""What Cloudflare documents for bad requests: the status and the code of each.

From https://developers.cloudflare.com/realtime/sfu/observability/error-codes/ and the schema that it names.
"""

from calls import CLOSE, ESTABLISH, NEW, RENEGOTIATE, SERVER_EVENTS, STATE, UPDATE, answer, channels, offer

LOCAL = {"location": "local", "dataChannelName": "fresh"}
REMOTE = {"location": "remote", "dataChannelName": "topic", "sessionId": "PUBLISHER"}
MISSING = {**REMOTE, "dataChannelName": "missing"}


def local(**fields):
    return channels({**LOCAL, **fields})


def remote(**fields):
    return channels({**REMOTE, **fields})


UNAUTHORIZED, NO_APP = (401, "unauthorized"), (404, "not_found")
UNDECODED, INVALID = (400, "decoding_error"), (406, "invalid_params")
EARLY, GONE = (425, "session_error"), (410, "session_error")
BAD_SDP, TOO_LARGE = (406, "invalid_session_description"), (413, "payload_too_large")
# The documentation leaves open whether a word that is none of an enumeration is of a wrong type or a wrong value.
WRONG = (UNDECODED, INVALID)
# Nor does it tell which of these an SDP gets that breaks the set-up of the transport.
NO_SETUP = (UNDECODED, BAD_SDP)

# Requests that fail as a whole: what is wrong, method, call, session, body or raw bytes, the documented answers.
# Sessions: CONNECTED; NEW_ONE and IDLE, without a transport; OFFERED, whose offer has no answer yet; UNKNOWN; CLOSED.
# PUBLISHER in a body stands for the id of another connected session.
BAD_REQUESTS = [
    ("body that is not JSON", "POST", NEW, "CONNECTED", b"{", UNDECODED),
    ("body that is no object", "POST", NEW, "CONNECTED", b"[]", UNDECODED),
    ("body that is not UTF-8", "POST", NEW, "CONNECTED", b'{"dataChannels":"\xff"}', UNDECODED),
    ("no body", "POST", NEW, "CONNECTED", b"", UNDECODED),
    ("a list that is a number", "POST", NEW, "CONNECTED", {"dataChannels": 1}, UNDECODED),
    ("an entry that is a string", "POST", NEW, "CONNECTED", channels("fresh"), UNDECODED),
    ("a name that is a number", "POST", NEW, "CONNECTED", local(dataChannelName=1), UNDECODED),
    ("ordered that is a string", "POST", NEW, "CONNECTED", local(ordered="yes"), UNDECODED),
    ("maxRetransmits that is a string", "POST", NEW, "CONNECTED", local(maxRetransmits="0"), UNDECODED),
    ("waitForAck that is a number", "POST", NEW, "CONNECTED", remote(waitForAck=1), UNDECODED),
    ("a location that is none", "POST", NEW, "CONNECTED", local(location="elsewhere"), *WRONG),
    ("negative maxRetransmits", "POST", NEW, "CONNECTED", local(maxRetransmits=-1), *WRONG),
    ("maxRetransmits with a fraction", "POST", NEW, "CONNECTED", local(maxRetransmits=0.5), *WRONG),
    ("no list", "POST", NEW, "CONNECTED", {}, *WRONG),
    ("an empty list", "POST", NEW, "CONNECTED", channels(), INVALID),
    ("local and remote in one", "POST", NEW, "CONNECTED", channels(LOCAL, REMOTE), INVALID),
    ("two limits at once", "POST", NEW, "CONNECTED", local(maxRetransmits=0, maxPacketLifeTime=9), INVALID),
    ("a session that is null", "POST", NEW, "CONNECTED", remote(sessionId=None), *WRONG),
    ("no session", "POST", NEW, "CONNECTED", channels({"location": "remote", "dataChannelName": "topic"}), INVALID),
    ("no name", "POST", NEW, "CONNECTED", channels({"location": "local"}), INVALID),
    ("an empty name", "POST", NEW, "CONNECTED", local(dataChannelName=""), INVALID),
    ("no location", "POST", NEW, "CONNECTED", channels({"dataChannelName": "fresh"}), *WRONG),
    ("update: body that is not JSON", "PUT", UPDATE, "CONNECTED", b"{", UNDECODED),
    ("update: an empty list", "PUT", UPDATE, "CONNECTED", channels(), INVALID),
    ("update: canReply that is a string", "PUT", UPDATE, "CONNECTED", remote(canReply="yes"), UNDECODED),
    ("close: body that is not JSON", "PUT", CLOSE, "CONNECTED", b"{", UNDECODED),
    ("close: an empty list", "PUT", CLOSE, "CONNECTED", channels(), INVALID),
    ("close: an id that is a string", "PUT", CLOSE, "CONNECTED", channels({"id": "2"}), UNDECODED),
    ("close: no id", "PUT", CLOSE, "CONNECTED", channels({}), INVALID),
    ("establish: body that is not JSON", "POST", ESTABLISH, "NEW_ONE", b"{", UNDECODED),
    ("establish: no channel", "POST", ESTABLISH, "NEW_ONE", {}, *WRONG),
    ("establish: another channel", "POST", ESTABLISH, "NEW_ONE", {"dataChannel": LOCAL}, *WRONG),
    ("establish: text for a description", "POST", ESTABLISH, "NEW_ONE", {**offer(), "sessionDescription": ""}, UNDECODED),
    ("establish: a type that is none", "POST", ESTABLISH, "NEW_ONE", offer(kind="maybe"), UNDECODED, BAD_SDP),
    ("establish: an answer", "POST", ESTABLISH, "NEW_ONE", offer(kind="answer"), BAD_SDP),
    ("establish: no SDP at all", "POST", ESTABLISH, "NEW_ONE", offer("nonsense"), *NO_SETUP),
    ("establish: SDP without channels", "POST", ESTABLISH, "NEW_ONE", offer(), *NO_SETUP),
    ("establish: twice", "POST", ESTABLISH, "CONNECTED", {"dataChannel": SERVER_EVENTS}, UNDECODED),
    ("establish: again, unanswered", "POST", ESTABLISH, "OFFERED", {"dataChannel": SERVER_EVENTS}, *NO_SETUP),
    ("renegotiate: body that is not JSON", "PUT", RENEGOTIATE, "NEW_ONE", b"{", UNDECODED),
    ("renegotiate: no description", "PUT", RENEGOTIATE, "CONNECTED", {}, UNDECODED, INVALID, BAD_SDP),
    ("renegotiate: nothing to answer", "PUT", RENEGOTIATE, "CONNECTED", answer(), BAD_SDP),
    ("renegotiate: an offer", "PUT", RENEGOTIATE, "CONNECTED", answer(kind="offer"), BAD_SDP),
    ("renegotiate: nonsense", "PUT", RENEGOTIATE, "OFFERED", answer("nonsense"), BAD_SDP),
    ("renegotiate: a huge body", "PUT", RENEGOTIATE, "CONNECTED", answer("v=0\r\n" + "x" * 3_000_000), TOO_LARGE),
    ("channels without a transport", "POST", NEW, "NEW_ONE", channels(LOCAL), EARLY),
    ("channels before the answer", "POST", NEW, "OFFERED", channels(LOCAL), EARLY),
    ("update without a transport", "PUT", UPDATE, "IDLE", channels(REMOTE), EARLY),
    ("a session that nobody made", "GET", STATE, "UNKNOWN", None, GONE),
    ("channels of a session that nobody made", "POST", NEW, "UNKNOWN", channels(LOCAL), GONE),
    ("update of a session that nobody made", "PUT", UPDATE, "UNKNOWN", channels(REMOTE), GONE),
    ("close of a session that nobody made", "PUT", CLOSE, "UNKNOWN", channels({"id": 2}), GONE),
    ("establish of a session that nobody made", "POST", ESTABLISH, "UNKNOWN", {"dataChannel": SERVER_EVENTS}, GONE),
    ("renegotiate of a session that nobody made", "PUT", RENEGOTIATE, "UNKNOWN", answer(), GONE),
    ("a session whose client left", "GET", STATE, "CLOSED", None, GONE),
    ("channels of a session whose client left", "POST", NEW, "CLOSED", channels(LOCAL), GONE),
]

# Entries that fail alone, beside a good one in the same request: what is wrong, method, call, entry, code.
BAD_ENTRIES = [
    ("nobody publishes it", "POST", NEW, MISSING, "not_found_track_error"),
    ("its publisher's session is none", "POST", NEW, {**REMOTE, "sessionId": "nobody"}, "not_found_track_error"),
    ("subscribed already", "POST", NEW, {**REMOTE, "dataChannelName": "held"}, "repeated_local_track_error"),
    ("no subscription to update", "PUT", UPDATE, {**MISSING, "canReply": True}, "not_found_track_error"),
    ("close of an id that nobody has", "PUT", CLOSE, {"id": 4321}, "close_track_error"),
]
