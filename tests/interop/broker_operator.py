"""Operators of aiortc on a broker.

    broker_operator.py BROKER_URL

As a program it does what its stdin says. Each line there is a command in JSON, each line of stdout its answer:
  {"do": "robots", "token": TOKEN}                  the robots that the token is for
  {"do": "join", "token": TOKEN, …}                 joins the only one; what follows goes into the body. "status", and the
                                                    "operator" if it is connected
  {"do": "bridge", "operator": N}                   opens the channels
  {"do": "ping", "operator": N, "client_ts": JSON}  asks until the robot answers: its "pong"
  {"do": "send", "operator": N, "channel": NAME, "text": TEXT}   or "hex": BYTES
  {"do": "hear", "operator": N}                     the next message that is no pong: "channel", and "text" or "hex"
  {"do": "leave", "operator": N}
  {"do": "close"}                                   closes all connections, and tells the broker nothing
"""

import asyncio
import contextlib
import functools
import json
import sys
import urllib.error
import urllib.request

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

import dialogue
from aiortc_transport import opened
from expect import check
from teleop_broker import CHANNELS

# The longest that one step may take.
WITHIN = 10

# What a bridge's answer calls each channel's id, in the order of CHANNELS.
IDS = ["cmd_channel_id", "state_channel_id", "state_back_channel_id", "map_channel_id"]


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
        status, answer = await self.call("GET", "?offline=true")
        check("the list", (status, len(answer)), (200, 1))
        return answer[0]


class Operator:
    """One joining, and what arrived on its channels."""

    def __init__(self, api, session):
        self.api, self.session = api, session
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.heard = asyncio.Queue()
        self.pongs = asyncio.Queue()
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
            await opened(channel)

    def hear(self, name, message):
        is_pong = name == "state_reliable_back" and json.loads(message)["type"] == "pong"
        (self.pongs if is_pong else self.heard).put_nowait(message if is_pong else (name, message))

    async def pong(self, client_ts):
        """The answer to a ping, which is repeated: a robot learns of its channels by a heartbeat."""
        by = asyncio.get_running_loop().time() + WITHIN
        while True:
            check("a pong in time", asyncio.get_running_loop().time() < by, True)
            self.channels["state_reliable"].send(json.dumps({"type": "ping", "client_ts": client_ts}))
            with contextlib.suppress(asyncio.TimeoutError):
                pong = json.loads(await asyncio.wait_for(self.pongs.get(), 0.1))
                if pong["client_ts"] == client_ts:
                    return pong

    async def hears(self, name, message):
        check("the operator", await asyncio.wait_for(self.heard.get(), WITHIN), (name, message))

    async def drives(self, robot):
        """Every channel carries."""
        await self.bridge()
        await self.pong(7)
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


async def run(url):
    operators = []

    async def robots(token):
        status, answer = await Api(url, token).call("GET", "?offline=true")
        return {"status": status, "robots": answer}

    async def join(token, **more):
        api = Api(url, token)
        operators.append(Operator(api, (await api.robot())["session_id"]))
        return {"status": await operators[-1].join(**more), "operator": len(operators) - 1}

    async def bridge(operator):
        await operators[operator].bridge()
        return {}

    async def ping(operator, client_ts):
        return {"pong": await operators[operator].pong(client_ts)}

    async def send(operator, channel, text=None, hex=None):
        operators[operator].channels[channel].send(bytes.fromhex(hex) if text is None else text)
        return {}

    async def hear(operator):
        channel, message = await asyncio.wait_for(operators[operator].heard.get(), WITHIN)
        return {"channel": channel, **dialogue.shown(message)}

    async def leave(operator):
        await operators[operator].leave()
        return {}

    async def close():
        await asyncio.gather(*(operator.connection.close() for operator in operators))
        return {}

    await dialogue.serve(robots, join, bridge, ping, send, hear, leave, close)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(run(sys.argv[1]))
