// A browser's side of Cloudflare Realtime's DataChannel API, as its documentation tells it.

import { check, event } from "./wait.js";

/** The API of one app, and the sessions made with it. */
export class Api {
  sessions = [];

  constructor({ api_root, app_id, secret }) {
    this.root = `${api_root}/apps/${app_id}`;
    this.secret = secret;
  }

  /** The status and the body of an answer. A body goes as text/plain, as in Cloudflare's example. */
  async ask(method, path, body, secret = this.secret) {
    const headers = { Authorization: `Bearer ${secret}` };
    const response = await fetch(this.root + path, { method, headers, body: body && JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  }

  /** The body of an answer that must be a success. */
  async call(method, path, body) {
    const answer = await this.ask(method, path, body);
    if (![200, 201].includes(answer.status) || answer.body.errorCode) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** A new session whose transport is on its way up. `establish` is one of the two below. */
  async session(establish) {
    const session = new Session(this, (await this.call("POST", "/sessions/new")).sessionId);
    this.sessions.push(session);
    await establish(session);
    return session;
  }

  hangUp() {
    this.sessions.forEach((session) => session.pc.close());
  }
}

/** One session: a PeerConnection and its channels. */
export class Session {
  constructor(api, id) {
    this.api = api;
    this.id = id;
    this.pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  }

  call(method, path, body) {
    return this.api.call(method, `/sessions/${this.id}${path}`, body);
  }

  establish(sessionDescription) {
    const dataChannel = { location: "remote", dataChannelName: "server-events" };
    return this.call("POST", "/datachannels/establish", { dataChannel, sessionDescription });
  }

  /** Allocates a channel and opens it. */
  async open(entry) {
    const { id } = await this.one("POST", "/datachannels/new", entry);
    const { ordered, maxRetransmits, maxPacketLifeTime } = entry;
    const policy = JSON.parse(JSON.stringify({ ordered, maxRetransmits, maxPacketLifeTime }));
    const channel = this.pc.createDataChannel(entry.dataChannelName, { negotiated: true, id, ...policy });
    channel.binaryType = "arraybuffer";
    if (channel.readyState !== "open") await event(channel, "open", entry.dataChannelName);
    return channel;
  }

  publish(dataChannelName, policy) {
    return this.open({ location: "local", dataChannelName, ...policy });
  }

  subscribe(publisher, dataChannelName, policy) {
    return this.open({ location: "remote", sessionId: publisher.id, dataChannelName, ...policy });
  }

  async setCanReply(publisher, dataChannelName, canReply) {
    const entry = { location: "remote", sessionId: publisher.id, dataChannelName, canReply };
    await this.one("PUT", "/datachannels/update", entry);
  }

  async close(id) {
    await this.one("PUT", "/datachannels/close", { id });
  }

  /** The result of a batch of one, which must be a success. */
  async one(method, path, entry) {
    const { dataChannels } = await this.call(method, path, { dataChannels: [entry] });
    check(dataChannels.length, 1, "results");
    if (dataChannels[0].errorCode) throw new Error(`${path}: ${JSON.stringify(dataChannels[0])}`);
    return dataChannels[0];
  }
}

/** The client offers, with `server-events` opened in band. */
export async function clientOffers(session) {
  const { pc } = session;
  session.serverEvents = pc.createDataChannel("server-events");
  await pc.setLocalDescription(await pc.createOffer());
  const { type, sdp } = pc.localDescription;
  const answer = await session.establish({ type, sdp });
  check(answer.requiresImmediateRenegotiation, false, "requiresImmediateRenegotiation");
  check(answer.sessionDescription.type, "answer", "type of the description");
  session.serverEventsId = answer.dataChannel.id;
  await pc.setRemoteDescription(answer.sessionDescription);
}

/** The SFU offers, and opens `server-events` itself. */
export async function sfuOffers(session) {
  const { pc } = session;
  session.announced = event(pc, "datachannel", "server-events");
  // Not every scenario looks at it.
  session.announced.catch(() => {});
  const offer = await session.establish();
  check(offer.requiresImmediateRenegotiation, true, "requiresImmediateRenegotiation");
  check(offer.sessionDescription.type, "offer", "type of the description");
  session.serverEventsId = offer.dataChannel.id;
  await pc.setRemoteDescription(offer.sessionDescription);
  await pc.setLocalDescription(await pc.createAnswer());
  const { type, sdp } = pc.localDescription;
  await session.call("PUT", "/renegotiate", { sessionDescription: { type, sdp } });
}
