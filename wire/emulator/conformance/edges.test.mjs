// @azure/web-pubsub-client against the emulator, at the edges: what it does by itself
// when things fail (protocol.md 9), and where the service draws the line (3.6 and 4.4).
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { client, closed, everyRole, Link, newHub, opened, plain, received, sent, service, stop, until } from "./lib.mjs";

const invalid = { code: 1007, reason: "The client message is not a valid JSON protocol message." };
const refused = { code: 1008, reason: "The connection could not be recovered." };
const names = (c) => c.log.map(([name]) => name);
const pauses = (notes) => notes.slice(1).map(({ at }, i) => at - notes[i].at);
const within = (got, want, what) => assert.ok(got > want - 50 && got < want + 900, `${what}: ${got} ms, want ${want}`);

for (const [protocol, reliable] of [["json.reliable", true], ["json", false]]) {
  describe(`${protocol}: where the service draws the line`, { concurrency: 8 }, () => {
    // Each ends the connection for good: the reliable client is refused its recovery.
    for (const [name, want, act] of [
      ["an invocation", invalid, (c) => c.invokeEvent("ev", "x", "text")],
      ["a stream", invalid, (c) => c.openGroupStream("g")],
      ["protobuf data", invalid, (c) => c.sendToGroup("g", new Uint8Array([10, 0]).buffer, "protobuf")],
      ["a group without a name", invalid, (c) => c.joinGroup("")],
      ["a group's name of white space", invalid, (c) => c.sendToGroup(" \t", "x", "text")],
      ["a group's name of 1,025 characters", invalid, (c) => c.leaveGroup("g".repeat(1025))],
      ["an event's name that begins with a digit", invalid, (c) => c.sendEvent("1st", "x", "text")],
      ["an event's name of 129 characters", invalid, (c) => c.sendEvent("e".repeat(129), "x", "text")],
      ["a message of 1 MiB and a byte", { code: 1009, reason: "The client message is too large." }, (c) => c.sendToGroup("g", text(1), "text")],
    ]) {
      test(name, async () => {
        const hub = newHub();
        const svc = service(hub);
        const c = await client(svc, { reliable }).up();
        const first = c.connectionId();
        const failed = act(c).then(() => assert.fail("it did not fail"), (e) => assert.match(e.message, /is disconnected before|connection (is unavailable|cannot be recovered)/));
        await c.connected(2);
        await failed;
        assert.deepEqual(closed(hub), [want, ...(reliable ? [refused] : [])]);
        assert.equal(await svc.connectionExists(first), false);
        await stop(c);
      });
    }

    test("the limits themselves", async () => {
      const hub = newHub();
      const c = await client(service(hub), { reliable }).up();
      await c.sendToGroup("g", text(0), "text");
      await c.joinGroup("g".repeat(1024));
      await assert.rejects(c.sendEvent("e".repeat(128), "x", "text"), (e) => e.errorDetail.name === "InternalServerError");
      assert.deepEqual(closed(hub), []);
      await stop(c);
    });

    test("noEcho spares the sending connection, not its user", async () => {
      const svc = service(newHub());
      const [a, b] = [await client(svc, { reliable, token: { userId: "u" } }).up(), await client(svc, { reliable, token: { userId: "u" } }).up()];
      for (const c of [a, b]) await c.joinGroup("g");
      await a.sendToGroup("g", "x", "text", { noEcho: true });
      await until(() => b.fromGroup().length === 1, "the copy");
      assert.deepEqual(a.fromGroup(), []);
      await stop(a, b);
    });
  });
}

// text makes the first message of a client 1 MiB long, and a little more.
function text(more) {
  const rest = JSON.stringify({ type: "sendToGroup", group: "g", ackId: 1, noEcho: false, dataType: "text", data: "" });
  return "x".repeat((1 << 20) - rest.length + more);
}

