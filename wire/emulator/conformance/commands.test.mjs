// `wpsbench pub` and `wpsbench sub` against scripted servers: what they print, their
// exit codes and what the server saw. They act like the official JavaScript client.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { until } from "./lib.mjs";
import { frame, raw, Server } from "./scripted.mjs";

const binary = process.env.WPSBENCH ?? "wpsbench";
const lines = (n, from = 1) => Array.from({ length: n }, (_, i) => `m${i + from}`);

// command starts wpsbench; done resolves to its exit code.
function command(args, input = "") {
  const child = spawn(binary, args);
  const it = { child, stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].on("data", (text) => { it[name] += text; });
  it.done = new Promise((ok) => child.on("close", ok));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return it;
}

async function serve(hooks, body) {
  const server = await new Server(hooks).listen();
  try { await body(server); } finally { server.close(); }
}

// ended asserts the exit code, and waits until the server has seen the end too.
async function ended(server, it, want) {
  assert.equal(await it.done, want, it.stderr);
  await server.left();
}

// publish puts messages of nobody into a group.
const publish = (server, texts) => { for (const s of server.sessions.values()) if (s.groups.has("room")) for (const data of texts) server.deliver(s, { group: "room", dataType: "text", data }); };
const subscribed = (server) => until(() => [...server.sessions.values()].some((s) => s.ws && s.groups.has("room")), "a subscriber");
const pub = (server, texts, ...args) => command(["pub", "--target", server.url, ...args, "room"], texts.map((t) => `${t}\n`).join(""));
const sub = (server, n, ...args) => command(["sub", "--target", server.url, "--count", String(n), ...args, "room"]);

// noting keeps what clients publish, as pairs of ack id and data.
const noting = (hooks = {}) => {
  const seen = [];
  return {
    seen,
    ...hooks,
    received(s, m) {
      if (m.type === "sendToGroup") { seen.push([m.ackId, m.data]); if (hooks.received?.call(this, s, m, seen) === true) return true; }
      return false;
    },
  };
};

