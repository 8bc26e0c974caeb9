// @azure/web-pubsub-client against the emulator: every method and event, and the
// behaviours of protocol.md 9.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { client, closed, everyRole, Link, newHub, opened, plain, sent, service, sleep, stop, until, wireOf } from "./lib.mjs";

const bytes = (...b) => new Uint8Array(b).buffer;
const failsWith = (name, message) => (e) => {
  assert.equal(e.name, "SendMessageError");
  assert.equal(e.errorDetail.name, name);
  if (message) assert.equal(e.errorDetail.message, message);
  return true;
};
const count = (n) => Array.from({ length: n }, (_, i) => i + 1);
const retry = { messageRetryOptions: { maxRetries: 3, retryDelayInMs: 1000 } };

for (const [protocol, reliable] of [["json.reliable", true], ["json", false]]) {
  describe(protocol, { concurrency: 4 }, () => {
    test("connected, disconnected, stopped", async () => {
      const hub = newHub();
      const svc = service(hub);
      const c = await client(svc, { reliable, token: { userId: "alice" } }).up();
      assert.equal(c.of("connected")[0].userId, "alice");
      const id = c.connectionId();
      assert.equal(await svc.connectionExists(id), true);
      assert.equal(await svc.userExists("alice"), true);
      await stop(c);
      assert.deepEqual(c.log.map(([name]) => name), ["connected", "disconnected", "stopped"]);
      assert.equal(c.of("disconnected")[0].connectionId, id);
      // stop() sends a close frame without a code: a plain connection is over, a
      // reliable session waits for its recovery (protocol.md 4.6).
      assert.deepEqual(closed(hub), [{ code: 1005, reason: "" }]);
      await until(async () => (await svc.connectionExists(id)) === reliable, "the connection's fate");
      assert.equal(await svc.userExists("alice"), reliable);
    });

    test("joinGroup, sendToGroup, leaveGroup: every data type and option", async () => {
      const hub = newHub();
      const svc = service(hub);
      const a = await client(svc, { reliable, token: { userId: "a" } }).up();
      const b = await client(svc, { reliable }).up(); // anonymous
      assert.deepEqual(await a.joinGroup("room"), { ackId: 1, isDuplicated: false });
      await a.joinGroup("room"); // twice is no error
      await b.joinGroup("room");
      const json = { x: [1, "ü\u2028\u0000\"\\", null, true, 1e-7, 2 ** 70], "": {} };
      assert.equal((await a.sendToGroup("room", json, "json")).isDuplicated, false);
      assert.equal(a.fromGroup().length, 1, "the echo comes before the ack");
      for (const value of ["text", 7, true, [], {}, 0, "", false]) await a.sendToGroup("room", value, "json");
      await a.sendToGroup("room", "é 😀\n\t\u0001", "text");
      await a.sendToGroup("room", "", "text");
      await a.sendToGroup("room", bytes(0, 255, 1, 128), "binary");
      await a.sendToGroup("room", bytes(), "binary");
      await a.sendToGroup("room", "no echo", "text", { noEcho: true });
      await a.sendToGroup("room", "forget", "text", { fireAndForget: true });
      await a.sendToGroup("room", "forget, no echo", "text", { fireAndForget: true, noEcho: true });
      await a.sendToGroup("nobody's", "x", "text");
      await b.sendToGroup("room", "from b", "text");
      for (const c of [a, b]) await until(() => c.fromGroup().at(-1).data === "from b", "from b");

      const data = (c) => c.fromGroup().map((m) => (m.data instanceof ArrayBuffer ? [...new Uint8Array(m.data)] : m.data));
      const all = [json, "text", 7, true, [], {}, 0, "", false, "é 😀\n\t\u0001", "", [0, 255, 1, 128], [], "no echo", "forget", "forget, no echo", "from b"];
      assert.deepEqual(data(b), all);
      assert.deepEqual(data(a), all.filter((x) => x !== "no echo" && x !== "forget, no echo"));
      const { group, fromUserId, dataType } = b.fromGroup()[0];
      assert.deepEqual({ group, fromUserId, dataType }, { group: "room", fromUserId: "a", dataType: "json" });
      assert.equal(a.fromGroup().at(-1).fromUserId ?? null, null, "anonymous");
      assert.deepEqual(b.fromGroup().map((m) => m.sequenceId), all.map((_, i) => (reliable ? i + 1 : undefined)));

      await b.leaveGroup("room");
      await b.leaveGroup("room");
      await a.sendToGroup("room", "after the leave", "text");
      await b.sendToGroup("elsewhere", "x", "text"); // its ack comes after what was on the way
      assert.equal(b.fromGroup().length, all.length);
      await stop(a, b);
    });

    test("server-message: to all, to the user, to the connection", async () => {
      const svc = service(newHub());
      const c = await client(svc, { reliable, token: { userId: "u" } }).up();
      await svc.sendToAll({ n: 1 });
      await svc.sendToUser("u", "two", plain);
      await svc.sendToConnection(c.connectionId(), bytes(3));
      await until(() => c.fromServer().length === 3, "three messages");
      assert.deepEqual(c.fromServer().map((m) => m.dataType), ["json", "text", "binary"]);
      assert.deepEqual(c.fromServer().map((m) => m.sequenceId), reliable ? [1, 2, 3] : [undefined, undefined, undefined]);
      await stop(c);
    });

    test("permission errors", async () => {
      const svc = service(newHub());
      const c = await client(svc, { reliable, token: { roles: ["webpubsub.joinLeaveGroup.a", "webpubsub.sendToGroup.b"] } }).up();
      await c.joinGroup("a");
      await c.sendToGroup("b", "x", "text");
      await assert.rejects(c.joinGroup("b"), failsWith("Forbidden", "The client does not have permission to join group 'b'."));
      await assert.rejects(c.leaveGroup("b"), failsWith("Forbidden", "The client does not have permission to leave group 'b'."));
      await assert.rejects(c.sendToGroup("a", "x", "text"), failsWith("Forbidden", "The client does not have permission to send to group 'a'."));
      await c.sendToGroup("a", "x", "text", { fireAndForget: true }); // a failure nobody asked about
      await c.sendToGroup("b", "x", "text");
      assert.deepEqual(c.fromGroup(), []);
      await stop(c);
    });

    test("duplicate ack ids", async () => {
      const svc = service(newHub());
      const c = await client(svc, { reliable }).up();
      await c.joinGroup("a", { ackId: 1 });
      assert.deepEqual(await c.joinGroup("a", { ackId: 1 }), { ackId: 1, isDuplicated: true });
      assert.equal((await c.leaveGroup("a", { ackId: 1 })).isDuplicated, true, "one store for all kinds");
      assert.equal(await svc.groupExists("a"), true, "the leave was not executed");
      const ackId = Number.MAX_SAFE_INTEGER;
      await c.sendToGroup("a", "x", "text", { ackId });
      assert.equal((await c.sendToGroup("a", "x", "text", { ackId })).isDuplicated, true);
      assert.equal(c.fromGroup().length, 1);
      await stop(c);
    });

    test("sendEvent without an event handler", async () => {
      const svc = service(newHub());
      const c = await client(svc, { reliable }).up();
      await assert.rejects(c.sendEvent("ev", "x", "text", { ackId: 7 }), failsWith("InternalServerError"));
      await assert.rejects(c.sendEvent("ev", { x: 1 }, "json", { ackId: 7 }), failsWith("InternalServerError"), "a failed id is free");
      await c.sendEvent("ev", bytes(1), "binary", { fireAndForget: true });
      await c.joinGroup("a"); // still connected
      await stop(c);
    });

    test("groups and role patterns of the token", async () => {
      const svc = service(newHub());
      const roles = ["webpubsub.sendToGroups.room.*", "webpubsub.joinLeaveGroups.**x", "nonsense", "webpubsub.sendToGroup."];
      const c = await client(svc, { reliable, token: { groups: ["g.1", "g 2+ü"], roles } }).up();
      await svc.group("g.1").sendToAll("one", plain);
      await svc.group("g 2+ü").sendToAll("two", plain);
      await until(() => c.fromGroup().length === 2, "two messages");
      assert.deepEqual(c.fromGroup().map((m) => [m.group, m.data]), [["g.1", "one"], ["g 2+ü", "two"]]);
      await c.sendToGroup("room.1", "x", "text");
      await assert.rejects(c.sendToGroup("room.1.2", "x", "text"), failsWith("Forbidden"));
      await c.joinGroup("a.b.x");
      await stop(c);
    });

    test("closed by the application: a new connection by a new URL, which rejoins", async () => {
      const hub = newHub();
      const svc = service(hub);
      const c = await client(svc, { reliable, token: { groups: ["token's"] } }).up();
      await c.joinGroup("room");
      await c.joinGroup("left");
      await c.leaveGroup("left");
      const first = c.connectionId();
      await svc.group("by rest").addConnection(first);
      await svc.closeConnection(first, { reason: "maintenance" });
      await c.connected(2);
      // The reliable client tries to recover even so, and is refused.
      const refused = { code: 1008, reason: "The connection could not be recovered." };
      assert.deepEqual(closed(hub), [{ code: 1000, reason: "" }, ...(reliable ? [refused] : [])]);
      const [{ connectionId, message }] = c.of("disconnected");
      assert.equal(connectionId, first);
      assert.equal(message.message, "Application server closed the connection. Reason: maintenance");
      assert.notEqual(c.connectionId(), first);
      assert.equal(c.urls.length, 2);
      assert.deepEqual(sent(hub, "joinGroup").map(({ message: m }) => [m.group, m.ackId]), [["room", 1], ["left", 2], ["room", 4]], "the ack counter goes on");
      for (const [group, want] of [["room", true], ["token's", true], ["left", false], ["by rest", false]]) {
        assert.equal(await svc.groupExists(group), want, group);
      }
      await svc.group("room").sendToAll("again", plain);
      await until(() => c.fromGroup().length === 1, "a message after the rejoin");
      await stop(c);
    });

    test("rejoin-group-failed, before connected", async () => {
      const svc = service(newHub());
      const token = { roles: everyRole };
      const c = await client(svc, { reliable, token }).up();
      await c.joinGroup("room");
      token.roles = [];
      await svc.closeConnection(c.connectionId());
      await c.connected(2);
      assert.deepEqual(c.log.map(([name]) => name), ["connected", "disconnected", "rejoin-group-failed", "connected"]);
      const [{ group, error }] = c.of("rejoin-group-failed");
      assert.equal(group, "room");
      failsWith("Forbidden")(error);
      await stop(c);
    });

    test("autoRejoinGroups: false, autoReconnect: false", async () => {
      const svc = service(newHub());
      const stays = await client(svc, { reliable, autoRejoinGroups: false }).up();
      await stays.joinGroup("room");
      await svc.closeConnection(stays.connectionId());
      await stays.connected(2);
      assert.equal(await svc.groupExists("room"), false);
      await stop(stays);
      const goes = await client(svc, { reliable, autoReconnect: false }).up();
      await svc.closeConnection(goes.connectionId());
      await until(() => goes.of("stopped").length === 1, "stopped");
      assert.equal(goes.urls.length, 1);
    });

    test("a first start that fails is the caller's", async () => {
      const svc = service(newHub());
      const c = client({ getClientAccessToken: async () => ({ url: (await svc.getClientAccessToken()).url + "x" }) }, { reliable });
      await assert.rejects(c.start(), /401/);
      assert.equal(c.urls.length, 1, "not retried");
    });
  });
}