describe("retries and events", { concurrency: 8 }, () => {
  test("a message is retried three times, each 1 s later with a new ack id", async () => {
    const hub = newHub();
    const c = await client(service(hub), { messageRetryOptions: undefined }).up();
    await assert.rejects(c.sendEvent("ev", "x", "text"), (e) => e.errorDetail.name === "InternalServerError");
    const events = sent(hub, "event");
    assert.deepEqual(events.map(({ message }) => message.ackId), [1, 2, 3, 4]);
    for (const [i, pause] of pauses(events).entries()) within(pause, 1000, `retry ${i + 1}`);
    await stop(c);
  });

  test("exponentially if told, up to the limit, with the caller's ack id", async () => {
    const hub = newHub();
    const c = await client(service(hub), { messageRetryOptions: { mode: "Exponential", maxRetries: 4, retryDelayInMs: 200, maxRetryDelayInMs: 500 } }).up();
    await assert.rejects(c.sendEvent("ev", "x", "text", { ackId: 7 }), (e) => e.errorDetail.name === "InternalServerError");
    const events = sent(hub, "event");
    assert.deepEqual(events.map(({ message }) => message.ackId), [7, 7, 7, 7, 7]);
    for (const [i, want] of [200, 400, 500, 500].entries()) within(pauses(events)[i], want, `retry ${i + 1}`);
    await stop(c);
  });

  test("a drop rejects what waits for an ack at once, before the recovery", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc).up();
    const [socket] = opened(hub);
    socket.removeAllListeners("message"); // no ack comes in
    const order = [];
    const rejected = c.sendToGroup("g", "x", "text").catch((e) => { order.push(e.message, opened(hub).length); });
    socket.terminate();
    await rejected;
    assert.deepEqual(order, ["Connection is disconnected before receive ack from the service", 1]);
    await until(() => opened(hub).length === 2, "the recovery");
    await c.sendToGroup("g", "x", "text");
    assert.deepEqual(sent(hub, "sendToGroup").map(({ message }) => message.ackId), [1, 2], "the ack counter goes on");
    await stop(c);
  });

  test("reconnects exhausted: stopped, and started again by the caller", async () => {
    const link = await new Link().listen();
    const hub = newHub();
    const c = await client(service(hub, link.endpoint), { reliable: false, reconnectRetryOptions: { maxRetries: 2, retryDelayInMs: 300 } }).up();
    link.cut();
    await until(() => c.of("stopped").length === 1, "stopped");
    assert.deepEqual(names(c), ["connected", "disconnected", "stopped"]);
    assert.deepEqual([c.urls.length, link.refused], [4, 3], "a fresh URL for each attempt");
    link.mend();
    await c.start();
    await c.connected(2);
    await stop(c);
    link.close();
  });

  test("by a fixed URL, and off() ends a listener", async () => {
    const svc = service(newHub());
    const { url } = await svc.getClientAccessToken({ roles: everyRole });
    const c = new WebPubSubClient(url, { reconnectRetryOptions: { retryDelayInMs: 100 } });
    const seen = [];
    const note = ({ connectionId }) => seen.push(connectionId);
    c.on("connected", note);
    await c.start();
    await until(() => seen.length === 1, "connected");
    await assert.rejects(c.start(), /only started when it's Stopped/);
    await svc.closeConnection(seen[0]);
    await until(() => seen.length === 2, "connected again");
    c.off("connected", note);
    let stopped = false;
    c.on("stopped", () => { stopped = true; });
    c.on("connected", () => seen.push("third"));
    await svc.closeConnection(seen[1]);
    await until(() => seen.length === 3, "connected a third time");
    assert.equal(seen[2], "third");
    c.stop();
    await until(() => stopped, "stopped");
  });
});

