"""DimOS's robot, unmodified, on farwire's broker, with operators of aiortc.

    dimos_broker.py BROKER_URL ORDERS_SOCKET ROBOT_KEY SPARE_ROBOT_KEY TOKEN OTHER_TOKEN

Prints a line for each step. Exit code 0: all passed; 1: a step failed; 2: wrong arguments.
"""

import asyncio
import hashlib
import json
import socket
import sys

import stun_server
from broker_operator import WITHIN, Api, Operator
from dimos_robot import BrokerConfig, Robot
from expect import check

LOST = ("state_reliable", b'{"type": "operator_lost"}')


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

    check("before", await state(), "disconnected")
    robot = await start(url, key, stun_url)
    session = robot.provider.session_id
    listed = await api.robot()
    check("the robot", (listed["robot_id"], listed["robot_name"]), ("dimos", "Robbie"))
    check("the session", (listed["session_id"], listed["state"]), (session, "idle"))
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
    check("the former operator", late, 403)
    await operator.connection.close()
    print("another operator takes over: ok", flush=True)

    await asyncio.to_thread(robot.provider.stop)
    await eventually("the robot's state", state, "disconnected")
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
    check("its state", await state(), "disconnected")
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
