"""The calls of a session, and the bodies that they take."""

STATE = "/sessions/{sessionId}"
NEW = STATE + "/datachannels/new"
UPDATE = STATE + "/datachannels/update"
CLOSE = STATE + "/datachannels/close"
ESTABLISH = STATE + "/datachannels/establish"
RENEGOTIATE = STATE + "/renegotiate"

SERVER_EVENTS = {"location": "remote", "dataChannelName": "server-events"}


def channels(*entries):
    return {"dataChannels": list(entries)}


def offer(sdp="v=0\r\n", kind="offer"):
    return {"dataChannel": SERVER_EVENTS, "sessionDescription": {"type": kind, "sdp": sdp}}


def answer(sdp="v=0\r\n", kind="answer"):
    return {"sessionDescription": {"type": kind, "sdp": sdp}}
