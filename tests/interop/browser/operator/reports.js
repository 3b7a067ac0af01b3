// What the robot says, and what is to be seen of it.

/** The latest of each kind, and how many came. Each acknowledgement is kept. */
export class Reports {
  latest = {};
  counts = {};
  acks = {};
  #waiting = new Map();

  constructor(clock) {
    this.clock = clock;
  }

  /** Takes a message, which is text or the bytes of it. */
  hear(data) {
    const message = JSON.parse(typeof data === "string" ? data : new TextDecoder().decode(data));
    const { type } = message;
    this.counts[type] = (this.counts[type] ?? 0) + 1;
    this.latest[type] = message;
    if (type === "pong") this.clock.hear(message);
    if (type === "cmd_ack") this.#acknowledged(message);
  }

  #acknowledged({ nonce, ok }) {
    (this.acks[nonce] ??= []).push(ok);
    this.#waiting.get(nonce)?.(ok);
    this.#waiting.delete(nonce);
  }

  /** Resolves with what the answer to an order says. */
  acknowledgement(nonce, within) {
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`no cmd_ack of ${nonce} within ${within} ms`)), within);
      this.#waiting.set(nonce, resolve);
    });
  }

  /** The map as it would be drawn: a letter for each cell, the same for the same colour, and - for what is transparent. */
  async map() {
    const { map } = this.latest;
    if (!map) return null;
    const { png_b64, ...rest } = map;
    const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png_b64}`)).blob());
    const { width, height } = picture;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const colours = [];
    const letter = (cell) => {
      const colour = data.slice(4 * cell, 4 * cell + 4).join();
      if (colour.endsWith(",0")) return "-";
      if (!colours.includes(colour)) colours.push(colour);
      return String.fromCharCode(97 + colours.indexOf(colour));
    };
    const row = (y) => Array.from({ length: width }, (_, x) => letter(y * width + x)).join("");
    return { ...rest, rows: Array.from({ length: height }, (_, y) => row(y)) };
  }
}
