"""A session of the API with aiortc at its other end."""

import asyncio

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from calls import ESTABLISH, RENEGOTIATE, SERVER_EVENTS, answer, offer
from expect import check

# The longest that a transport may take to come up.
CONNECT_WITHIN = 10


async def opened(channel):
    """Waits until a channel can be written to: SCTP comes up after the connection."""
    if channel.readyState == "connecting":
        is_open = asyncio.Event()
        channel.once("open", is_open.set)
        await asyncio.wait_for(is_open.wait(), CONNECT_WITHIN)


class Transport:
    """A session, and aiortc at its other end."""

    def __init__(self, api):
        self.api = api
        created = api.ask("POST", "/sessions/new?correlationId=a+test&thirdparty=false")
        check("a new session", created.status, 201)
        self.id = created.body["sessionId"]
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def connect(self, client_offers):
        await (self.offer() if client_offers else self.answer())
        await self.connected()

    async def connected(self):
        while self.connection.connectionState != "connected":
            changed = asyncio.Event()
            self.connection.once("connectionstatechange", changed.set)
            await asyncio.wait_for(changed.wait(), CONNECT_WITHIN)

    async def offer(self):
        await self.accept(await self.offered(), immediate=False)

    async def offered(self):
        """What the SFU answers to our offer."""
        # A placeholder, so that the offer has an SCTP section.
        self.connection.createDataChannel("placeholder", negotiated=True, id=100)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return await self.ask("POST", ESTABLISH, offer(self.connection.localDescription.sdp))

    async def answer(self):
        await self.accept(await self.ask("POST", ESTABLISH, {"dataChannel": SERVER_EVENTS}), immediate=True)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        done = await self.ask("PUT", RENEGOTIATE, answer(self.connection.localDescription.sdp))
        check("renegotiate", (done.status, done.body), (200, {}))

    async def accept(self, established, immediate):
        check("establish", established.status, 200)
        check("requiresImmediateRenegotiation", established.body["requiresImmediateRenegotiation"], immediate)
        check("the channel", established.body["dataChannel"]["dataChannelName"], "server-events")
        description = established.body["sessionDescription"]
        await self.connection.setRemoteDescription(RTCSessionDescription(description["sdp"], description["type"]))

    async def ask(self, method, call, body=None):
        return await asyncio.to_thread(self.api.ask, method, call, self.id, body)

    async def leave(self):
        await self.connection.close()