test("json: a drop ends the connection; what comes meanwhile is not delivered", async () => {
  const link = await new Link().listen();
  const hub = newHub();
  const svc = service(hub);
  const c = await client(service(hub, link.endpoint), { reliable: false }).up();
  await c.joinGroup("room");
  const first = c.connectionId();
  link.cut();
  await until(async () => !(await svc.connectionExists(first)), "the end of the connection");
  await svc.group("room").sendToAll("missed", plain);
  link.mend();
  await c.connected(2);
  await svc.group("room").sendToAll("seen", plain);
  await until(() => c.fromGroup().length === 1, "a message");
  assert.equal(c.fromGroup()[0].data, "seen");
  assert.equal(c.of("disconnected").length, 1);
  assert.ok(c.urls.length >= 2, "every attempt asks for a URL");
  assert.ok(opened(hub).every((s) => !s.url.includes("awps_")), "nothing to recover");
  await stop(c);
  link.close();
});

describe("json.reliable: recovery", { concurrency: 6 }, () => {
  test("five forced drops lose nothing, in order, and nobody notices", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc).up();
    await c.joinGroup("room");
    const url = c.urls[0];
    const p = await client(svc, { reliable: false }).up();
    let n = 0;
    const publish = async () => { for (let i = 0; i < 20; i++) await p.sendToGroup("room", ++n, "json"); };
    for (let drop = 0; drop < 5; drop++) {
      await publish();
      opened(hub).at(drop === 0 ? 0 : -1).terminate();
      await publish();
      await until(() => c.fromGroup().length === n, `all ${n}`);
    }
    assert.deepEqual(c.fromGroup().map((m) => m.data), count(n));
    assert.deepEqual(c.fromGroup().map((m) => m.sequenceId), count(n));
    assert.deepEqual(c.log.filter(([name]) => name !== "group-message").map(([name]) => name), ["connected"]);
    assert.equal(c.urls.length, 1, "a recovery asks for no URL");
    const recoveries = opened(hub).filter((s) => s.url.includes("awps_connection_id"));
    assert.equal(recoveries.length, 5);
    for (const { url: u } of recoveries) {
      const query = new URL(u).searchParams;
      assert.equal(query.get("awps_connection_id"), c.connectionId());
      assert.ok(query.get("awps_reconnection_token"));
      assert.equal(query.get("access_token"), new URL(url).searchParams.get("access_token"), "the access token stays in it");
    }
    await c.sendToGroup("room", "still a member, and permitted", "text");
    await stop(c, p);
  });

  test("attempts go on at one per second while the service is away", async () => {
    const link = await new Link().listen();
    const hub = newHub();
    const svc = service(hub);
    const c = await client(service(hub, link.endpoint)).up();
    await c.joinGroup("room");
    link.cut();
    await svc.group("room").sendToAll("meanwhile", plain);
    await sleep(2500);
    assert.equal(link.refused, 3, "at once, after 1 s and after 2 s");
    link.mend();
    await until(() => c.fromGroup().length === 1, "the message");
    assert.deepEqual(c.log.map(([name]) => name), ["connected", "group-message"]);
    assert.equal(c.urls.length, 1);
    await stop(c);
    link.close();
  });

  test("refused, 101 then 1008: disconnected, a new connection, rejoined", async () => {
    const link = await new Link().listen();
    const hub = newHub();
    const svc = service(hub);
    const c = await client(service(hub, link.endpoint)).up();
    await c.joinGroup("room");
    await svc.group("room").sendToAll("one", plain);
    await until(() => c.fromGroup().length === 1, "one");
    const first = c.connectionId();
    link.cut();
    await svc.closeConnection(first);
    link.mend();
    await c.connected(2);
    assert.deepEqual(closed(hub).at(-1), { code: 1008, reason: "The connection could not be recovered." });
    assert.deepEqual(opened(hub).map((s) => s.url.includes("awps_connection_id")), [false, true, false]);
    assert.deepEqual(c.log.map(([name]) => name), ["connected", "group-message", "disconnected", "connected"]);
    assert.notEqual(c.connectionId(), first);
    assert.equal(c.urls.length, 2);
    await c.sendToGroup("room", "rejoined", "text");
    assert.deepEqual(c.fromGroup().map((m) => [m.data, m.sequenceId]), [["one", 1], ["rejoined", 1]], "a new connection counts anew");
    await stop(c);
    link.close();
  });

  test("a publish whose ack is lost: retried after 1 s with a new ack id, delivered twice", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc, retry).up();
    const reader = await client(svc).up();
    await reader.joinGroup("room");
    const [socket] = opened(hub);
    socket.removeAllListeners("message"); // the publish goes out, its ack does not come in
    const result = c.sendToGroup("room", "x", "text");
    await until(() => reader.fromGroup().length === 1, "the first delivery");
    socket.terminate();
    assert.deepEqual(await result, { ackId: 2, isDuplicated: false });
    const [one, two] = sent(hub, "sendToGroup");
    assert.deepEqual([one.message.ackId, two.message.ackId], [1, 2]);
    assert.ok(two.at - one.at > 900, `retried after ${two.at - one.at} ms`);
    await until(() => reader.fromGroup().length === 2, "both");
    await stop(c, reader);
  });

  test("with the caller's ack id the retry is a duplicate, delivered once", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc, retry).up();
    const reader = await client(svc).up();
    await reader.joinGroup("room");
    const [socket] = opened(hub);
    socket.removeAllListeners("message");
    const result = c.sendToGroup("room", "x", "text", { ackId: 9 });
    await until(() => reader.fromGroup().length === 1, "the first delivery");
    socket.terminate();
    assert.deepEqual(await result, { ackId: 9, isDuplicated: true });
    assert.equal(reader.fromGroup().length, 1);
    await stop(c, reader);
  });
});

