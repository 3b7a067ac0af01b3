"""DimOS's robot, unmodified, on farwire's broker, with operators of aiortc.

    dimos_broker.py BROKER_URL ORDERS_SOCKET ROBOT_KEY SPARE_ROBOT_KEY TOKEN OTHER_TOKEN

Prints a line for each step. Exit code 0: all passed; 1: a step failed; 2: wrong arguments.
"""

import asyncio
import contextlib
import functools
import hashlib
import json
import socket
import sys
import urllib.error
import urllib.request

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

import stun_server
from dimos_robot import PING, WITHIN, BrokerConfig, Robot
from expect import check
from teleop_broker import CHANNELS

# What a bridge's answer calls each channel's id, in the order of CHANNELS.
IDS = ["cmd_channel_id", "state_channel_id", "state_back_channel_id", "map_channel_id"]
LOST = ("state_reliable", b'{"type": "operator_lost"}')


class Api:
    """An operator's calls."""

    def __init__(self, url, token):
        self.url, self.token = f"{url}/api/v1/sessions", token

    def ask(self, method, path="", body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)
        try:
            response = urllib.request.urlopen(request, timeout=WITHIN)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return response.status, json.loads(response.read())

    async def call(self, *arguments):
        return await asyncio.to_thread(self.ask, *arguments)

    async def robot(self):
        status, answer = await self.call("GET")
        check("the list", (status, len(answer["sessions"])), (200, 1))
        return answer["sessions"][0]


class Operator:
    """One joining, and what arrived on its channels."""

    def __init__(self, api, session):
        self.api, self.session = api, session
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.heard = asyncio.Queue()
        self.ponged = asyncio.Event()
        self.channels, self.ids = {}, {}

    async def join(self, **more):
        """The status; 200 once it is connected."""
        self.connection.createDataChannel("placeholder", negotiated=True, id=100)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        body = {"role": "operator", "sdp_offer": self.connection.localDescription.sdp, **more}
        status, answer = await self.api.call("POST", f"/{self.session}/join", body)
        if status == 200:
            await self.connection.setRemoteDescription(RTCSessionDescription(answer["sdp_answer"], "answer"))
            await self.reaches("connected")
        else:
            await self.connection.close()
        return status

    async def reaches(self, *states):
        while self.connection.connectionState not in states:
            changed = asyncio.Event()
            self.connection.once("connectionstatechange", changed.set)
            await asyncio.wait_for(changed.wait(), WITHIN)

    async def bridge(self):
        status, answer = await self.api.call("POST", f"/{self.session}/bridge-datachannel")
        check("the bridge", status, 200)
        for (name, policy, robot_publishes, _), key in zip(CHANNELS, IDS):
            self.ids[name] = answer[key]
            channel = self.connection.createDataChannel(name, negotiated=True, id=answer[key], **policy)
            if robot_publishes:
                channel.on("message", functools.partial(self.hear, name))
            self.channels[name] = channel

    def hear(self, name, message):
        if name == "state_reliable_back" and json.loads(message)["type"] == "pong":
            check("the pong", json.loads(message)["client_ts"], 7)
            self.ponged.set()
        else:
            self.heard.put_nowait((name, message))

    async def robot_answers(self):
        """Asks until the robot, which learns of its channels by a heartbeat, has them open and answers."""
        by = asyncio.get_running_loop().time() + WITHIN
        while not self.ponged.is_set():
            check("a pong in time", asyncio.get_running_loop().time() < by, True)
            self.channels["state_reliable"].send(PING)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.ponged.wait(), 0.1)

    async def hears(self, name, message):
        check("the operator", await asyncio.wait_for(self.heard.get(), WITHIN), (name, message))

    async def drives(self, robot):
        """Every channel carries."""
        await self.bridge()
        await self.robot_answers()
        self.channels["cmd_unreliable"].send(b"forward")
        await robot.hears("cmd_unreliable", b"forward")
        self.channels["state_reliable"].send('{"type": "estop"}')
        await robot.hears("state_reliable", b'{"type": "estop"}')
        for name, message in (("state_reliable_back", b'{"type": "cmd_ack"}'), ("map_unreliable", b'{"map": []}')):
            await asyncio.to_thread(robot.provider.publish, name, message)
            await self.hears(name, message)

    async def leave(self):
        status, _ = await self.api.call("POST", f"/{self.session}/leave", {"role": "operator"})
        check("leaving", status, 200)
        await self.connection.close()