describe("pub", { concurrency: 6 }, () => {
  test("every line in order, each with its ack", () => {
    const hooks = noting();
    return serve(hooks, async (server) => {
      const p = pub(server, lines(50));
      await ended(server, p, 0);
      assert.deepEqual(hooks.seen.map(([, data]) => data), lines(50));
      assert.equal(new Set(hooks.seen.map(([id]) => id)).size, 50);
      assert.deepEqual(server.saw.closes, [1000]);
    });
  });

  test("an ack lost with its socket: the same ack id again, published once", () => {
    let cut = false;
    const hooks = noting({ ack(s, m) { if (m.type !== "sendToGroup" || m.data !== "m5" || cut) return false; cut = true; s.ws.terminate(); return true; } });
    return serve(hooks, async (server) => {
      const p = pub(server, lines(10));
      await ended(server, p, 0);
      const five = hooks.seen.filter(([, data]) => data === "m5").map(([id]) => id);
      assert.ok(five.length >= 2);
      assert.equal(new Set(five).size, 1, "the ack id stays");
      assert.equal(server.saw.published.length, 10, "executed once each");
      assert.equal(server.saw.recoveries, 1);
      assert.ok(server.saw.duplicates >= 1);
    });
  });

  test("a masked frame of the server: closed with 1002, recovered, everything published", () => {
    let broken = false;
    const hooks = noting({ received(s, m) { if (m.data === "m5" && !broken) { broken = true; raw(s, frame(0x81, '{"type":"pong"}', { mask: [1, 2, 3, 4] })); return true; } return false; } });
    return serve(hooks, async (server) => {
      const p = pub(server, lines(10));
      await ended(server, p, 0);
      assert.deepEqual([...new Set(hooks.seen.map(([, data]) => data))], lines(10));
      assert.equal(server.saw.closes[0], 1002);
      assert.equal(server.saw.recoveries, 1);
    });
  });

  test("a message that is refused: 10", () => {
    const hooks = noting({ received(s, m) { if (m.data !== "m2") return false; this.ack(s, m, { name: "Forbidden", message: "no" }); return true; } });
    return serve(hooks, async (server) => {
      const p = pub(server, lines(3));
      await ended(server, p, 10);
      assert.match(p.stderr, /Forbidden/);
      assert.equal(server.saw.published.length, 2, "the others are published");
    });
  });

  test("a refused upgrade: 15", () => serve({ upgrade: ({ socket }) => { socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"); return true; } }, async (server) => {
    const p = pub(server, lines(1));
    await ended(server, p, 15);
    assert.match(p.stderr, /403/);
  }));
});

describe("sub", { concurrency: 6 }, () => {
  test("a line per message", () => serve({}, async (server) => {
    const s = sub(server, 20);
    await subscribed(server);
    publish(server, lines(20));
    await ended(server, s, 0);
    assert.deepEqual(s.stdout.trimEnd().split("\n"), lines(20));
    assert.deepEqual(server.saw.closes, [1000]);
  }));

  test("a replay that overlaps after a close without a code: every message once", () => serve({ recovered(s) { this.replay(s, 0); return true; } }, async (server) => {
    const s = sub(server, 20);
    await subscribed(server);
    publish(server, lines(10));
    await until(() => s.stdout.includes("m10\n"), "ten lines");
    for (const x of server.sessions.values()) x.ws.close();
    await until(() => server.saw.recoveries === 1, "the recovery");
    publish(server, lines(10, 11));
    await ended(server, s, 0);
    assert.deepEqual(s.stdout.trimEnd().split("\n"), lines(20));
    assert.equal(server.saw.connections, 1);
  }));

  test("5xx during recovery: tried again after 1 s, nothing lost", () => {
    const at = [];
    return serve({
      upgrade({ recovery, socket }) {
        if (!recovery) return false;
        at.push(performance.now());
        if (at.length > 2) return false;
        socket.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        return true;
      },
    }, async (server) => {
      const s = sub(server, 2);
      await subscribed(server);
      for (const x of server.sessions.values()) x.ws.terminate();
      publish(server, lines(2));
      await ended(server, s, 0);
      assert.deepEqual(s.stdout.trimEnd().split("\n"), lines(2));
      assert.equal(server.saw.connections, 1);
      for (const [i, t] of at.slice(1).entries()) assert.ok(t - at[i] > 900, `${t - at[i]} ms`);
    });
  });

  for (const [name, hooks, recoveries] of [
    ["1008 on a live connection", {}, 0],
    ["a refused recovery", { upgrade({ recovery }) { if (recovery) this.sessions.clear(); } }, 1],
  ]) {
    test(`${name}: a new connection that joins again`, () => serve(hooks, async (server) => {
      const s = sub(server, 4);
      await subscribed(server);
      publish(server, lines(2));
      await until(() => s.stdout.includes("m2\n"), "two lines");
      for (const x of [...server.sessions.values()]) {
        if (recoveries) { x.ws.terminate(); continue; }
        server.end(x);
        x.ws.close(1008, "policy");
      }
      await until(() => server.saw.connections === 2, "the new connection");
      await subscribed(server);
      publish(server, lines(2, 3));
      await ended(server, s, 0);
      assert.deepEqual(s.stdout.trimEnd().split("\n"), lines(4));
      assert.equal(server.saw.recoveries, recoveries);
    }));
  }

  for (const [name, code, bytes] of [
    ["a masked frame", 1002, frame(0x81, '{"type":"pong"}', { mask: [1, 2, 3, 4] })],
    ["a length of 2^40", 1009, frame(0x81, "x", { length: 1n << 40n })],
  ]) {
    test(`${name}: closed with ${code}, recovered, every message once`, () => serve({}, async (server) => {
      const s = sub(server, 4);
      await subscribed(server);
      publish(server, lines(2));
      for (const x of server.sessions.values()) raw(x, bytes);
      publish(server, lines(2, 3));
      await ended(server, s, 0);
      assert.deepEqual(s.stdout.trimEnd().split("\n"), lines(4));
      assert.deepEqual(server.saw.closes, [code, 1000]);
      assert.deepEqual([server.saw.connections, server.saw.recoveries], [1, 1]);
    }));
  }

  test("fragments with control frames between them, and unknown messages", () => {
    let pongs = 0;
    return serve({
      connected(s) { s.ws.on("pong", () => pongs++); },
      put(s, payload) {
        const b = Buffer.from(payload);
        const half = b.length >> 1;
        raw(s, Buffer.concat([
          frame(0x81, '{"type":"future"}'), frame(0x81, '{"type":"system","event":"weather"}'), frame(0x81, '{"type":"message","from":"moon","data":1}'),
          frame(0x01, b.subarray(0, half)), frame(0x89, "p"), frame(0x00, ""), frame(0x80, b.subarray(half)),
        ]));
        return true;
      },
    }, async (server) => {
      const s = sub(server, 5);
      await subscribed(server);
      publish(server, lines(5));
      await ended(server, s, 0);
      assert.deepEqual(s.stdout.trimEnd().split("\n"), lines(5));
      assert.ok(pongs >= 5, `${pongs} pongs`);
    });
  });

  test("a refused upgrade: 15", () => serve({ upgrade: ({ socket }) => { socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"); return true; } }, async (server) => {
    const s = sub(server, 1);
    await ended(server, s, 15);
    assert.match(s.stderr, /401/);
  }));
});
