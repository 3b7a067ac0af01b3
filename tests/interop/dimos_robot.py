"""DimOS's robot, unmodified, with video and audio in its offer, on an SFU: an operator joins, leaves and joins again.

    dimos_robot.py API_ROOT APP_ID APP_SECRET

The broker between them is teleop_broker.py, the operator aiortc. Prints a line for each step. Exit code 0: all passed;
1: a step failed; 2: wrong arguments.
"""

import asyncio
import contextlib
import functools
import json
import os
import sys
import tempfile

# Where DimOS writes its log, unless it is told.
os.environ.setdefault("DIMOS_RUN_LOG_DIR", tempfile.mkdtemp(prefix="dimos-log-"))

from dimos.protocol.pubsub.impl.webrtc.providers.broker import BrokerConfig, BrokerProvider

import stun_server
from aiortc_transport import Transport, opened
from calls import STATE
from expect import check
from teleop_broker import CHANNELS, Broker
from validated_api import OWN, Api, Schema

# The longest that one step may take.
WITHIN = 10

PING = '{"type": "ping", "client_ts": 7}'


class Robot:
    """DimOS's provider, and what its subscribers heard."""

    def __init__(self, config):
        self.provider = BrokerProvider(config)
        self.heard = asyncio.Queue()

    async def start(self):
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.provider.start)

        def hear(message, topic):
            if message != PING.encode():
                loop.call_soon_threadsafe(self.heard.put_nowait, (topic, message))

        for topic in ("cmd_unreliable", "state_reliable"):
            await asyncio.to_thread(self.provider.subscribe, topic, hear)

    async def hears(self, topic, message):
        check("the robot", await asyncio.wait_for(self.heard.get(), WITHIN), (topic, message))


class Operator(Transport):
    """An operator's session, and what arrived on its channels."""

    def __init__(self, api):
        super().__init__(api)
        self.heard = asyncio.Queue()
        self.ponged = asyncio.Event()
        self.channels = {}

    async def open(self, ids):
        for name, policy, robot_publishes, _ in CHANNELS:
            channel = self.connection.createDataChannel(name, negotiated=True, id=ids[name], **policy)
            if robot_publishes:
                channel.on("message", functools.partial(self.hear, name))
            self.channels[name] = channel
            await opened(channel)

    def hear(self, name, message):
        if name == "state_reliable_back" and json.loads(message)["type"] == "pong":
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


async def operate(broker, robot, operator):
    """An operator's time with the robot: every channel carries."""
    ids = await asyncio.to_thread(broker.join, robot.provider.session_id, operator.id)
    await operator.open(ids)
    await operator.robot_answers()
    operator.channels["cmd_unreliable"].send(b"forward")
    await robot.hears("cmd_unreliable", b"forward")
    operator.channels["state_reliable"].send('{"type": "estop"}')
    await robot.hears("state_reliable", b'{"type": "estop"}')
    for name, message in (("state_reliable_back", b'{"type": "cmd_ack"}'), ("map_unreliable", b'{"map": []}')):
        await asyncio.to_thread(robot.provider.publish, name, message)
        await operator.hears(name, message)
    return ids


async def run(api, broker_url, broker, stun_url):
    robot = Robot(BrokerConfig(broker_url=broker_url, api_key="dimos_sk_test", stun_url=stun_url, heartbeat_hz=20))
    await robot.start()
    print("the robot connects: ok", flush=True)
    session = robot.provider.session_id
    for turn in ("joins", "joins again"):
        operator = Operator(api)
        await operator.connect(client_offers=turn == "joins")
        ids = await operate(broker, robot, operator)
        print(f"an operator {turn}: ok", flush=True)
        await asyncio.to_thread(broker.leave, session, operator.id, ids)
        await robot.hears("state_reliable", b'{"type": "operator_lost"}')
        await operator.leave()
        print("the operator leaves: ok", flush=True)
    await asyncio.to_thread(robot.provider.stop)
    check("the robot took its leave", broker.deleted.is_set(), True)
    by = asyncio.get_running_loop().time() + WITHIN
    while (await asyncio.to_thread(api.ask, "GET", STATE, session)).status == 200:
        check("its session is still there", asyncio.get_running_loop().time() < by, True)
        await asyncio.sleep(0.05)
    print("the robot stops: ok", flush=True)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    api = Api(*arguments, [Schema(OWN)])
    broker = Broker(api)
    with stun_server.running() as stun_url, broker.serving() as url:
        try:
            asyncio.run(run(api, url, broker, stun_url))
        except Exception as error:
            print(f"FAILED: {type(error).__name__}: {error}")
            return 1
    print("all passed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