describe("json.reliable: keeping up", { concurrency: 4 }, () => {
  test("one sequenceAck per second, when there is something new", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc).up();
    for (let i = 0; i < 25; i++) {
      await svc.sendToAll(i);
      await sleep(100);
    }
    await until(() => sent(hub, "sequenceAck").at(-1)?.message.sequenceId === 25, "the last sequenceAck");
    const acks = sent(hub, "sequenceAck");
    assert.ok(acks.length >= 2 && acks.length <= 5, `${acks.length} for 2.5 s of messages`);
    for (let i = 1; i < acks.length; i++) assert.ok(acks[i].at - acks[i - 1].at > 900, "a second apart");
    await sleep(1500);
    assert.equal(sent(hub, "sequenceAck").length, acks.length, "nothing new, no ack");
    await stop(c);
  });

  test("sequenceAck empties the replay buffer; 1,001 messages without one end the session", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc).up();
    await c.joinGroup("room");
    const p = await client(svc, { reliable: false }).up();
    const publish = async (n) => { for (let i = 0; i < n; i++) p.sendToGroup("room", i, "json", { fireAndForget: true }); };
    for (const burst of [1, 2]) {
      await publish(900);
      await until(() => c.fromGroup().length === burst * 900, "the burst");
      const last = burst * 900;
      await until(() => sent(hub, "sequenceAck").some(({ message }) => message.sequenceId === last), "its sequenceAck");
      await sleep(50);
    }
    assert.equal(c.of("disconnected").length, 0);
    const first = c.connectionId();
    c._trySendSequenceAck = async () => {};
    await publish(1001);
    await c.connected(2);
    assert.deepEqual(closed(hub), [{ code: 1008, reason: "The reliable message buffer is full." }]);
    assert.equal(c.fromGroup().length, 1800 + 1000);
    assert.equal(await svc.connectionExists(first), false);
    await stop(c, p);
  });

  test("ping keeps an idle connection; pong is understood", async () => {
    const hub = newHub();
    const svc = service(hub);
    const c = await client(svc, { keepAliveIntervalInMs: 200, keepAliveTimeoutInMs: 900 }).up();
    await sleep(2500);
    assert.ok(sent(hub, "ping").length >= 5, `${sent(hub, "ping").length} pings`);
    assert.deepEqual(closed(hub), []);
    assert.deepEqual(wireOf(hub).filter(({ what }) => what === "open").length, 1);
    await stop(c);
  });
});
