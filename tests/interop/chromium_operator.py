"""An operator's page in headless Chromium, that speaks as DimOS's does.

    chromium_operator.py

It does what its stdin says. Each line there is a command in JSON, each line of stdout its answer:
  {"do": "stun"}   the "url" of a STUN server, for brokers to name
  {"do": "crash"}  ends the browser, which has no time to tell anybody
The page does the others, see browser/operator/main.js:
  {"do": "join", "broker": URL, "token": TOKEN, "role": ROLE, "clock_ahead": SECONDS}
                   joins the only robot: "status", and either "detail" or the "role", the "ids" of its channels and what was
                   "gathered" for its offer
  {"do": "drive", "linear": M_PER_S, "angular": RAD_PER_S}
                   drives so from now on; before that, it commands to stand
  {"do": "order", "order": {"type": TYPE, …}}
                   sends an order, and waits for its acknowledgement: "ok"
  {"do": "say", "message": {"type": TYPE, …}}
                   sends something that is not acknowledged
  {"do": "see"}    the latest "telemetry", "odom" and "map", how many of each kind came ("counts"), every acknowledgement by
                   its nonce ("acks"), the statuses of its "heartbeats", how many commands were "sent"
  {"do": "status"} the robot as the broker lists it
  {"do": "intrude", "ids": [ID, …], "velocity": {"linear": M_PER_S, "angular": RAD_PER_S}}
                   tries to drive and to stop the robot on channels that are not its own
  {"do": "leave", "reason": REASON}
  {"do": "away"}   goes to another page
"""

import asyncio
import json
import queue
import sys

import chromium
import dialogue
import stun_server

# The longest that one command may take, and how long the page's question for one is left open.
WITHIN, OPEN = 45, 20

OF_PAGE = ("join", "drive", "order", "say", "see", "status", "intrude", "leave", "away")


class Told:
    """What the page is told, and what it answers."""

    def __init__(self):
        self.commands, self.answers = queue.Queue(), queue.Queue()

    def got(self, path):
        if path != "/command":
            return None
        try:
            return {"command": self.commands.get(timeout=OPEN)}
        except queue.Empty:
            return {"command": None}

    def posted(self, path, body):
        if path == "/answer":
            self.answers.put(body)
        else:
            print(f"the page says: {json.dumps(body)}", file=sys.stderr, flush=True)

    def tell(self, command):
        self.commands.put(command)
        try:
            return self.answers.get(timeout=WITHIN)
        except queue.Empty:
            return {"error": f"the page did not answer within {WITHIN} s"}


async def run(stun_url):
    told = Told()
    with chromium.showing("operator.html", got=told.got, posted=told.posted) as browser:

        async def stun():
            return {"url": stun_url}

        async def crash():
            browser.crash()
            return {}

        def of_page(name):
            async def ask(**arguments):
                answer = await asyncio.to_thread(told.tell, {"do": name, **arguments})
                if "error" in answer:
                    browser.tell()
                return answer

            ask.__name__ = name
            return ask

        await dialogue.serve(stun, crash, *map(of_page, OF_PAGE))


if __name__ == "__main__":
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    with stun_server.running() as stun_url:
        asyncio.run(run(stun_url))
