// What the robot's clock says: the fastest of the round trips tells.

const BURST = 5;
const BURST_EVERY = 400;
const AGAIN_EVERY = 30_000;
const SLOWEST = 5_000;

/** By how many milliseconds the best round trip is taken to be slower for each second that it is old. */
const AGES = 1;

/** A clock of the page, by so many seconds ahead of its machine's. All times are in milliseconds. */
export class Clock {
  offset = 0;
  roundTrip = Infinity;
  #at = 0;
  #timers = [];

  constructor(ahead) {
    this.ahead = ahead * 1000;
  }

  now() {
    return Date.now() + this.ahead;
  }

  robotTime() {
    return this.now() + this.offset;
  }

  /** Asks what the time is: a few times at once, and then now and then. */
  start(say) {
    this.say = say;
    const ping = () => say({ type: "ping", client_ts: this.now() / 1000 });
    ping();
    let sent = 1;
    const burst = setInterval(() => {
      ping();
      sent += 1;
      if (sent < BURST) return;
      clearInterval(burst);
      this.#timers.push(setInterval(ping, AGAIN_EVERY));
    }, BURST_EVERY);
    this.#timers.push(burst);
  }

  stop() {
    this.#timers.forEach(clearInterval);
  }

  hear({ client_ts, robot_ts }) {
    const heard = this.now();
    const [sent, robot] = [client_ts * 1000, robot_ts * 1000];
    const roundTrip = heard - sent;
    const best = this.roundTrip + ((heard - this.#at) / 1000) * AGES;
    if (roundTrip < 0 || roundTrip > SLOWEST || roundTrip >= best) return;
    [this.roundTrip, this.#at, this.offset] = [roundTrip, heard, robot - (sent + heard) / 2];
    this.say({ type: "clock_report", rtt_ms: roundTrip, offset_ms: this.offset });
  }
}
