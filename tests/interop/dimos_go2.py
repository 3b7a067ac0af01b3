"""DimOS's hosted Go2, unmodified but for its driver, which is a stub that takes notes, on a broker.

    dimos_go2.py BROKER_URL ROBOT_KEY CLOCK_AHEAD DAMP_TAKES

Its clock is CLOCK_AHEAD seconds ahead of the machine's, and its motors take DAMP_TAKES seconds to let go. It does what its
stdin says. Each line there is a command in JSON, each line of stdout its answer:
  {"do": "start"}                      its "session" at the broker
  {"do": "notes"}                      what happened so far, in that order: "notes", each with its kind as "note"
                      "command": one arrived, this "old" in seconds by the robot's clock, and "moves" or not
                      "order":   a message on state_reliable but for pings and reports: "type" and "nonce"
                      "motion":  what the driver is told to do: "linear" and "angular"
                      "damp":    the driver is told to let its motors go
                      "ack":     "nonce" and "ok"
  {"do": "step", "seconds": SECONDS}   puts its clock that much further ahead
  {"do": "fail", "fails": BOOL}        from now on its motors let go when they are told to, or do not
  {"do": "stop"}
"""

import asyncio
import importlib.util
import json
import os
import sys
import tempfile
import threading
import time
import types

import dialogue
import stun_server


class Clock:
    """A wrong one, for whatever asks for the time of day from here on. Monotonic time stays."""

    def __init__(self):
        self.ahead, true_time = 0.0, time.time
        time.time = lambda: true_time() + self.ahead
        time.time_ns = lambda: round(time.time() * 1e9)


def put_stub_for_driver():
    """Keeps a robot's own connection and its libraries out: of them, the modules need a name and the constants."""
    library = types.ModuleType("unitree_webrtc_connect")
    library.__path__ = list(importlib.util.find_spec(library.__name__).submodule_search_locations)
    driver = types.ModuleType("dimos.robot.unitree.go2.connection")
    driver.GO2Connection = Driver
    sys.modules |= {module.__name__: module for module in (library, driver)}


class Notes:
    """What happened, from all threads."""

    def __init__(self):
        self.lock, self.taken = threading.Lock(), []

    def take(self, note, **more):
        with self.lock:
            self.taken.append({"note": note, **more})

    def so_far(self):
        with self.lock:
            return list(self.taken)


class Driver:
    """In place of the connection to a Go2's motors; every call of its succeeds, unless the motors are to fail."""

    def __init__(self, notes, damp_takes):
        self.notes, self.damp_takes = notes, damp_takes
        self.fails = False

    def sport_command(self, api_id):
        if api_id == SPORT_CMD["Damp"]:
            self.notes.take("damp")
            time.sleep(self.damp_takes)
            return not self.fails
        return True

    def move(self, twist):
        self.notes.take("motion", linear=twist.linear.x, angular=twist.angular.z)

    def battery_soc(self):
        return 87

    def __getattr__(self, _):
        return lambda *_: True


# Where DimOS writes its log, unless it is told.
os.environ.setdefault("DIMOS_RUN_LOG_DIR", tempfile.mkdtemp(prefix="dimos-log-"))
clock = Clock()
put_stub_for_driver()

from dimos.core.stream import Transport
from dimos.core.transport import CloudflareTransport
from dimos.msgs.geometry_msgs.TwistStamped import TwistStamped
from dimos.navigation.movement_manager.movement_manager import MovementManager
from dimos.protocol.pubsub.impl.webrtc.providers.broker import BrokerConfig
from dimos.protocol.pubsub.impl.webrtc.providers.spec import shutdown_all_providers
from dimos.protocol.rpc.spec import RPCSpec
from dimos.teleop.hosted.go2_command import Go2CommandModule
from dimos.teleop.hosted.hosted_stats import HostedStatsModule
from dimos.teleop.hosted.robot_type import RobotType
from unitree_webrtc_connect.constants import SPORT_CMD


class Within(Transport):
    """A topic between modules of one process."""

    def __init__(self):
        self.callbacks = []

    def start(self):
        pass

    def stop(self):
        pass

    def broadcast(self, _, message):
        for callback in list(self.callbacks):
            callback(message)

    def subscribe(self, callback, _=None):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)


class Alone(RPCSpec):
    """Calls between processes, of which there is one."""

    def __init__(self, **_):
        pass

    def serve_rpc(self, *_):
        return lambda: None


class Robot:
    """The modules of DimOS's blueprint for a hosted Go2 that an operator commands, put together as it says."""

    def __init__(self, config, damp_takes):
        self.notes = Notes()
        self.config = config
        self.command, self.stats, self.movement = self.modules = [
            module(rpc_transport=Alone) for module in (Go2CommandModule, HostedStatsModule, MovementManager)
        ]
        self.driver = Driver(self.notes, damp_takes)
        for module in (self.command, self.stats):
            module.set_module_ref("go2", self.driver)
        self.command.cmd_vel_in.transport = self.bridged("cmd_unreliable", TwistStamped)
        self.command.state_json.transport = self.bridged("state_reliable")
        self.command.cmd_ack.transport = self.bridged("state_reliable_back")
        self.stats.state_json.transport = self.bridged("state_reliable")
        self.stats.cmd_raw.transport = self.bridged("cmd_unreliable")
        self.stats.telemetry_out.transport = self.bridged("state_reliable_back")
        self.command.robot_state.transport = self.stats.robot_state.transport = Within()
        self.command.tele_cmd_vel.transport = self.movement.tele_cmd_vel.transport = Within()
        self.movement.clicked_point.transport, self.movement.nav_cmd_vel.transport = Within(), Within()
        self.command.cmd_ack.subscribe(self.hear_ack)
        self.movement.cmd_vel.subscribe(self.driver.move)

    def bridged(self, channel, kind=None):
        return CloudflareTransport(channel, kind, config=self.config)

    def start(self):
        # Before the modules, so that what they make of a message is noted after it.
        self.bridged("cmd_unreliable", TwistStamped).subscribe(self.hear_command)
        self.bridged("state_reliable").subscribe(self.hear_order)
        for module in reversed(self.modules):
            module.start()
        return self.config.provider().session_id

    def hear_command(self, twist):
        self.notes.take("command", old=time.time() - twist.ts, moves=not twist.is_zero())

    def hear_order(self, message):
        order = json.loads(message)
        if order["type"] not in ("ping", "clock_report", "operator_lost"):
            self.notes.take("order", type=order["type"], nonce=order.get("nonce"))

    def hear_ack(self, message):
        ack = json.loads(message)
        self.notes.take("ack", nonce=ack["nonce"], ok=ack["ok"])

    def stop(self):
        for module in self.modules:
            module.stop()
        shutdown_all_providers()


async def run(url, key, clock_ahead, damp_takes, stun_url):
    robot = []
    clock.ahead = float(clock_ahead)

    async def start():
        def begin():
            config = BrokerConfig(broker_url=url, api_key=key, stun_url=stun_url, robot_type=RobotType.GO2)
            robot.append(Robot(config, float(damp_takes)))
            return robot[0].start()

        return {"session": await asyncio.to_thread(begin)}

    async def notes():
        return {"notes": robot[0].notes.so_far()}

    async def step(seconds):
        clock.ahead += seconds
        return {}

    async def fail(fails):
        robot[0].driver.fails = fails
        return {}

    async def stop():
        await asyncio.to_thread(robot[0].stop)
        return {}

    await dialogue.serve(start, notes, step, fail, stop)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    with stun_server.running() as stun_url:
        asyncio.run(run(*sys.argv[1:], stun_url))
