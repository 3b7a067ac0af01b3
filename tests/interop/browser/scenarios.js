// What a page can do with the API, in both offer directions.

import { clientOffers, sfuOffers } from "./cloudflare.js";
import { Inbox, WITHIN, check, event, shown } from "./wait.js";

const directions = { "client offers": clientOffers, "SFU offers": sfuOffers };

const policies = {
  "reliable ordered": {},
  "reliable unordered": { ordered: false },
  "no retransmissions": { ordered: false, maxRetransmits: 0 },
  "no retransmissions, ordered": { ordered: true, maxRetransmits: 0 },
  "up to 3 retransmissions": { ordered: false, maxRetransmits: 3 },
  "200 ms lifetime": { ordered: false, maxPacketLifeTime: 200 },
};

/** Lossy messages on their way at a time: fewer than any queue on the way holds. */
const BATCH = 20;

async function pair(api, establish) {
  const publisher = await api.session(establish);
  return [publisher, await api.session(establish)];
}

/** Cloudflare's example: a message goes from one session to another, and nobody waits to be connected. */
const recipe = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const from = await publisher.publish("channel-one");
  const inbox = new Inbox(await subscriber.subscribe(publisher, "channel-one"));
  from.send("hello");
  check(await inbox.wait(1), ["text hello"], "messages");
  const { tracks, dataChannels } = await subscriber.call("GET", "");
  check(tracks, [], "tracks");
  const listed = dataChannels.find(({ dataChannelName }) => dataChannelName === "channel-one");
  check([listed.location, listed.sessionId, listed.status], ["remote", publisher.id, "active"], "the channel's state");
};

/** The client's own in-band channel opens, on the id that the SFU reserved. */
const serverEventsOfClient = async (api) => {
  const session = await api.session(clientOffers);
  if (session.serverEvents.readyState !== "open") await event(session.serverEvents, "open", "server-events");
  check(session.serverEvents.id, session.serverEventsId, "id of server-events");
  await worksWithout(session, session.serverEvents);
};

/** The SFU announces its channel in band, on the id that it named. */
const serverEventsOfSfu = async (api) => {
  const session = await api.session(sfuOffers);
  const { channel } = await session.announced;
  check([channel.label, channel.id], ["server-events", session.serverEventsId], "label and id");
  await worksWithout(session, channel);
};

/** A session goes on when its page closes `server-events`, as pages do that tidy up. */
async function worksWithout(session, serverEvents) {
  const closed = event(serverEvents, "close", "server-events");
  serverEvents.close();
  await closed;
  const other = await session.api.session(clientOffers);
  const from = await session.publish("after");
  const inbox = new Inbox(await other.subscribe(session, "after"));
  from.send("hello");
  check(await inbox.wait(1), ["text hello"], "messages");
}

const policy = (establish, delivery) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const from = await publisher.publish("policy", delivery);
  const inbox = new Inbox(await subscriber.subscribe(publisher, "policy", delivery));
  const sent = [];
  for (let first = 0; first < 200; first += BATCH) {
    for (let number = first; number < first + BATCH; number++) {
      const message = number % 2 ? `${number}` : Uint8Array.of(number).buffer;
      from.send(message);
      sent.push(shown(message));
    }
    await inbox.wait(first + BATCH);
  }
  const received = [...inbox.messages];
  if (delivery.ordered === false) [received, sent].forEach((messages) => messages.sort());
  check(received, sent, "messages");
};

/** Text and binary stay what they are, empty or not, small or large. */
const kinds = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const from = await publisher.publish("kinds");
  const inbox = new Inbox(await subscriber.subscribe(publisher, "kinds"));
  const sent = ["text", "", new ArrayBuffer(0), Uint8Array.of(0, 255).buffer, "ünicode\0", "", new ArrayBuffer(0)];
  sent.push("x".repeat(32 * 1024), new Uint8Array(60_000).fill(7).buffer, "last");
  sent.forEach((message) => from.send(message));
  check(await inbox.wait(sent.length), sent.map(shown), "messages");
};

/** A message of the size that the SFU's description allows arrives whole. */
const largest = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const from = await publisher.publish("largest");
  const inbox = new Inbox(await subscriber.subscribe(publisher, "largest"));
  const sent = "x".repeat(publisher.pc.sctp.maxMessageSize);
  from.send(sent);
  from.send("after it");
  check(await inbox.wait(2), [sent, "after it"].map(shown), "messages");
};