describe("recovery", { concurrency: 8 }, () => {
  test("the replay repeats what was not acknowledged; it is delivered once and acknowledged again", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc).up();
    c._trySendSequenceAck = async () => {};
    for (const x of [1, 2, 3]) await svc.sendToAll(x);
    await until(() => c.fromServer().length === 3, "three messages");
    delete c._trySendSequenceAck;
    opened(hub)[0].terminate();
    await svc.sendToAll(4);
    await until(() => c.fromServer().length === 4, "the fourth");
    const replayed = received(hub).filter(({ sequenceId }) => sequenceId !== undefined).map(({ sequenceId, data }) => [sequenceId, data]);
    assert.deepEqual(replayed, [1, 2, 3, 1, 2, 3, 4].map((n) => [n, n]));
    assert.deepEqual(c.fromServer().map((m) => m.data), [1, 2, 3, 4]);
    await until(() => sent(hub, "sequenceAck").at(-1)?.message.sequenceId === 4, "its sequenceAck");
    await stop(c);
  });

  test("takes over a session that the service thinks is connected", async () => {
    const link = await new Link().listen();
    const hub = newHub();
    const svc = service(hub);
    const c = await client(service(hub, link.endpoint)).up();
    await c.joinGroup("g");
    await svc.group("g").sendToAll("before", plain);
    await until(() => c.fromGroup().length === 1, "before");
    const [old] = link.halve();
    let answer = Buffer.alloc(0);
    old.on("data", (bytes) => { answer = Buffer.concat([answer, bytes]); });
    const ended = new Promise((ok) => old.on("close", ok));
    await until(() => opened(hub).length === 2, "the recovery");
    await ended; // by the service, which heard nothing of the drop
    assert.ok(!answer.includes(Buffer.from([0x88])), "no close frame for the old socket");
    await svc.group("g").sendToAll("after", plain);
    await until(() => c.fromGroup().length === 2, "after");
    assert.deepEqual(c.fromGroup().map((m) => [m.data, m.sequenceId]), [["before", 1], ["after", 2]]);
    assert.deepEqual(names(c).filter((n) => n !== "group-message"), ["connected"]);
    await stop(c);
    link.close();
  });

  test("nothing heard for the idle timeout: closed without a code, recovered, nothing lost", async () => {
    const link = await new Link().listen();
    const hub = newHub();
    const svc = service(hub);
    const c = await client(service(hub, link.endpoint), { keepAliveIntervalInMs: 200, keepAliveTimeoutInMs: 900 }).up();
    await c.joinGroup("g");
    link.freeze();
    await svc.group("g").sendToAll("meanwhile", plain);
    await until(() => opened(hub)[0].readyState === 2, "the client closes");
    link.thaw();
    await until(() => opened(hub).length === 2 && c.fromGroup().length === 1, "the recovery");
    assert.equal(closed(hub)[0].code, 1005);
    await svc.group("g").sendToAll("after", plain);
    await until(() => c.fromGroup().length === 2, "after");
    assert.deepEqual(c.fromGroup().map((m) => m.data), ["meanwhile", "after"]);
    assert.deepEqual(names(c).filter((n) => n !== "group-message"), ["connected"]);
    await stop(c);
    link.close();
  });

  test("1,001 messages for a session that is away end it: refused, a new connection", async () => {
    const link = await new Link().listen();
    const hub = newHub();
    const svc = service(hub);
    const c = await client(service(hub, link.endpoint)).up();
    await c.joinGroup("g");
    const first = c.connectionId();
    link.cut();
    const p = await client(svc, { reliable: false }).up();
    const publish = async (n) => { for (let i = 0; i < n; i++) p.sendToGroup("g", i, "json", { fireAndForget: true }); await p.sendToGroup("nobody's", 0, "json"); };
    await publish(1000);
    assert.equal(await svc.connectionExists(first), true, "1,000 are kept");
    await publish(1);
    assert.equal(await svc.connectionExists(first), false);
    link.mend();
    await c.connected(2);
    assert.deepEqual(closed(hub).at(-1), refused);
    assert.deepEqual(c.fromGroup(), [], "what it held is gone");
    await stop(c, p);
    link.close();
  });

  test("1,000 messages for a session that is away are all replayed, in order", async () => {
    const link = await new Link().listen();
    const hub = newHub();
    const c = await client(service(hub, link.endpoint)).up();
    await c.joinGroup("g");
    link.cut();
    const p = await client(service(hub), { reliable: false }).up();
    for (let i = 1; i <= 1000; i++) p.sendToGroup("g", i, "json", { fireAndForget: true });
    await p.sendToGroup("nobody's", 0, "json");
    link.mend();
    await until(() => c.fromGroup().length === 1000, "all of them");
    assert.ok(c.fromGroup().every((m, i) => m.data === i + 1 && m.sequenceId === i + 1));
    assert.deepEqual(names(c).filter((n) => n !== "group-message"), ["connected"]);
    await stop(c, p);
    link.close();
  });
});

// The client's limit is 30 s: its timer is made to end early. Nothing runs beside it.
test("recovery given up after 30 s: disconnected, then a new connection", async (t) => {
  const timeout = AbortSignal.timeout;
  const asked = [];
  t.mock.method(AbortSignal, "timeout", (ms) => { asked.push(ms); return timeout.call(AbortSignal, 2500); });
  const link = await new Link().listen();
  const hub = newHub();
  const c = await client(service(hub, link.endpoint)).up();
  await c.joinGroup("g");
  link.cut();
  await until(() => c.of("disconnected").length === 1, "disconnected");
  assert.deepEqual(asked, [30_000]);
  assert.equal(link.refused >= 3, true, `${link.refused} attempts`);
  link.mend();
  await c.connected(2);
  assert.ok(!opened(hub).some(({ url }) => url.includes("awps_")), "the first session was not asked for again");
  await c.sendToGroup("g", "rejoined", "text");
  assert.deepEqual(c.fromGroup().map((m) => [m.data, m.sequenceId]), [["rejoined", 1]]);
  await stop(c);
  link.close();
});
