"""DimOS's own pub/sub, unmodified, on an SFU: the scenarios of its test grid, many topics, many sizes, and restarts.

    dimos_grid.py API_ROOT APP_ID APP_SECRET [SCENARIO...]

Prints a line for each scenario. Exit code 0: all passed; 1: one failed; 2: wrong arguments.

Only the base URL of DimOS's provider is changed, and the STUN server that its config names, to one on loopback.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
import threading
import time

# Where DimOS writes its log, unless it is told.
os.environ.setdefault("DIMOS_RUN_LOG_DIR", tempfile.mkdtemp(prefix="dimos-log-"))

from dimos.protocol.pubsub.impl.webrtc.providers.cloudflare import MAX_MSG_SIZE, CloudflareConfig, CloudflareProvider
from dimos.protocol.pubsub.impl.webrtc.webrtcpubsub import WebRTCPubSub

import stun_server

# The longest that one message, or a batch of them, may take.
WITHIN = 10

# Messages of the high-volume scenario, as many as DimOS's own.
MANY = 5000

# Lossy messages on their way at a time: fewer than any buffer on the way holds.
BATCH = 100


class Inbox:
    """What a callback of a subscription got."""

    def __init__(self):
        self.messages = []
        self.changed = threading.Condition()

    def __call__(self, message, topic):
        with self.changed:
            self.messages.append((message, topic))
            self.changed.notify_all()

    def wait(self, count):
        """Waits for `count` messages and returns all that have come."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.messages) >= count, WITHIN)
            return list(self.messages)


class Sfu:
    def __init__(self, api_root, app_id, secret, stun_url):
        self.base_url = f"{api_root}/apps/{app_id}"
        self.config = CloudflareConfig(app_id=app_id, app_secret=secret, stun_url=stun_url)

    @contextlib.contextmanager
    def pubsub(self):
        provider = CloudflareProvider(self.config)
        provider._base_url = self.base_url
        pubsub = WebRTCPubSub(provider)
        pubsub.start()
        try:
            yield pubsub
        finally:
            pubsub.stop()


def check(actual, expected):
    if actual != expected:
        raise AssertionError(f"got {actual!r:.300}, not {expected!r:.300}")


def store(sfu):
    """A message that is published arrives, once."""
    with sfu.pubsub() as pubsub:
        inbox = Inbox()
        pubsub.subscribe("topic", inbox)
        pubsub.publish("topic", b"value1")
        pubsub.publish("topic", b"value2")
        check(inbox.wait(2), [(b"value1", "topic"), (b"value2", "topic")])


def multiple_subscribers(sfu):
    with sfu.pubsub() as pubsub:
        inboxes = [Inbox(), Inbox()]
        for inbox in inboxes:
            pubsub.subscribe("topic", inbox)
        pubsub.publish("topic", b"value1")
        for inbox in inboxes:
            check(inbox.wait(1), [(b"value1", "topic")])


def unsubscribe(sfu):
    """A callback gets nothing after its unsubscription, while others do."""
    with sfu.pubsub() as pubsub:
        gone, witness = Inbox(), Inbox()
        unsubscribe = pubsub.subscribe("topic", gone)
        pubsub.subscribe("topic", witness)
        unsubscribe()
        pubsub.publish("topic", b"value1")
        check(witness.wait(1), [(b"value1", "topic")])
        check(gone.messages, [])


def multiple_messages(sfu):
    with sfu.pubsub() as pubsub:
        inbox = Inbox()
        pubsub.subscribe("topic", inbox)
        for message in (b"value2", b"value3"):
            pubsub.publish("topic", message)
        check(inbox.wait(2), [(b"value2", "topic"), (b"value3", "topic")])


def subscribe_all(sfu):
    with sfu.pubsub() as pubsub:
        everything = Inbox()
        pubsub.subscribe_all(everything)
        topics = ["a", "b/c", "d"]
        for topic in topics:
            pubsub.subscribe(topic, Inbox())
        for topic in topics:
            pubsub.publish(topic, topic.encode())
        check(sorted(everything.wait(3)), [(topic.encode(), topic) for topic in topics])


def async_iterator(sfu):
    async def first_two(pubsub):
        messages = []
        async for message in pubsub.aiter("topic"):
            messages.append(message)
            if len(messages) == 2:
                return messages

    async def run(pubsub):
        reader = asyncio.create_task(first_two(pubsub))
        # It has subscribed when it first waits.
        await asyncio.sleep(0)
        # Called after the reader, whose callback does not wake the loop; the end of our wait does.
        delivered = Inbox()
        pubsub.subscribe("topic", delivered)
        for count, message in enumerate([b"value2", b"value3"], 1):
            pubsub.publish("topic", message)
            await asyncio.to_thread(delivered.wait, count)
        return await asyncio.wait_for(reader, WITHIN)

    with sfu.pubsub() as pubsub:
        check(asyncio.run(run(pubsub)), [b"value2", b"value3"])