const batch = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const names = ["one", "two", "three"];
  const local = names.map((dataChannelName) => ({ location: "local", dataChannelName }));
  const published = await publisher.call("POST", "/datachannels/new", { dataChannels: local });
  const remote = [...names, "missing"].map((dataChannelName) => ({
    location: "remote", sessionId: publisher.id, dataChannelName,
  }));
  const subscribed = await subscriber.call("POST", "/datachannels/new", { dataChannels: remote });
  const codes = subscribed.dataChannels.map(({ errorCode }) => errorCode ?? "");
  check(codes, ["", "", "", "not_found_track_error"], "codes");
  const open = ({ pc }, { dataChannelName, id }) => pc.createDataChannel(dataChannelName, { negotiated: true, id });
  const inboxes = subscribed.dataChannels.slice(0, 3).map((item) => new Inbox(open(subscriber, item)));
  for (const item of published.dataChannels) {
    const channel = open(publisher, item);
    if (channel.readyState !== "open") await event(channel, "open", item.dataChannelName);
    channel.send(item.dataChannelName);
  }
  for (const [at, inbox] of inboxes.entries()) {
    check(await inbox.wait(1), [`text ${names[at]}`], "messages");
  }
};

/** Nothing comes before the acknowledgement, which nobody sees; what was held back is not replayed. */
const waitForAck = (establish) => async (api) => {
  const [publisher, gated] = await pair(api, establish);
  const witness = await api.session(establish);
  const from = await publisher.publish("gated");
  const replies = new Inbox(from);
  const witnessed = new Inbox(await witness.subscribe(publisher, "gated"));
  const to = await gated.subscribe(publisher, "gated", { waitForAck: true });
  const inbox = new Inbox(to);
  from.send("before");
  await witnessed.until("text before");
  to.send("ready");
  const by = performance.now() + WITHIN;
  for (let number = 0; !inbox.messages.length && performance.now() < by; number++) {
    from.send(`${number}`);
    await witnessed.until(`text ${number}`);
  }
  from.send("last");
  await witnessed.until("text last");
  const heard = await inbox.until("text last");
  check(heard.includes("text before"), false, "a message from before the acknowledgement");
  check(heard, witnessed.messages.slice(-1 - heard.length, -1), "messages");
  check(replies.messages, [], "what the publisher heard");
};

/** The first message opens the gate, later ones are replies. */
const waitForAckAndReply = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const from = await publisher.publish("both");
  const replies = new Inbox(from);
  const to = await subscriber.subscribe(publisher, "both", { waitForAck: true, canReply: true });
  to.send("ready");
  to.send("reply");
  check(await replies.wait(1), ["text reply"], "what the publisher heard");
  const inbox = new Inbox(to);
  from.send("hello");
  check(await inbox.wait(1), ["text hello"], "messages");
};

/** Without its acknowledgement a gated channel is closed after 30 s. */
const gateTimesOut = async (api) => {
  const [publisher, gated] = await pair(api, clientOffers);
  await publisher.publish("gated");
  const begun = performance.now();
  const to = await gated.subscribe(publisher, "gated", { waitForAck: true });
  await event(to, "close", "the gated channel", 35_000);
  const seconds = (performance.now() - begun) / 1000;
  if (seconds < 28) throw new Error(`closed after ${seconds} s`);
};
gateTimesOut.slow = true;

/** A session that replies. What arrives on its second channel, sent after a reply, proves that reply's fate. */
async function replier(api, establish, publisher, name, policy) {
  const session = await api.session(establish);
  const channel = await session.subscribe(publisher, "asked", policy);
  const fence = await session.publish(`fence of ${name}`);
  const passed = new Inbox(await publisher.subscribe(session, `fence of ${name}`));
  let count = 0;
  const say = async (message) => {
    channel.send(message);
    fence.send(`${++count}`);
    await passed.wait(count);
  };
  return { session, inbox: new Inbox(channel), say };
}

