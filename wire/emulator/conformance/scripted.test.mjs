// `wpsbench run` against scripted servers: each case asserts the exit code, the
// verdict, what the record says of deliveries and connections, and what the server saw.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JSON_V1, RELIABLE } from "./lib.mjs";
import { frame, PROTOBUF, raw, Server } from "./scripted.mjs";

const binary = process.env.WPSBENCH ?? "wpsbench";

// Two members, each of which gets what both publish.
const scenario = ({ protocol = RELIABLE, faults = [], drain = "10s" }) => `
name: scripted
protocol: ${protocol}
groups: {room: {count: 1}}
populations:
  members:
    connections: 2
    connect_rate: 50/s
    join: {room: 1}
    publish: {rate: 10/s, arrival: constant, size: 128}
phases: {warmup: 200ms, steady: 2s, drain: ${drain}}
${faults.length > 0 ? `faults:\n${faults.map((f) => `  - {${f}}\n`).join("")}` : ""}
`;
const reset = "name: F1, at: 500ms, kind: rst, population: members, hit: 1";

// during calls f on the first session, in the middle of the steady state.
const during = (f, ms = 1300) => {
  let armed = false;
  return {
    connected(s) {
      if (armed) return;
      armed = true;
      setTimeout(() => f.call(this, s), ms).unref();
    },
  };
};

async function run(hooks, options = {}) {
  const server = await new Server(hooks).listen();
  const dir = await mkdtemp(join(tmpdir(), "scripted-"));
  try {
    const file = join(dir, "scenario.yaml");
    await writeFile(file, scenario(options));
    const child = spawn(binary, ["run", file, "--target", server.url, "--dir", join(dir, "out"), "--color", "never", "--progress", "none"]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => { output += text; });
    const exit = await new Promise((ok) => child.on("close", ok));
    await server.left();
    const text = await readFile(join(dir, "out", "run.json"), "utf8").catch(() => "null");
    return { exit, output, record: JSON.parse(text), saw: server.saw };
  } finally {
    server.close();
    await rm(dir, { recursive: true });
  }
}

// complete asserts that every expected delivery came, once and in order.
function complete({ record, output }) {
  const { expected, delivered, lost, undelivered, duplicated, reordered, unexpected, corrupt } = record.totals.deliveries;
  assert.ok(expected > 0);
  assert.deepEqual({ delivered, lost, undelivered, duplicated, reordered, unexpected, corrupt }, { delivered: expected, lost: 0, undelivered: 0, duplicated: 0, reordered: 0, unexpected: 0, corrupt: 0 }, output);
  assert.deepEqual(record.checks.filter(({ result }) => result === "violated"), []);
}

// The parts of the record that say how the connections fared. What is not named is 0.
const funnel = ({ record }) => {
  const { planned, attempted, opened, connected, joined, at_end, ...rest } = record.connections.funnel;
  assert.deepEqual({ planned, attempted, opened, connected, joined, at_end }, { planned: 2, attempted: 2, opened: 2, connected: 2, joined: 2, at_end: 2 });
  return Object.fromEntries(Object.entries(rest).filter(([, n]) => n !== 0));
};
const verdict = (r) => ({ exit: r.exit, failed: failed(r) });
const failed = ({ record }) => record.thresholds.filter(({ result }) => result === "fail").map(({ metric }) => metric);
const closes = ({ record }) => record.connections.close_reasons.map(({ side, code, text }) => `${side} ${code} ${text}`.trim());

// interrupted asserts that what is missing is what a connection that ended excuses.
function interrupted({ record, output }) {
  const { expected, delivered, lost, undelivered, duplicated, reordered, unexpected, corrupt, excused } = record.totals.deliveries;
  const away = Object.values(excused).reduce((a, b) => a + b, 0);
  assert.ok(expected > 0);
  assert.deepEqual({ delivered, lost, undelivered, duplicated, reordered, unexpected, corrupt }, { delivered: expected - away, lost: 0, undelivered: 0, duplicated: 0, reordered: 0, unexpected: 0, corrupt: 0 }, output);
  assert.deepEqual(record.checks.filter(({ result }) => result === "violated"), []);
}

const cases = [];

// scripted adds a case for each protocol; its run is of that protocol.
const scripted = (protocols, name, body) => {
  for (const protocol of protocols) cases.push([`${protocol.replace(/.webpubsub.*/, "")}: ${name}`, () => body((hooks, options) => run(hooks, { protocol, ...options }), protocol)]);
};
const reliably = [RELIABLE, PROTOBUF];
const every = [RELIABLE, PROTOBUF, JSON_V1];

