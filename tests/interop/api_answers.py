"""Every answer of an SFU's API, to good and to bad requests: valid by schema, with the documented status and code.

    api_answers.py API_ROOT APP_ID APP_SECRET

Checks against api_schema.json, and also against the OpenAPI document that FARWIRE_OPENAPI names, if it does:
Cloudflare publishes its own at https://developers.cloudflare.com/realtime/static/realtime-api-2024-05-21.yaml.
Prints a line for each request. Exit code 0: all as documented; 1: not; 2: wrong arguments.
"""

import asyncio
import os
import pathlib
import sys

from aiortc_transport import Transport
from bad_requests import BAD_ENTRIES, BAD_REQUESTS, EARLY, LOCAL, NO_APP, REMOTE, UNAUTHORIZED
from calls import CLOSE, ESTABLISH, NEW, SERVER_EVENTS, STATE, UPDATE, channels
from expect import check
from validated_api import OWN, Api, Schema

# How soon a session whose client left is gone.
GONE_WITHIN = 10


def check_refusal(answer, *documented):
    if (answer.status, answer.code()) not in documented:
        wanted = " or ".join(f"{status} {code}" for status, code in documented)
        raise AssertionError(f"got {answer.status} {answer.body}, not {wanted}")


class Verdicts:
    def __init__(self):
        self.count, self.failures = 0, 0

    async def of(self, name, checking):
        """Runs one check to its end, and tells how it went."""
        self.count += 1
        try:
            await checking
            print(f"{name}: ok")
        except Exception as error:
            self.failures += 1
            print(f"{name}: FAILED: {type(error).__name__}: {error}")

    def exit_code(self):
        print(f"{self.failures} of {self.count} failed" if self.failures else f"all {self.count} as documented")
        return 1 if self.failures else 0


async def good_requests(publisher, subscriber):
    """A life of channels, in which nothing goes wrong, and what the sessions say of themselves on the way."""
    local = [{**LOCAL, "dataChannelName": name} for name in ("topic", "held", "other")]
    local[1]["ordered"], local[1]["maxRetransmits"] = False, 0
    published = await publisher.ask("POST", NEW, channels(*local))
    check("codes", published.item_codes(), [None, None, None])
    check("names", [item["dataChannelName"] for item in published.body["dataChannels"]], ["topic", "held", "other"])
    subscription = {"location": "remote", "sessionId": publisher.id}
    held = {**subscription, "dataChannelName": "held", "ordered": False, "maxRetransmits": 0}
    other = {**subscription, "dataChannelName": "other", "ordered": True, "waitForAck": False, "canReply": True}
    subscribed = await subscriber.ask("POST", NEW, channels(held, other))
    check("codes", subscribed.item_codes(), [None, None])
    ids = [item["id"] for item in subscribed.body["dataChannels"]]
    for can_reply in (False, True):
        updated = await subscriber.ask("PUT", UPDATE, channels({**other, "canReply": can_reply}))
        check("update", (updated.status, updated.item_codes()), (200, [None]))
    state = await subscriber.ask("GET", STATE)
    shown = {item.pop("id"): item for item in state.body["dataChannels"]}
    for id, entry in zip(ids, (held, other)):
        check("state", {**shown.get(id, {}), **subscription}, shown.get(id))
        check("name", shown[id]["dataChannelName"], entry["dataChannelName"])
    closed = await subscriber.ask("PUT", CLOSE, channels({"id": ids[1]}))
    check("close", (closed.item_codes(), closed.body["dataChannels"][0]["id"]), ([None], ids[1]))
    again = await subscriber.ask("PUT", CLOSE, channels({"id": ids[1]}))
    check("close again", (again.status, again.item_codes()), (200, ["close_track_error"]))


async def bad_request(api, sessions, method, call, session, body, *documented):
    given = {"raw": body} if isinstance(body, bytes) else {"body": filled(body, sessions)}
    check_refusal(await asyncio.to_thread(api.ask, method, call, sessions[session], **given), *documented)


async def bad_entry(api, sessions, method, call, entry, code):
    session, good = sessions["CONNECTED"], await spare(api, sessions, call)
    answer = await asyncio.to_thread(api.ask, method, call, session, channels(good, filled(entry, sessions)))
    check("status and codes", (answer.status, answer.item_codes()), (200, [None, code]))


