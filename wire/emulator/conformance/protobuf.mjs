// The protobuf messages that a scripted server needs, by the field tables of
// protocol.md 5. What a client publishes stays as it came: data is its MessageData.

function* fields(b) {
  for (let i = 0; i < b.length;) {
    const varint = () => { let n = 0, unit = 1, x; do { x = b[i++]; n += (x & 127) * unit; unit *= 128; } while (x & 128); return n; };
    const key = varint();
    if (key % 8 === 0) { yield [key >> 3, varint()]; continue; }
    if (key % 8 !== 2) throw new Error(`wire type ${key % 8}`);
    const length = varint();
    yield [key >> 3, b.subarray(i, i += length)];
  }
}

const upstream = { 1: "sendToGroup", 6: "joinGroup", 7: "leaveGroup", 8: "sequenceAck", 9: "ping" };

export function decode(b) {
  const [[number, body]] = fields(b);
  const f = Object.fromEntries(fields(body));
  const type = upstream[number];
  if (type === "sequenceAck") return { type, sequenceId: f[1] };
  return { type, group: f[1]?.toString(), ackId: f[2], data: f[3] };
}

function varint(n) {
  const out = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push(n % 128 + 128);
  return Buffer.from([...out, n]);
}
const number = (field, n) => Buffer.concat([varint(field * 8), varint(Number(n))]);
const bytes = (field, x) => Buffer.concat([varint(field * 8 + 2), varint(Buffer.from(x).length), Buffer.from(x)]);
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

export function encode(m) {
  switch (m.type) {
    case "pong": return message(4);
    case "system":
      if (m.event === "disconnected") return message(3, message(2, bytes(2, m.message)));
      return message(3, message(1, bytes(1, m.connectionId), bytes(3, m.reconnectionToken)));
    case "ack": return message(1, number(1, m.ackId), number(2, m.success), ...(m.error ? [message(3, bytes(1, m.error.name), bytes(2, m.error.message))] : []));
    case "message": return message(2, bytes(1, m.from), bytes(2, m.group), bytes(3, m.data), number(4, m.sequenceId));
  }
}
