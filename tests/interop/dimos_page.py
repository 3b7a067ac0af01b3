"""An operator that speaks as DimOS's operator page does, on a broker.

    dimos_page.py BROKER_URL OPERATOR_TOKEN

It does what its stdin says. Each line there is a command in JSON, each line of stdout its answer:
  {"do": "join", "clock_ahead": SECONDS}   joins the only robot and measures its clock: "offset", which is by how much the
                                           robot's clock is ahead of the page's, in seconds
  {"do": "drive", "commands": N, "in_robot_time": BOOL}
                                           sends N commands, each a bit faster, stamped in the robot's time or in the page's:
                                           "obeyed", which is how many of their speeds the robot then reported, "fastest",
                                           which is the fastest of those that it reported meanwhile, and its "states"
  {"do": "order", "type": TYPE, …}         sends an order with what else there is, and waits for its acknowledgement: "ok"
  {"do": "late"}                           sends an emergency stop and its release, and then a command that was made before
                                           both but after all others: "old", in seconds, "fastest" and "states"
  {"do": "leave"}                          leaves: "acks", how often each order's nonce was acknowledged
"""

import asyncio
import collections
import contextlib
import itertools
import json
import sys
import time

import dimos_lcm  # noqa: F401  puts its messages on the path
from lcm_msgs.geometry_msgs import TwistStamped

import dialogue
from broker_operator import WITHIN, Api, Operator
from expect import check

PINGS, PING_EVERY, PING_AGAIN = 8, 0.05, 30
HEARTBEAT_EVERY = 5
COMMAND_EVERY = 0.05

# How much faster each command is than the one before, in rad/s: less than the robot's wheels can do meanwhile.
FASTER = 0.02

# How long before the stop a command was made that comes late, in seconds.
BEFORE = 0.1

# What is reported in this time after the last command still is of it.
ECHO = 0.3

# Two speeds that are equal, but for rounding.
EQUAL = 1e-6


class Page(Operator):
    """The operator's page in a browser on a machine with a clock of its own."""

    def __init__(self, api, session, clock_ahead):
        super().__init__(api, session)
        self.clock_ahead = clock_ahead
        self.offset = 0.0
        self.nonces = itertools.count(1)
        self.acks, self.acked = collections.defaultdict(list), {}
        self.reports = []
        self.tasks = []

    def now(self):
        """Seconds since 1970, by the page's clock."""
        return time.time() + self.clock_ahead

    async def join(self, **more):
        # It takes the robot's video, and makes its section for channels by one that it has no use for.
        self.connection.addTransceiver("video", direction="recvonly")
        placeholder = self.connection.createDataChannel("_sctp_init")
        status = await super().join(**more)
        placeholder.close()
        return status

    def hear(self, name, message):
        if name != "state_reliable_back":
            return
        said = json.loads(message)
        if said["type"] == "pong":
            self.pongs.put_nowait((self.now(), said))
        elif said["type"] == "cmd_ack":
            self.acks[said["nonce"]].append(said["ok"])
            if waits := self.acked.pop(said["nonce"], None):
                waits.set_result(said["ok"])
        elif said["type"] == "robot_telemetry":
            self.reports.append(said)

    async def measure(self, pings=PINGS):
        """The fastest of some round trips says what the robot's clock says. A robot that has no channels yet is asked again."""
        trips = []
        by = asyncio.get_running_loop().time() + WITHIN
        while len(trips) < pings:
            check("a pong in time", asyncio.get_running_loop().time() < by, True)
            self.say(type="ping", client_ts=self.now() * 1000)
            await asyncio.sleep(PING_EVERY)
            while not self.pongs.empty():
                heard, pong = self.pongs.get_nowait()
                sent = pong["client_ts"] / 1000
                trips.append((heard - sent, pong["robot_ts"] - (heard + sent) / 2))
        trip, self.offset = min(trips)
        self.say(type="clock_report", rtt_ms=trip * 1000, offset_ms=self.offset * 1000)

    async def begin(self):
        self.tasks = [asyncio.create_task(self.measure_again()), asyncio.create_task(self.beat())]

    async def measure_again(self):
        while True:
            await asyncio.sleep(PING_AGAIN)
            await self.measure(1)

    async def beat(self):
        while True:
            # A broker that knows no such call looks at the connection instead.
            status, _ = await self.api.call("POST", f"/{self.session}/op-heartbeat", {})
            check("the heartbeat", status in (200, 404), True)
            await asyncio.sleep(HEARTBEAT_EVERY)

    def say(self, **message):
        self.channels["state_reliable"].send(json.dumps(message))

    def command(self, made, angular):
        """Sends a command that was made at a time in seconds."""
        command = TwistStamped()
        command.header.stamp.sec, command.header.stamp.nsec = int(made), int(made % 1 * 1e9)
        command.twist.angular.z = angular
        self.channels["cmd_unreliable"].send(command.lcm_encode())

    async def order(self, **order):
        nonce = next(self.nonces)
        self.acked[nonce] = ack = asyncio.get_running_loop().create_future()
        self.say(**order, nonce=nonce)
        return await asyncio.wait_for(ack, WITHIN)

    async def reported(self, first):
        """What the robot's reports since the first of them say of how it moves, once the last of it is reported."""
        await asyncio.sleep(ECHO)
        reports = self.reports[first:]
        # A Go2's do not say how it moves.
        speeds = [report["velocity"]["angular"] for report in reports if "velocity" in report]
        fastest = max((abs(speed) for speed in speeds), default=None)
        return speeds, {"fastest": fastest, "states": list(dict.fromkeys(map(state, reports)))}

    async def leave(self):
        for task in self.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        body = {"role": "operator", "reason": "user_initiated"}
        status, _ = await self.api.call("POST", f"/{self.session}/leave", body)
        check("leaving", status, 200)
        await self.connection.close()
        return self.acks


def state(report):
    return json.dumps(report["state"])


async def run(url, token):
    api = Api(url, token)
    page = None

    async def join(clock_ahead):
        nonlocal page
        # Before the offer, which has the candidates in it.
        await api.call("GET", "/turn-credentials")
        page = Page(api, (await api.robot())["session_id"], clock_ahead)
        check("joining", await page.join(), 200)
        await page.bridge()
        await page.measure()
        await page.begin()
        return {"offset": page.offset}

    async def drive(commands, in_robot_time):
        first = len(page.reports)
        sent = [FASTER * (index + 1) for index in range(commands)]
        for speed in sent:
            page.command(page.now() + (page.offset if in_robot_time else 0), speed)
            await asyncio.sleep(COMMAND_EVERY)
        speeds, report = await page.reported(first)
        obeyed = sum(any(abs(speed - told) < EQUAL for told in speeds) for speed in sent)
        return {"obeyed": obeyed, **report}

    async def order(**order):
        return {"ok": await page.order(**order)}

    async def late():
        made = page.now() + page.offset
        # The two clocks are known to each other by some milliseconds only, and a stop takes one.
        await asyncio.sleep(BEFORE)
        check("the stop", await page.order(type="estop"), True)
        check("its release", await page.order(type="estop_clear"), True)
        first = len(page.reports)
        old = page.now() + page.offset - made
        page.command(made, FASTER)
        _, report = await page.reported(first)
        return {"old": old, **report}

    async def leave():
        return {"acks": list(map(len, (await page.leave()).values()))}

    await dialogue.serve(join, drive, order, late, leave)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(run(*sys.argv[1:]))
