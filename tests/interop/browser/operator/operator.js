// Somebody who has joined a robot in a browser, as DimOS's operator page does it.

import { WITHIN } from "../wait.js";
import { Broker } from "./broker.js";
import { Clock } from "./clock.js";
import { bridge, join } from "./connection.js";
import { Player } from "./player.js";
import { Reports } from "./reports.js";
import { twistStamped } from "./twist.js";

const COMMANDS_EVERY = 1000 / 80;
const HEARTBEAT_EVERY = 5_000;
const VIDEO_STATS_EVERY = 1_000;

export class Operator {
  velocity = { linear: 0, angular: 0 };
  sent = 0;
  heartbeats = [];
  channels = {};
  #nonce = 0;
  #timers = [];

  constructor({ clock_ahead: ahead = 0, ...account }) {
    this.broker = new Broker(account);
    this.clock = new Clock(ahead);
    this.reports = new Reports(this.clock);
  }

  /** Joins the only robot; whether and how it came about. */
  async join(role) {
    const robots = await this.broker.call("GET", "");
    if (robots.length !== 1) throw new Error(`there are ${robots.length} robots`);
    this.session = robots[0].session_id;
    const { pc, ...joined } = await join(this.broker, this.session, role);
    if (!pc) return joined;
    this.pc = pc;
    // A page that is left has no time for more than a word.
    addEventListener("pagehide", () => this.broker.say(`/${this.session}/leave`, { reason: "pagehide" }));
    const { channels, video } = await bridge(this.broker, this.session, pc);
    this.channels = channels;
    this.#begin();
    const ids = Object.fromEntries(Object.entries(channels).map(([name, { id }]) => [name, id]));
    return { ...joined, ids, video };
  }

  #begin() {
    const { cmd_unreliable: cmd, state_reliable: state, state_reliable_back: back, map_unreliable: map } = this.channels;
    back.addEventListener("message", ({ data }) => this.reports.hear(data));
    map.addEventListener("message", ({ data }) => this.reports.hear(data));
    this.#every(HEARTBEAT_EVERY, () => this.#beat());
    if (cmd) this.#every(COMMANDS_EVERY, () => this.#command());
    if (!state) return;
    this.clock.start((message) => this.say(message));
    const player = new Player(this.pc);
    this.#every(VIDEO_STATS_EVERY, async () => {
      const stats = await player.stats();
      if (stats) this.say(stats);
    });
  }

  #every(interval, act) {
    this.#timers.push(setInterval(act, interval));
  }

  /** Says that the page is there, until it is told that it need not. */
  async #beat() {
    const { status } = await this.broker.ask("POST", `/${this.session}/op-heartbeat`);
    this.heartbeats.push(status);
  }

  /** While nothing is pressed it says so. */
  #command() {
    const { cmd_unreliable: channel } = this.channels;
    if (channel.readyState !== "open") return;
    this.sent += 1;
    channel.send(twistStamped(this.sent, this.clock.robotTime(), this.velocity));
  }

  say(message) {
    const { state_reliable: channel } = this.channels;
    if (channel.readyState === "open") channel.send(JSON.stringify(message));
  }

  /** Whether the robot says that it did what it was told. */
  order(order) {
    const nonce = ++this.#nonce;
    const answer = this.reports.acknowledgement(nonce, WITHIN);
    this.say({ ...order, nonce });
    return answer;
  }

  /** Everything that is known of the robot. */
  async see() {
    const { latest, counts, acks } = this.reports;
    return {
      telemetry: latest.robot_telemetry ?? null,
      odom: latest.odom ?? null,
      map: await this.reports.map(),
      counts,
      acks,
      sent: this.sent,
      heartbeats: this.heartbeats,
      connection: this.pc.connectionState,
      offset_ms: this.clock.offset,
    };
  }

  /** The robot as the broker lists it. */
  status() {
    return this.broker.call("GET", `/${this.session}/status`);
  }

  async leave(reason) {
    await this.broker.call("POST", `/${this.session}/leave`, { reason });
    this.#timers.forEach(clearInterval);
    this.clock.stop();
    this.pc.close();
  }
}
