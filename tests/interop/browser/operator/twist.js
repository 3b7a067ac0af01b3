// geometry_msgs.TwistStamped as LCM has it: big endian, a text with its length and its end in front and behind.

const FINGERPRINT = 0x9cd2bcbe6cb2a7c0n;
const FRAME = new TextEncoder().encode("keyboard\0");

/** A velocity in m/s and rad/s, stamped with a time in milliseconds since 1970. */
export function twistStamped(seq, stamp, { linear, angular }) {
  const view = new DataView(new ArrayBuffer(24 + FRAME.length + 48));
  view.setBigUint64(0, FINGERPRINT);
  [seq, Math.floor(stamp / 1000), (stamp % 1000) * 1e6, FRAME.length].forEach((n, i) => view.setInt32(8 + 4 * i, n));
  new Uint8Array(view.buffer).set(FRAME, 24);
  [linear, 0, 0, 0, 0, angular].forEach((value, i) => view.setFloat64(24 + FRAME.length + 8 * i, value));
  return view.buffer;
}
