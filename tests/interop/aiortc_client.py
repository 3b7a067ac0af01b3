"""A client of Cloudflare Realtime's DataChannel API on aiortc, which does what DimOS does.

    aiortc_client.py API_ROOT APP_ID APP_SECRET

It has one session. Each line on stdin is a command in JSON, answered by one line of JSON on stdout:

    {"do": "connect", "media": POLICY?}                                 -> {"session": ID}
    {"do": "open", "entry": {...}, "lossy": bool}                       -> {"id": N}
    {"do": "send", "channel": NAME, "messages": [[KIND, HEX], ...]}     -> {"sent": N}
    {"do": "received", "channel": NAME, "count": N, "idle": SECONDS}    -> {"messages": [[KIND, HEX], ...]}
    {"do": "leave"}                                                     -> {"left": true}

KIND is "text" or "binary". With "media" the offer has video and audio first, bundled by this policy. An `entry` goes to `datachannels/new` as it is. A `received` waits until `count` messages
have come, or none for `idle` seconds. What cannot be done is answered by {"error": TEXT}.
"""

import asyncio
import json
import sys
import urllib.error
import urllib.request

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

TIMEOUT = 10
PLACEHOLDER = 100


class Client:
    def __init__(self, api_root, app_id, secret):
        self.root = f"{api_root}/apps/{app_id}"
        self.secret = secret
        self.session = None
        self.connection = None
        self.channels = {}
        self.inboxes = {}

    async def connect(self, media=None):
        up = asyncio.Event()
        # Without ICE servers, or it would ask Google's.
        configuration = RTCConfiguration(iceServers=[])
        if media is not None:
            configuration.bundlePolicy = RTCBundlePolicy(media)
        self.connection = RTCPeerConnection(configuration)
        if media is not None:
            self.connection.addTransceiver("video", direction="sendonly")
            self.connection.addTransceiver("audio", direction="recvonly")
        # A placeholder, so that the offer has an SCTP section.
        placeholder = self.connection.createDataChannel("placeholder", negotiated=True, id=PLACEHOLDER)
        placeholder.on("open", up.set)
        # Setting it gathers all candidates, so the offer is complete.
        await self.connection.setLocalDescription(await self.connection.createOffer())
        self.session = (await self.call("POST", "/sessions/new"))["sessionId"]
        offer = self.connection.localDescription
        answer = await self.call(
            "POST",
            f"/sessions/{self.session}/datachannels/establish",
            {
                "dataChannel": {"location": "remote", "dataChannelName": "server-events"},
                "sessionDescription": {"type": offer.type, "sdp": offer.sdp},
            },
        )
        description = answer["sessionDescription"]
        await self.connection.setRemoteDescription(RTCSessionDescription(description["sdp"], description["type"]))
        await asyncio.wait_for(up.wait(), TIMEOUT)
        return {"session": self.session}

    async def open(self, entry, lossy):
        item = await asyncio.wait_for(self.allocate(entry), TIMEOUT)
        policy = {"ordered": False, "maxRetransmits": 0} if lossy else {"ordered": True}
        name = entry["dataChannelName"]
        channel = self.connection.createDataChannel(name, negotiated=True, id=item["id"], **policy)
        inbox = self.inboxes[name] = asyncio.Queue()
        channel.on("message", inbox.put_nowait)
        self.channels[name] = channel
        if channel.readyState != "open":
            raise RuntimeError(f"channel {name} is {channel.readyState}")
        return {"id": item["id"]}

    async def allocate(self, entry):
        while True:
            path = f"/sessions/{self.session}/datachannels/new"
            item = (await self.call("POST", path, {"dataChannels": [entry]}))["dataChannels"][0]
            if "errorCode" not in item:
                return item
            # Its publisher may not have got to it yet.
            if item["errorCode"] != "not_found_track_error":
                raise RuntimeError(f"{item['errorCode']}: {item.get('errorDescription')}")
            await asyncio.sleep(0.05)

    async def send(self, channel, messages):
        for kind, digits in messages:
            data = bytes.fromhex(digits)
            self.channels[channel].send(data.decode() if kind == "text" else data)
        return {"sent": len(messages)}

    async def received(self, channel, count, idle):
        messages = []
        while len(messages) < count:
            try:
                message = await asyncio.wait_for(self.inboxes[channel].get(), idle)
            except asyncio.TimeoutError:
                break
            is_text = isinstance(message, str)
            messages.append(["text", message.encode().hex()] if is_text else ["binary", message.hex()])
        return {"messages": messages}

    async def leave(self):
        await self.connection.close()
        return {"left": True}

    async def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.root + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"},
        )

        def exchange():
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from error

        return await asyncio.to_thread(exchange)


async def main():
    client = Client(*sys.argv[1:])
    commands = {
        "connect": client.connect,
        "open": client.open,
        "send": client.send,
        "received": client.received,
        "leave": client.leave,
    }
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        try:
            answer = await commands[command.pop("do")](**command)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    if client.connection is not None:
        await client.connection.close()


asyncio.run(main())
