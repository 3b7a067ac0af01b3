// Somebody who may only watch, and tries to drive all the same.

import { twistStamped } from "./twist.js";

const TIMES = 40;
const EVERY = 50;

/** Opens every channel that is not its own, and commands and stops the robot on each. How many messages went out. */
export async function intrude({ pc, channels }, ids, velocity) {
  const own = Object.values(channels).map(({ id }) => id);
  const open = ids
    .filter((id) => !own.includes(id))
    .map((id) => pc.createDataChannel("intruder", { negotiated: true, id, ordered: false, maxRetransmits: 0 }));
  let sent = 0;
  for (let time = 1; time <= TIMES; time++) {
    for (const channel of [...open, ...Object.values(channels)]) {
      if (channel.readyState !== "open") continue;
      channel.send(twistStamped(time, Date.now(), velocity));
      channel.send(JSON.stringify({ type: "estop", nonce: `intruder ${time}` }));
      sent += 2;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
  return sent;
}