async def eventually(what, get, expected):
    by = asyncio.get_running_loop().time() + WITHIN
    while (actual := await get()) != expected:
        check(what, asyncio.get_running_loop().time() < by or actual, True)
        await asyncio.sleep(0.05)


def revoke(orders, key):
    """What `farwire keys revoke` does."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(orders)
        sock.sendall(json.dumps({"revoke": {"id": hashlib.sha256(key.encode()).hexdigest()[:8]}}).encode() + b"\n")
        check("the answer", "revoked" in json.loads(sock.makefile().readline()), True)


def ids_of(robot):
    return {id for id in robot.provider._dc_ids.values() if id is not None}


async def start(url, key, stun_url):
    robot = Robot(BrokerConfig(broker_url=url, api_key=key, robot_name="Robbie", stun_url=stun_url, heartbeat_hz=20))
    await robot.start()
    return robot


async def run(url, orders, key, spare_key, token, other_token, stun_url):
    api, other_api = Api(url, token), Api(url, other_token)

    async def state():
        return (await api.robot())["state"]

    check("before", await state(), "offline")
    robot = await start(url, key, stun_url)
    session = robot.provider.session_id
    listed = await api.robot()
    check("the robot", (listed["robot_id"], listed["robot_name"]), ("dimos", "Robbie"))
    check("the session", (listed["session_id"], listed["state"]), (session, "available"))
    print("the robot registers: ok", flush=True)

    used = set()
    for turn in ("joins", "joins again"):
        operator = Operator(api, session)
        check("joining", await operator.join(), 200)
        await operator.drives(robot)
        check("ids used before", used & ids_of(robot), set())
        used |= ids_of(robot)
        print(f"an operator {turn} and drives: ok", flush=True)
        if turn == "joins":
            await operator.leave()
            await robot.hears(*LOST)
            print("the operator leaves: ok", flush=True)

    check("joining without takeover", await Operator(other_api, session).join(), 409)
    successor = Operator(other_api, session)
    check("joining with takeover", await successor.join(takeover=True), 200)
    await robot.hears(*LOST)
    await successor.drives(robot)
    check("ids used before", used & ids_of(robot), set())
    late, _ = await api.call("POST", f"/{session}/bridge-datachannel")
    check("the former operator", late, 409)
    await operator.connection.close()
    print("another operator takes over: ok", flush=True)

    await asyncio.to_thread(robot.provider.stop)
    await eventually("the robot's state", state, "offline")
    check("joining nobody", await Operator(api, session).join(), 404)
    await successor.connection.close()
    print("the robot stops: ok", flush=True)

    robot = await start(url, spare_key, stun_url)
    operator = Operator(api, robot.provider.session_id)
    check("joining", await operator.join(), 200)
    await operator.drives(robot)
    await asyncio.to_thread(revoke, orders, spare_key)
    await robot.hears(*LOST)

    async def connected():
        return robot.provider.is_connected

    await eventually("whether the robot goes on", connected, False)
    check("its state", await state(), "offline")
    await operator.connection.close()
    print("a revoked key ends the robot: ok", flush=True)


def main(arguments):
    if len(arguments) != 6:
        print(__doc__, file=sys.stderr)
        return 2
    with stun_server.running() as stun_url:
        try:
            asyncio.run(run(*arguments, stun_url))
        except Exception as error:
            print(f"FAILED: {type(error).__name__}: {error}")
            return 1
    print("all passed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