async def spare(api, sessions, call):
    """An entry for `call` that can only succeed."""
    name = f"spare {api.count}"
    local = channels({**LOCAL, "dataChannelName": name})
    check("spare", (await asyncio.to_thread(api.ask, "POST", NEW, sessions["PUBLISHER"], local)).item_codes(), [None])
    remote = {**REMOTE, "dataChannelName": name, "sessionId": sessions["PUBLISHER"]}
    if call == NEW:
        return remote
    subscribed = await asyncio.to_thread(api.ask, "POST", NEW, sessions["CONNECTED"], channels(remote))
    return {**remote, "canReply": False} if call == UPDATE else {"id": subscribed.body["dataChannels"][0]["id"]}


def filled(body, sessions):
    """The body with the publisher's id in the place of its name."""
    if isinstance(body, dict):
        return {key: filled(value, sessions) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(value, sessions) for value in body]
    return sessions["PUBLISHER"] if body == "PUBLISHER" else body


async def published_twice(publisher):
    answer = await publisher.ask("POST", NEW, channels({**LOCAL, "dataChannelName": "topic"}))
    check("status and codes", (answer.status, answer.item_codes()), (200, ["repeated_local_track_error"]))


async def refused(api, documented, **request):
    check_refusal(await asyncio.to_thread(api.ask, "POST", "/sessions/new", **request), documented)


async def transport_is_awaited(api):
    """Channels asked for while the transport is on its way up are answered when it is there."""
    transport = Transport(api)
    established = await transport.offered()
    early = asyncio.create_task(transport.ask("POST", NEW, channels(LOCAL)))
    await transport.accept(established, immediate=False)
    given = await early
    check("answer", (given.status, given.item_codes()), (200, [None]))
    await transport.leave()


async def transport_is_not_awaited_forever(api):
    """One that never comes up costs 5 s."""
    transport = Transport(api)
    await transport.offered()
    given = await transport.ask("POST", NEW, channels(LOCAL))
    check_refusal(given, EARLY)
    check("within 4 to 7 s", 4 <= given.seconds <= 7, True)
    await transport.leave()


async def expired(api):
    """The id of a session whose client left, as soon as the SFU has noticed."""
    transport = Transport(api)
    await transport.connect(client_offers=True)
    await transport.leave()
    by = asyncio.get_running_loop().time() + GONE_WITHIN
    while (await transport.ask("GET", STATE)).status == 200:
        check("still there", asyncio.get_running_loop().time() < by, True)
        await asyncio.sleep(0.05)
    return transport.id


async def run(api):
    verdicts = Verdicts()
    publisher, subscriber = Transport(api), Transport(api)
    idle = new_one, idle_one, offering = [Transport(api) for _ in range(3)]
    await verdicts.of("connect with an offer", publisher.connect(client_offers=True))
    await verdicts.of("connect with an answer", subscriber.connect(client_offers=False))
    await offering.ask("POST", ESTABLISH, {"dataChannel": SERVER_EVENTS})
    await verdicts.of("good requests", good_requests(publisher, subscriber))
    sessions = {
        "PUBLISHER": publisher.id,
        "CONNECTED": subscriber.id,
        "NEW_ONE": new_one.id,
        "IDLE": idle_one.id,
        "OFFERED": offering.id,
        "UNKNOWN": "0123456789abcdef0123456789abcdef",
        "CLOSED": await expired(api),
    }
    await verdicts.of("no secret", refused(api, UNAUTHORIZED, headers={}))
    await verdicts.of("wrong secret", refused(api, UNAUTHORIZED, headers={"Authorization": "Bearer wrong"}))
    await verdicts.of("wrong scheme", refused(api, UNAUTHORIZED, headers={"Authorization": f"Basic {api.secret}"}))
    await verdicts.of("wrong app", refused(api, NO_APP, app_id="other"))
    # Those that wait for a transport wait at the same time, each on a session of its own.
    early = [verdicts.of(name, bad_request(api, sessions, *rest)) for name, *rest in BAD_REQUESTS if rest[-1] == EARLY]
    early.append(verdicts.of("a transport that never comes up", transport_is_not_awaited_forever(api)))
    await asyncio.gather(*early)
    for name, *request in BAD_REQUESTS:
        if request[-1] != EARLY:
            await verdicts.of(name, bad_request(api, sessions, *request))
    for name, *entry in BAD_ENTRIES:
        await verdicts.of(name, bad_entry(api, sessions, *entry))
    await verdicts.of("published already", published_twice(publisher))
    await verdicts.of("a transport on its way up", transport_is_awaited(api))
    for transport in (publisher, subscriber, *idle):
        await transport.leave()
    return verdicts.exit_code()


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    published = os.environ.get("FARWIRE_OPENAPI")
    schemas = [Schema(OWN)] + ([Schema(pathlib.Path(published))] if published else [])
    return asyncio.run(run(Api(*arguments, schemas)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