// droppedOnce asserts how a connection that the server dropped fares: a reliable
// session is recovered with nothing missing, a plain one is replaced.
function droppedOnce(r, protocol, also = {}) {
  const limits = [...("protocol_errors" in also ? ["protocol_errors"] : []), "uninjected_drops"];
  assert.deepEqual(verdict(r), { exit: 10, failed: limits }, r.output);
  if (protocol === JSON_V1) interrupted(r);
  else complete(r);
  const fate = protocol === JSON_V1 ? { new_connections: 1 } : { recovered: 1 };
  assert.deepEqual(funnel(r), { drops: 1, uninjected_drops: 1, ...also, ...fate });
  assert.deepEqual([r.saw.recoveries, r.saw.connections], protocol === JSON_V1 ? [0, 3] : [1, 2]);
}

scripted(every, "an honest server", async (run, protocol) => {
  const r = await run({});
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual(r.saw.closes, [1000, 1000], "sessions do not linger");
});

scripted(every, "connected comes late", async (run, protocol) => {
  const r = await run({ connected(s) { setTimeout(() => this.sayConnected(s), 1500); return true; } });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.ok(r.record.metrics.connect_time.min >= 1_500_000, `connect time ${r.record.metrics.connect_time.min} us`);
});

scripted([RELIABLE], "a refused upgrade ends the run before it starts", async (run) => {
  const r = await run({ upgrade: ({ socket }) => { socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"); return true; } });
  assert.equal(r.exit, 15, r.output);
  assert.match(r.output, /401/);
  assert.equal(r.record, null);
});

scripted(reliably, "connected after a recovery, with a new token that replaces the old one", async (run, protocol) => {
  const again = "name: F2, at: 1200ms, kind: rst, population: members, hit: 2";
  const r = await run({ recovered(s) { s.token += "+"; this.sayConnected(s); } }, { faults: [reset, again] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual(funnel(r), { drops: 3, recovered: 3 });
  assert.equal(r.saw.recoveries, 3);
  assert.equal(r.saw.connections, 2, "no new connection");
});

scripted(reliably, "recovery refused by 101 then 1008: a new connection", async (run, protocol) => {
  const r = await run({
    upgrade({ recovery, request }) {
      if (recovery) this.sessions.delete(new URL(request.url, "http://x").searchParams.get("awps_connection_id"));
    },
  }, { faults: [reset] });
  assert.equal(r.exit, 0, r.output);
  assert.deepEqual(funnel(r), { drops: 2, new_connections: 1, refused_recovery: 1 });
  assert.ok(closes(r).includes("peer 1008 The connection could not be recovered."), closes(r).join());
  const [{ outcomes }] = r.record.incidents;
  assert.deepEqual([outcomes.resumed, outcomes.new_connection], [0, 1]);
  // What was published meanwhile is nobody's fault, and nothing else is missing.
  assert.ok(r.record.totals.deliveries.excused.session_ended > 0);
  interrupted(r);
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [1, 3]);
});

scripted(reliably, "5xx during recovery is no verdict on the session: attempts go on, 1 s apart", async (run, protocol) => {
  let attempts = 0;
  const r = await run({
    upgrade({ recovery, socket }) {
      if (!recovery || ++attempts > 2) return false;
      socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
      return true;
    },
  }, { faults: [reset] });
  complete(r);
  assert.equal(r.exit, 0, r.output);
  assert.deepEqual(funnel(r), { drops: 1, recovered: 1 });
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [3, 2]);
  const [{ outcomes, start_s, end_s }] = r.record.incidents;
  assert.equal(outcomes.resumed, 1);
  assert.ok(end_s - start_s > 1.9 && end_s - start_s < 2.9, `${end_s - start_s} s`);
});

scripted(reliably, "a replay that overlaps what was received and acknowledged", async (run, protocol) => {
  const r = await run({ recovered(s) { this.replay(s, 0); return true; } }, { faults: [reset] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual(funnel(r), { drops: 1, recovered: 1 });
  assert.ok(r.record.totals.deliveries.redundant_replay > 5, `${r.record.totals.deliveries.redundant_replay} redundant`);
});

scripted(every, "1008 on a live connection rules a recovery out", async (run, protocol) => {
  const r = await run(during(function (s) { this.end(s); s.ws.close(1008, "policy"); }));
  assert.deepEqual(verdict(r), { exit: 10, failed: ["uninjected_drops"] }, r.output);
  assert.deepEqual(funnel(r), { drops: 1, uninjected_drops: 1, new_connections: 1 });
  assert.ok(closes(r).includes("peer 1008 policy"), closes(r).join());
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [0, 3]);
  interrupted(r);
});

scripted(every, "a close frame without a code", async (run, protocol) => {
  const r = await run(during((s) => s.ws.close()));
  droppedOnce(r, protocol);
  assert.ok(closes(r).includes("peer 1005"), closes(r).join());
  assert.deepEqual(r.saw.closes, [1005, 1000, 1000], "echoed as it came");
});

scripted(every, "a half-open socket: the server sends FIN and no close frame", async (run, protocol) => {
  const r = await run(during((s) => s.ws._socket.end()));
  droppedOnce(r, protocol);
  assert.ok(closes(r).includes("peer 0 EOF"), closes(r).join());
});

scripted([RELIABLE, JSON_V1], "a half-open socket: the server hears and says nothing more", async (run, protocol) => {
  let frozen;
  const r = await run({ ...during((s) => { frozen = s; s.ws._socket.pause(); }), put: (s) => s === frozen }, { drain: "3s" });
  // Nothing can be said of what was never answered, and nobody is accused of it.
  assert.equal(r.exit, 11, r.output);
  const { lost, undelivered, expected, delivered } = r.record.totals.deliveries;
  assert.equal(lost, 0);
  assert.ok(undelivered > 0);
  assert.equal(delivered, expected - undelivered);
  const unknown = r.record.checks.filter(({ result }) => result === "unknown").map(({ id }) => id);
  assert.deepEqual(unknown.sort(), protocol === JSON_V1 ? ["N3", "P1"] : ["P1", "R4"]);
  assert.deepEqual(r.record.checks.filter(({ result }) => result === "violated"), []);
});

scripted(every, "fragments with control frames between them", async (run, protocol) => {
  let pongs = 0;
  const r = await run({
    connected(s) { s.ws.on("pong", (data) => { if (data.toString() === "p1") pongs++; }); },
    put(s, payload) {
      const b = Buffer.from(payload);
      const third = Math.floor(b.length / 3);
      raw(s, Buffer.concat([
        frame(s.codec.opcode, b.subarray(0, third)), frame(0x89, "p1"), frame(0x00, b.subarray(third, 2 * third)), frame(0x8a, "unsolicited"),
        frame(0x89, ""), frame(0x00, ""), frame(0x80, b.subarray(2 * third)),
      ]));
      return true;
    },
  }, { faults: protocol === JSON_V1 ? [] : [reset] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.ok(pongs > 50, `${pongs} pongs`);
});

const pong = (s) => Buffer.from(s.codec.encode({ type: "pong" }));
const whole = (s) => 0x80 | s.codec.opcode;
for (const [protocols, name, code, bytes] of [
  [every, "a masked frame", 1002, (s) => frame(whole(s), pong(s), { mask: [1, 2, 3, 4] })],
  [every, "a length of 2^40", 1009, (s) => frame(whole(s), "x", { length: 1n << 40n })],
  [[RELIABLE], "a length with the top bit set", 1002, (s) => frame(whole(s), "x", { length: (1n << 64n) - 1n })],
  [reliably, "a length above the message limit", 1009, (s) => frame(whole(s), "x", { length: 3n << 20n })],
  [[RELIABLE], "fragments above the message limit", 1009, (s) => Buffer.concat([frame(s.codec.opcode, Buffer.alloc(2 << 20, " ")), frame(0x80, Buffer.alloc(1 << 20, " "))])],
  [[RELIABLE], "a reserved bit", 1002, (s) => frame(0x40 | whole(s), pong(s))],
  [[RELIABLE], "a continuation of nothing", 1002, () => frame(0x80, "x")],
  [[RELIABLE], "a message within another", 1002, (s) => Buffer.concat([frame(s.codec.opcode, "x"), frame(whole(s), pong(s))])],
  [[RELIABLE], "a fragmented ping", 1002, () => frame(0x09, "x")],
  [[RELIABLE], "a ping of 126 bytes", 1002, () => frame(0x89, Buffer.alloc(126))],
  [[RELIABLE], "text that is not UTF-8", 1007, () => frame(0x81, Buffer.from([0x22, 0xff, 0x22]))],
]) scripted(protocols, `protocol error: ${name}: closed with ${code}`, async (run, protocol) => {
  const r = await run(during((s) => raw(s, bytes(s))));
  droppedOnce(r, protocol, { protocol_errors: 1 });
  assert.ok(closes(r).some((c) => c.endsWith(`(close code ${code})`)), closes(r).join());
  assert.equal(r.saw.closes[0], code);
});

const gone = "The connection could not be recovered.";
const times = (n, f) => { let k = 0; return function (...args) { return k++ < n && f.apply(this, args) !== false; }; };

scripted([RELIABLE], "recovery refused 400 ms after its 101: a new connection", async (run) => {
  const r = await run({ recovered(s) { const { ws } = s; s.ws = undefined; this.end(s); setTimeout(() => ws.close(1008, gone), 400); return true; } }, { faults: [reset] });
  assert.equal(r.exit, 0, r.output);
  interrupted(r);
  const { new_connections, refused_recovery } = funnel(r);
  assert.deepEqual([new_connections, refused_recovery, r.saw.recoveries, r.saw.connections], [1, 1, 1, 3]);
});

scripted([RELIABLE], "101 and a close without a code, twice: recovered the third time", async (run) => {
  const r = await run({ recovered: times(2, (s) => s.ws.close()) }, { faults: [reset] });
  complete(r);
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [3, 2]);
});

scripted([RELIABLE], "a reset during the upgrade of a recovery is no verdict", async (run) => {
  const r = await run({ upgrade: ((once) => function (x) { return x.recovery && once(x); })(times(1, ({ socket }) => socket.resetAndDestroy())) }, { faults: [reset] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [2, 2]);
  assert.deepEqual(funnel(r), { drops: 1, recovered: 1 });
});

scripted(reliably, "connected after the replay, with a new token", async (run) => {
  const r = await run({ recovered(s) { this.replay(s, s.acked); s.token += "+"; this.sayConnected(s); return true; } }, { faults: [reset, "name: F2, at: 1200ms, kind: rst, population: members, hit: 2"] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [3, 2]);
});

scripted(reliably, "an ack lost with its socket: sent again with the same ack id, executed once", async (run) => {
  let lost = 0;
  const r = await run({ ack(s, m) { return s.n === 1 && m.type === "sendToGroup" && this.saw.published.length > 20 && lost === 0 && (lost++, s.ws.terminate(), true); } });
  assert.deepEqual(verdict(r), { exit: 10, failed: ["uninjected_drops"] }, r.output);
  complete(r);
  assert.equal(lost, 1);
  assert.ok(r.saw.duplicates >= 1, "answered with Duplicate");
  assert.equal(r.record.totals.publishes.ok, r.record.totals.publishes.sent, "a success for the publisher");
});

scripted([JSON_V1], "a reset by the nemesis: a new connection", async (run) => {
  const r = await run({}, { faults: [reset] });
  assert.equal(r.exit, 0, r.output);
  interrupted(r);
  assert.deepEqual(funnel(r), { drops: 1, new_connections: 1 });
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [0, 3]);
});

const accept = (request) => createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
const switching = (request, ...more) => ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept(request)}`, ...more, "", ""].join("\r\n");
for (const [name, answer] of [
  ["a wrong Sec-WebSocket-Accept", (request) => switching(request, `Sec-WebSocket-Protocol: ${RELIABLE}`).replace(accept(request), "AAAA")],
  ["an extension nobody asked for", (request) => switching(request, `Sec-WebSocket-Protocol: ${RELIABLE}`, "Sec-WebSocket-Extensions: permessage-deflate")],
  ["no subprotocol", (request) => switching(request)],
  ["a page", () => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
  ["what is not HTTP", () => "220 smtp ready\r\n"],
  ["nothing", () => ""],
]) scripted([RELIABLE], `an upgrade answered with ${name} ends the run before it starts`, async (run) => {
  const r = await run({ upgrade: ({ request, socket }) => { socket.end(answer(request)); return true; } });
  assert.equal(r.exit, 15, r.output);
  assert.equal(r.record, null);
});

describe("scripted servers", { concurrency: 8 }, () => { for (const [name, body] of cases) test(name, body); });
