"""A teleoperation broker in miniature, on an SFU: the robot's side of the API that DimOS's robots call.

The operator's side is two methods: `join` opens the four channels between a robot's and an operator's session, `leave`
closes them.
"""

import contextlib
import http.server
import json
import threading

from calls import CLOSE, ESTABLISH, NEW, channels, offer

LOSSY, RELIABLE = {"ordered": False, "maxRetransmits": 0}, {"ordered": True}

# Name, delivery, whether the robot publishes it, and what a heartbeat's answer calls its id.
CHANNELS = [
    ("cmd_unreliable", LOSSY, False, "cmd_channel_subscriber_id"),
    ("state_reliable", RELIABLE, False, "state_channel_subscriber_id"),
    ("state_reliable_back", RELIABLE, True, "state_back_channel_publisher_id"),
    ("map_unreliable", LOSSY, True, "map_channel_publisher_id"),
]


class Broker:
    def __init__(self, api):
        self.api = api
        self.ids = {}
        self.deleted = threading.Event()

    def connect_robot(self, sdp):
        session = self.api.ask("POST", "/sessions/new").body["sessionId"]
        established = self.api.ask("POST", ESTABLISH, session, offer(sdp))
        return {"session_id": session, "sdp_answer": established.body["sessionDescription"]["sdp"]}

    def join(self, robot, operator):
        """The operator's channel ids, by name."""
        own, robots = {}, {}
        for name, delivery, robot_publishes, key in CHANNELS:
            publisher, subscriber = (robot, operator) if robot_publishes else (operator, robot)
            local = self.allocate(publisher, location="local", dataChannelName=name, **delivery)
            remote = self.allocate(subscriber, location="remote", sessionId=publisher, dataChannelName=name, **delivery)
            own[name], robots[key] = (remote, local) if robot_publishes else (local, remote)
        # At once, so that no heartbeat sees a part of them.
        self.ids = robots
        return own

    def leave(self, robot, operator, own):
        for session, ids in ((robot, self.ids.values()), (operator, own.values())):
            self.api.ask("PUT", CLOSE, session, channels(*({"id": id} for id in ids)))
        self.ids = {}

    def allocate(self, session, **entry):
        answer = self.api.ask("POST", NEW, session, channels(entry))
        if answer.status != 200 or answer.item_codes() != [None]:
            raise RuntimeError(f"{entry}: {answer.status} {answer.body}")
        return answer.body["dataChannels"][0]["id"]

    def heartbeat(self):
        return {key: self.ids.get(key) for _, _, _, key in CHANNELS}

    @contextlib.contextmanager
    def serving(self):
        """Yields the URL at which robots call."""
        handler = type("Handler", (RobotCalls,), {"broker": self})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            # It ends with the process.
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


class RobotCalls(http.server.BaseHTTPRequestHandler):
    broker = None

    def do_GET(self):
        self.reply({"ice_servers": []})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        heartbeat = self.path.endswith("/heartbeat")
        self.reply(self.broker.heartbeat() if heartbeat else self.broker.connect_robot(body["sdp_offer"]))

    def do_DELETE(self):
        self.broker.deleted.set()
        self.reply({})

    def reply(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass
