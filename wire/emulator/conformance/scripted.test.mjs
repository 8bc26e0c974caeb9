// `wpsbench run` against scripted servers: each case asserts the exit code and what
// the record says.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
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
const droppedByServer = { exit: 10, failed: ["uninjected_drops"] };
const verdict = (r) => ({ exit: r.exit, failed: failed(r) });
const failed = ({ record }) => record.thresholds.filter(({ result }) => result === "fail").map(({ metric }) => metric);
const closes = ({ record }) => record.connections.close_reasons.map(({ side, code, text }) => `${side} ${code} ${text}`.trim());

const cases = [];
const scripted = (name, body) => cases.push([name, body]);

scripted("an honest server", async () => {
  const r = await run({});
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual(r.saw.closes, [1000, 1000], "sessions do not linger");
});

scripted("connected comes late", async () => {
  const r = await run({ connected(s) { setTimeout(() => this.sayConnected(s), 1500); return true; } });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.ok(r.record.metrics.connect_time.min >= 1_500_000, `connect time ${r.record.metrics.connect_time.min} us`);
});

scripted("a refused upgrade ends the run before it starts", async () => {
  const r = await run({ upgrade: ({ socket }) => { socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"); return true; } });
  assert.equal(r.exit, 15, r.output);
  assert.match(r.output, /401/);
  assert.equal(r.record, null);
});

scripted("connected after a recovery, with a new token that replaces the old one", async () => {
  const again = "name: F2, at: 1200ms, kind: rst, population: members, hit: 2";
  const r = await run({ recovered(s) { s.token += "+"; this.sayConnected(s); } }, { faults: [reset, again] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual(funnel(r), { drops: 3, recovered: 3 });
  assert.equal(r.saw.recoveries, 3);
  assert.equal(r.saw.connections, 2, "no new connection");
});

scripted("recovery refused by 101 then 1008: a new connection", async () => {
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
  const { expected, delivered, lost, undelivered, excused } = r.record.totals.deliveries;
  assert.ok(excused.session_ended > 0);
  assert.deepEqual([lost, undelivered, delivered], [0, 0, expected - excused.session_ended]);
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [1, 3]);
});

scripted("5xx during recovery is no verdict on the session: attempts go on, 1 s apart", async () => {
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

scripted("a replay that overlaps what was received and acknowledged", async () => {
  const r = await run({ recovered(s) { this.replay(s, 0); return true; } }, { faults: [reset] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.deepEqual(funnel(r), { drops: 1, recovered: 1 });
  assert.ok(r.record.totals.deliveries.redundant_replay > 5, `${r.record.totals.deliveries.redundant_replay} redundant`);
});

scripted("1008 on a live connection rules a recovery out", async () => {
  const r = await run(during(function (s) { this.end(s); s.ws.close(1008, "policy"); }));
  assert.deepEqual(verdict(r), droppedByServer, r.output);
  assert.deepEqual(funnel(r), { drops: 1, uninjected_drops: 1, new_connections: 1 });
  assert.ok(closes(r).includes("peer 1008 policy"), closes(r).join());
  assert.deepEqual([r.saw.recoveries, r.saw.connections], [0, 3]);
  const { expected, delivered, lost, undelivered, excused } = r.record.totals.deliveries;
  assert.deepEqual([lost, undelivered, delivered], [0, 0, expected - excused.session_ended]);
});

scripted("a close frame without a code is recovered from", async () => {
  const r = await run(during((s) => s.ws.close()));
  assert.deepEqual(verdict(r), droppedByServer, r.output);
  complete(r);
  assert.deepEqual(funnel(r), { drops: 1, uninjected_drops: 1, recovered: 1 });
  assert.ok(closes(r).includes("peer 1005"), closes(r).join());
  assert.deepEqual(r.saw.closes, [1005, 1000, 1000], "echoed as it came");
});

scripted("a half-open socket: the server sends FIN and no close frame", async () => {
  const r = await run(during((s) => s.ws._socket.end()));
  assert.deepEqual(verdict(r), droppedByServer, r.output);
  complete(r);
  assert.deepEqual(funnel(r), { drops: 1, uninjected_drops: 1, recovered: 1 });
  assert.ok(closes(r).includes("peer 0 EOF"), closes(r).join());
});

scripted("a half-open socket: the server hears and says nothing more", async () => {
  let frozen;
  const r = await run({ ...during((s) => { frozen = s; s.ws._socket.pause(); }), put: (s) => s === frozen }, { drain: "3s" });
  // Nothing can be said of what was never answered, and nobody is accused of it.
  assert.equal(r.exit, 11, r.output);
  const { lost, undelivered, expected, delivered } = r.record.totals.deliveries;
  assert.equal(lost, 0);
  assert.ok(undelivered > 0);
  assert.equal(delivered, expected - undelivered);
  const unknown = r.record.checks.filter(({ result }) => result === "unknown").map(({ id }) => id);
  assert.deepEqual(unknown, ["R4", "P1"]);
  assert.deepEqual(r.record.checks.filter(({ result }) => result === "violated"), []);
});

scripted("fragments with control frames between them", async () => {
  let pongs = 0;
  const r = await run({
    connected(s) { s.ws.on("pong", (data) => { if (data.toString() === "p1") pongs++; }); },
    put(s, text) {
      const b = Buffer.from(text);
      const third = Math.floor(b.length / 3);
      raw(s, Buffer.concat([
        frame(0x01, b.subarray(0, third)), frame(0x89, "p1"), frame(0x00, b.subarray(third, 2 * third)), frame(0x8a, "unsolicited"),
        frame(0x89, ""), frame(0x00, ""), frame(0x80, b.subarray(2 * third)),
      ]));
      return true;
    },
  }, { faults: [reset] });
  assert.equal(r.exit, 0, r.output);
  complete(r);
  assert.ok(pongs > 50, `${pongs} pongs`);
});

const text = '{"type":"message","from":"server","dataType":"text","data":"x"}';
for (const [name, code, bytes] of [
  ["a masked frame", 1002, frame(0x81, text, { mask: [1, 2, 3, 4] })],
  ["a length of 2^40", 1009, frame(0x81, "x", { length: 1n << 40n })],
  ["a length with the top bit set", 1002, frame(0x81, "x", { length: (1n << 64n) - 1n })],
  ["a length above the message limit", 1009, frame(0x81, "x", { length: 3n << 20n })],
]) scripted(`protocol error: ${name}: closed with ${code}, recovered`, async () => {
  const r = await run(during((s) => raw(s, bytes)));
  assert.deepEqual(verdict(r), { exit: 10, failed: ["protocol_errors", "uninjected_drops"] }, r.output);
  complete(r);
  assert.deepEqual(funnel(r), { drops: 1, uninjected_drops: 1, protocol_errors: 1, recovered: 1 });
  assert.ok(closes(r).some((c) => c.endsWith(`(close code ${code})`)), closes(r).join());
  assert.equal(r.saw.closes[0], code);
});

describe("scripted servers", { concurrency: 4 }, () => { for (const [name, body] of cases) test(name, body); });
