"""DimOS's robot, unmodified, on a broker.

    broker_robot.py BROKER_URL ROBOT_KEY

It does what its stdin says. Each line there is a command in JSON, each line of stdout its answer:
  {"do": "start"}                                     its "session" at the broker
  {"do": "ids"}                                       the "ids" of its channels
  {"do": "hear"}                                      the next message but for pings and reports: "topic" and "hex"
  {"do": "report"}                                    waits for a clock report: "report"
  {"do": "publish", "topic": NAME, "hex": BYTES}
  {"do": "stop"}
"""

import asyncio
import json
import sys

import dialogue
import stun_server
from dimos_robot import WITHIN, BrokerConfig, Robot


async def run(url, key, stun_url):
    robot = Robot(BrokerConfig(broker_url=url, api_key=key, robot_name="Robbie", stun_url=stun_url, heartbeat_hz=20))
    reports = []

    async def start():
        await robot.start()
        return {"session": robot.provider.session_id}

    async def ids():
        return {"ids": {name: id for name, id in robot.provider._dc_ids.items() if id is not None}}

    async def next_message():
        return await asyncio.wait_for(robot.heard.get(), WITHIN)

    def type_of(topic, message):
        return json.loads(message)["type"] if topic == "state_reliable" else None

    async def hear():
        while True:
            topic, message = await next_message()
            kind = type_of(topic, message)
            if kind == "clock_report":
                reports.append(json.loads(message))
            elif kind != "ping":
                return {"topic": topic, "hex": message.hex()}

    async def report():
        while not reports:
            topic, message = await next_message()
            if type_of(topic, message) == "clock_report":
                reports.append(json.loads(message))
        return {"report": reports.pop()}

    async def publish(topic, hex):
        await asyncio.to_thread(robot.provider.publish, topic, bytes.fromhex(hex))
        return {}

    async def stop():
        await asyncio.to_thread(robot.provider.stop)
        return {}

    await dialogue.serve(start, ids, hear, report, publish, stop)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with stun_server.running() as stun_url:
        asyncio.run(run(*sys.argv[1:], stun_url))