def high_volume(sfu):
    """Not one is lost, with a receiver that keeps up."""
    with sfu.pubsub() as pubsub:
        inbox = Inbox()
        pubsub.subscribe("topic", inbox)
        for first in range(0, MANY, BATCH):
            for number in range(first, first + BATCH):
                pubsub.publish("topic", number.to_bytes(4, "little"))
            inbox.wait(first + BATCH)
        numbers = [int.from_bytes(message, "little") for message, _ in inbox.messages]
        check(len(numbers), MANY)
        check(sorted(numbers), list(range(MANY)))


def sizes(sfu):
    """The sizes of DimOS's benchmark that it may send, and the edges."""
    with sfu.pubsub() as pubsub:
        inbox = Inbox()
        pubsub.subscribe("topic", inbox)
        wanted = []
        for size in (0, 1, 64, 256, 1024, 1199, 1200, 4096, 16384, MAX_MSG_SIZE - 1, MAX_MSG_SIZE):
            wanted.append((bytes(at % 256 for at in range(size)), "topic"))
            pubsub.publish(*reversed(wanted[-1]))
            check(len(inbox.wait(len(wanted))), len(wanted))
        check(inbox.messages, wanted)


def topics(count):
    """Each of `count` topics of one session gets its own messages and no others'."""

    def scenario(sfu):
        with sfu.pubsub() as pubsub:
            inboxes = {f"robot/{number}/state": Inbox() for number in range(count)}
            for topic, inbox in inboxes.items():
                pubsub.subscribe(topic, inbox)
            for turn in (1, 2):
                for topic in inboxes:
                    pubsub.publish(topic, topic.encode())
                for topic, inbox in inboxes.items():
                    check(inbox.wait(turn), [(topic.encode(), topic)] * turn)

    return scenario


def names(sfu):
    """Topics that differ only where a channel's name cannot are different topics."""
    with sfu.pubsub() as pubsub:
        topics = ["cmd/vel", "cmd_vel", "cmd.vel", "/x" * 60 + "a", "/x" * 60 + "b", "größe", "", "server-events"]
        inboxes = {topic: Inbox() for topic in topics}
        for topic, inbox in inboxes.items():
            pubsub.subscribe(topic, inbox)
        for topic in topics:
            pubsub.publish(topic, topic.encode())
        for topic, inbox in inboxes.items():
            check(inbox.wait(1), [(topic.encode(), topic)])


def publish_before_subscribe(sfu):
    """A message that nobody hears harms nothing."""
    with sfu.pubsub() as pubsub:
        pubsub.publish("topic", b"early")
        inbox = Inbox()
        pubsub.subscribe("topic", inbox)
        pubsub.publish("topic", b"late")
        early, late = (b"early", "topic"), (b"late", "topic")
        # Or it hears that one too, when the subscription was faster than the message.
        check(inbox.wait(2 if early in inbox.wait(1) else 1)[-1], late)


def restart(sfu):
    """After a stop the same object starts again, with new sessions and old topics."""
    with sfu.pubsub() as pubsub:
        sessions = set()
        for turn in range(3):
            pubsub.start()
            sessions |= {pubsub.provider.pub_session_id, pubsub.provider.sub_session_id}
            for topic in ("a", "b"):
                inbox = Inbox()
                pubsub.subscribe(topic, inbox)
                pubsub.publish(topic, bytes([turn]))
                check(inbox.wait(1), [(bytes([turn]), topic)])
            pubsub.stop()
        check(len(sessions), 6)


SCENARIOS = {
    "store": store,
    "multiple subscribers": multiple_subscribers,
    "unsubscribe": unsubscribe,
    "multiple messages": multiple_messages,
    "subscribe all": subscribe_all,
    "async iterator": async_iterator,
    "high volume": high_volume,
    "sizes up to 32 KiB": sizes,
    "50 topics": topics(50),
    "120 topics": topics(120),
    "names": names,
    "publish before subscribe": publish_before_subscribe,
    "restart after stop": restart,
}


def main(arguments):
    if len(arguments) < 3 or not set(arguments[3:]) <= SCENARIOS.keys():
        print(__doc__, file=sys.stderr)
        return 2
    failures = 0
    with stun_server.running() as stun_url:
        sfu = Sfu(*arguments[:3], stun_url)
        for name in arguments[3:] or SCENARIOS:
            begun = time.monotonic()
            try:
                SCENARIOS[name](sfu)
                verdict = "ok"
            except Exception as error:
                verdict = f"FAILED: {type(error).__name__}: {error}"
                failures += 1
            print(f"{name}: {verdict} ({time.monotonic() - begun:.1f} s)", flush=True)
    print(f"{failures} failed" if failures else "all passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
