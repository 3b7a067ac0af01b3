// Waiting for events, each wait with an end; and what a channel has received.

export const WITHIN = 10_000;

export function check(actual, expected, what) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: got ${a?.slice(0, 300)}, not ${b?.slice(0, 300)}`);
}

/** Resolves with the event, or rejects after `within` milliseconds, saying what did not happen. */
export function event(target, name, what, within = WITHIN) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name} of ${what} within ${within} ms`)), within);
    target.addEventListener(name, (happened) => (clearTimeout(timer), resolve(happened)), { once: true });
  });
}

/** A message as something to compare: its kind, and its text or bytes. */
export function shown(data) {
  return typeof data === "string" ? `text ${data}` : `binary ${Array.from(new Uint8Array(data))}`;
}

/** Everything that a channel has received since this was made. */
export class Inbox extends EventTarget {
  messages = [];

  constructor(channel) {
    super();
    channel.binaryType = "arraybuffer";
    channel.addEventListener("message", ({ data }) => {
      this.messages.push(shown(data));
      this.dispatchEvent(new Event("arrival"));
    });
  }

  /** Waits for `count` messages and returns all that have come. */
  async wait(count, within = WITHIN) {
    while (this.messages.length < count) {
      await event(this, "arrival", `message ${this.messages.length + 1} of ${count}`, within);
    }
    return this.messages;
  }

  /** Waits until a message has come, and returns those before it. */
  async until(message) {
    while (!this.messages.includes(message)) {
      await event(this, "arrival", `message ${message}`);
    }
    return this.messages.slice(0, this.messages.indexOf(message));
  }
}