/** One subscriber at a time may reply: granted at first, moved, revoked; its replies are the publisher's alone. */
const canReply = (establish) => async (api) => {
  const publisher = await api.session(establish);
  const from = await publisher.publish("asked");
  const heard = new Inbox(from);
  const a = await replier(api, establish, publisher, "a", { canReply: true });
  const b = await replier(api, establish, publisher, "b");
  await a.say("a holds it");
  await b.say("b does not");
  await b.session.setCanReply(publisher, "asked", true);
  await a.say("a lost it");
  await b.say("b has it");
  await b.session.setCanReply(publisher, "asked", false);
  await b.say("b lost it");
  await a.say("a did not get it back");
  const c = await replier(api, establish, publisher, "c", { canReply: true });
  await c.say("c took it");
  check(heard.messages, ["text a holds it", "text b has it", "text c took it"], "what the publisher heard");
  from.send("end");
  for (const { inbox } of [a, b, c]) {
    check(await inbox.wait(1), ["text end"], "what a subscriber heard");
  }
};

/** A channel closed through the API closes in the page, no other does, and its place is free again. */
const closedByApi = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const [from, kept] = [await publisher.publish("closed"), await publisher.publish("kept")];
  const to = await subscriber.subscribe(publisher, "closed");
  const inbox = new Inbox(await subscriber.subscribe(publisher, "kept"));
  let closed = event(to, "close", "the subscriber's channel");
  await subscriber.close(to.id);
  await closed;
  kept.send("kept");
  check(await inbox.wait(1), ["text kept"], "messages");
  const again = new Inbox(await subscriber.subscribe(publisher, "closed"));
  from.send("again");
  check(await again.wait(1), ["text again"], "messages");
  closed = event(from, "close", "the publisher's channel");
  await publisher.close(from.id);
  await closed;
};

/** A page may close its channel itself, and take a new one. */
const closedByPage = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const from = await publisher.publish("closed");
  const to = await subscriber.subscribe(publisher, "closed");
  const closed = event(to, "close", "the page's own channel");
  to.close();
  await closed;
  await subscriber.call("PUT", "/datachannels/close", { dataChannels: [{ id: to.id }] });
  const inbox = new Inbox(await subscriber.subscribe(publisher, "closed"));
  from.send("again");
  check(await inbox.wait(1), ["text again"], "messages");
};

/** A robot's offer has video and audio; the answer declines them and the channels work. */
const offerWithMedia = async (api) => {
  const withMedia = (session) => {
    session.pc.addTransceiver("video", { direction: "sendonly" });
    session.pc.addTransceiver("audio", { direction: "recvonly" });
    return clientOffers(session);
  };
  await recipe(withMedia)(api);
};

/** A session whose page hung up is gone. */
const hangUp = (establish) => async (api) => {
  const [publisher, subscriber] = await pair(api, establish);
  const from = await publisher.publish("left");
  await subscriber.subscribe(publisher, "left");
  subscriber.pc.close();
  const begun = performance.now();
  while ((await api.ask("GET", `/sessions/${subscriber.id}`)).status === 200) {
    if (performance.now() > begun + 35_000) throw new Error("still there after 35 s");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  check((await api.ask("GET", `/sessions/${subscriber.id}`)).status, 410, "status");
  check(from.readyState, "open", "the publisher's channel");
};

/** A page can read an error: it comes with CORS headers. */
const errorsAreReadable = async (api) => {
  const wrong = await api.ask("POST", "/sessions/new", undefined, "wrong");
  check([wrong.status, wrong.body.errorCode], [401, "unauthorized"], "for a wrong secret");
  const session = await api.session(clientOffers);
  const nonsense = await api.ask("POST", `/sessions/${session.id}/datachannels/new`, { dataChannels: 1 });
  check([nonsense.status, nonsense.body.errorCode], [400, "decoding_error"], "for a wrong type");
};

const inBothDirections = {
  recipe,
  ...Object.fromEntries(
    Object.entries(policies).map(([name, delivery]) => [name, (establish) => policy(establish, delivery)]),
  ),
  "kinds of messages": kinds,
  "the largest message": largest,
  batch,
  waitForAck,
  "waitForAck and canReply": waitForAckAndReply,
  canReply,
  "closed by the API": closedByApi,
  "closed by the page": closedByPage,
  "hang up": hangUp,
};

export const scenarios = {
  "server-events of the client": serverEventsOfClient,
  "server-events of the SFU": serverEventsOfSfu,
  "offer with media": offerWithMedia,
  "errors are readable": errorsAreReadable,
  "gate times out": gateTimesOut,
};
for (const [direction, establish] of Object.entries(directions)) {
  for (const [name, scenario] of Object.entries(inBothDirections)) {
    scenarios[`${name}, ${direction}`] = scenario(establish);
  }
}
