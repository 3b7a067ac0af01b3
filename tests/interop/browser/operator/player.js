// What the page's player sees of the robot's video.

/** Samples what came in, and says what became of it since the sample before. */
export class Player {
  constructor(pc) {
    this.pc = pc;
  }

  /** The message, from the second sample on. As long as there is no video, nothing came. */
  async stats() {
    const report = [...(await this.pc.getStats()).values()];
    const none = { timestamp: performance.timeOrigin + performance.now() };
    const now = report.find(({ type, kind }) => type === "inbound-rtp" && kind === "video") ?? none;
    const before = this.before;
    this.before = now;
    if (!before) return null;
    const seconds = (now.timestamp - before.timestamp) / 1000;
    const more = (name) => (now[name] ?? 0) - (before[name] ?? 0);
    const per = (amount, of) => (of > 0 ? amount / of : 0);
    const [frames, lost] = [more("framesDecoded"), more("packetsLost")];
    return {
      type: "video_stats",
      fps: per(frames, seconds),
      kbps: per(more("bytesReceived") * 8, seconds * 1000),
      width: now.frameWidth ?? 0,
      height: now.frameHeight ?? 0,
      loss_pct: 100 * per(lost, lost + more("packetsReceived")),
      jitter_ms: (now.jitter ?? 0) * 1000,
      frames_dropped: now.framesDropped ?? 0,
      freezes: now.freezeCount ?? 0,
      jitter_buffer_ms: 1000 * per(now.jitterBufferDelay ?? 0, now.jitterBufferEmittedCount ?? 0),
      decode_ms: 1000 * per(more("totalDecodeTime"), frames),
      e2e_latency_ms: 0,
    };
  }
}
