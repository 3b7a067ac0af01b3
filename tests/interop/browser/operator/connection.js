// How the page comes to its PeerConnection and its channels.

import { event } from "../wait.js";

/** How long it waits for further candidates, once it has one that is of use beyond its own network. */
const SETTLES = 400;
const GATHERS_WITHIN = 10_000;

const LOSSY = { ordered: false, maxRetransmits: 0 };
const RELIABLE = { ordered: true };

/** What a bridge's answer calls each channel's id, and how the channel is. */
const CHANNELS = {
  cmd_unreliable: { id: "cmd_channel_id", delivery: LOSSY },
  state_reliable: { id: "state_channel_id", delivery: RELIABLE },
  state_reliable_back: { id: "state_back_channel_id", delivery: RELIABLE },
  map_unreliable: { id: "map_channel_id", delivery: LOSSY },
};

/** Joins a robot as somebody; the connection is up when this is done. */
export async function join(broker, session, role) {
  // They have to be known before the offer, which has the candidates in it.
  const { ice_servers: iceServers } = await broker.call("GET", "/turn-credentials");
  const pc = new RTCPeerConnection({ iceServers });
  const gathering = gathered(pc);
  const placeholder = pc.createDataChannel("_sctp_init");
  pc.addTransceiver("video", { direction: "recvonly" });
  await pc.setLocalDescription(await pc.createOffer());
  const how = await gathering;
  const body = { role, sdp_offer: pc.localDescription.sdp };
  const answer = await broker.ask("POST", `/${session}/join`, body);
  if (answer.status !== 200) {
    pc.close();
    return { pc: null, status: answer.status, detail: answer.body.detail };
  }
  await pc.setRemoteDescription({ type: "answer", sdp: answer.body.sdp_answer });
  while (pc.connectionState !== "connected") await event(pc, "connectionstatechange", "the connection");
  placeholder.close();
  return { pc, status: 200, role: answer.body.role, gathered: how };
}

/** Resolves once enough candidates are known for the offer, and says which came and why it is enough. */
function gathered(pc) {
  const candidates = {};
  return new Promise((resolve) => {
    const enough = (why) => resolve({ why, candidates });
    setTimeout(enough, GATHERS_WITHIN, "time is over");
    pc.addEventListener("icecandidate", ({ candidate }) => {
      if (!candidate?.type) return;
      candidates[candidate.type] = (candidates[candidate.type] ?? 0) + 1;
      if (["srflx", "relay"].includes(candidate.type)) setTimeout(enough, SETTLES, "settled");
    });
    pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && enough("complete"));
  });
}

/** Bridges, and opens the channels that there are for whoever joined. */
export async function bridge(broker, session, pc) {
  const bridged = await broker.call("POST", `/${session}/bridge-datachannel`);
  const channels = {};
  for (const [name, { id, delivery }] of Object.entries(CHANNELS)) {
    if (bridged[id] == null) continue;
    const channel = pc.createDataChannel(name, { negotiated: true, id: bridged[id], ...delivery });
    channel.binaryType = "arraybuffer";
    if (channel.readyState !== "open") await event(channel, "open", name);
    channels[name] = channel;
  }
  return { channels, video: bridged.video_status };
}
