// @azure/web-pubsub against the emulator: every operation of protocol.md 7.4, by
// its row, and what it does to the clients.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { AzureKeyCredential, WebPubSubServiceClient } from "@azure/web-pubsub";
import { accessKey, client, endpoint, everyRole, newHub, plain, service, stop, until } from "./lib.mjs";

const status = (want) => (e) => { assert.equal(e.statusCode, want, e.message); return true; };

// operation gives its body two users: "u1" with the connections a (reliable) and
// b, and "u 2+ü" with c.
function operation(name, body) {
  test(name, async () => {
    const svc = service(newHub());
    const a = await client(svc, { token: { userId: "u1" } }).up();
    const b = await client(svc, { reliable: false, token: { userId: "u1" } }).up();
    const c = await client(svc, { reliable: false, token: { userId: "u 2+ü" } }).up();
    await body({ svc, a, b, c, id: { a: a.connectionId(), b: b.connectionId(), c: c.connectionId() } });
    await stop(a, b, c);
  });
}

const data = (messages) => messages.map((m) => (m.data instanceof ArrayBuffer ? [...new Uint8Array(m.data)] : m.data));
const server = (c) => data(c.fromServer());
const group = (c) => data(c.fromGroup());

// settled says what came so far: what is sent last reaches a client last, because
// one connection gets the messages in the order of the requests.
async function settled(svc, ...clients) {
  for (const c of clients) {
    await svc.sendToConnection(c.connectionId(), "end", plain);
    await until(() => server(c).at(-1) === "end", "the last message");
  }
}

async function list(svc, name, options) {
  const members = [];
  for await (const m of await svc.group(name).listConnections(options)) members.push(m);
  return members;
}

describe("operations", { concurrency: 6 }, () => {
  test("1 health", async () => {
    const response = await fetch(`${endpoint}/api/health`, { method: "HEAD" });
    assert.equal(response.status, 200);
  });

  operation("2 sendToAll: json, text, binary", async ({ svc, a, b, c }) => {
    await svc.sendToAll({ hello: "wörld" });
    await svc.sendToAll("plain é", plain);
    await svc.sendToAll(new Uint8Array([1, 2, 255]).buffer);
    await svc.sendToAll("a JSON string");
    await svc.sendToAll(5);
    for (const x of [a, b, c]) {
      await until(() => server(x).length === 5, "five messages");
      assert.deepEqual(server(x), [{ hello: "wörld" }, "plain é", [1, 2, 255], "a JSON string", 5]);
      assert.deepEqual(x.fromServer().map((m) => m.dataType), ["json", "text", "binary", "json", "json"]);
    }
  });

  operation("2 sendToAll: excluded, TTL", async ({ svc, a, b, c, id }) => {
    await svc.sendToAll("not a, not c", { ...plain, excludedConnections: [id.a, id.c], messageTtlSeconds: 30 });
    await assert.rejects(svc.sendToAll("x", { ...plain, messageTtlSeconds: 301 }), status(400));
    await settled(svc, a, b, c);
    assert.deepEqual([server(a), server(b), server(c)], [["end"], ["not a, not c", "end"], ["end"]]);
  });

  operation("2 sendToAll: filter", async ({ svc, a, b, c }) => {
    await svc.sendToAll("to u1", { ...plain, filter: "userId eq 'u1'" });
    await assert.rejects(svc.sendToAll("x", { ...plain, filter: "userId eq" }), status(400));
    await settled(svc, a, b, c);
    assert.deepEqual([server(a), server(b), server(c)], [["to u1", "end"], ["to u1", "end"], ["end"]]);
  });

  operation("3 group.sendToAll: excluded, no member", async ({ svc, a, b, c, id }) => {
    const g = svc.group("g ü+1");
    await g.sendToAll("nobody", plain);
    await g.addConnection(id.a);
    await g.addConnection(id.b);
    await g.sendToAll({ in: "group" });
    await g.sendToAll("not b", { ...plain, excludedConnections: [id.b], messageTtlSeconds: 0 });
    await settled(svc, a, b, c);
    assert.deepEqual([group(a), group(b), group(c)], [[{ in: "group" }, "not b"], [{ in: "group" }], []]);
    const { group: name, fromUserId } = a.fromGroup()[0];
    assert.equal(name, "g ü+1");
    assert.equal(fromUserId ?? null, null);
  });

  operation("3 group.sendToAll: an escaped slash stays escaped (7.1)", async ({ svc, a, id }) => {
    await svc.group("g/1").addConnection(id.a);
    await svc.group("g/1").sendToAll("x", plain);
    await settled(svc, a);
    assert.deepEqual(a.fromGroup().map((m) => m.group), ["g%2F1"]);
  });

  operation("3 group.sendToAll: filter", async ({ svc, a, b, id }) => {
    const g = svc.group("g");
    await g.addConnection(id.a);
    await g.addConnection(id.b);
    await g.sendToAll("a", { ...plain, filter: `connectionId eq '${id.a}'` });
    await settled(svc, a, b);
    assert.deepEqual([group(a), group(b)], [["a"], []]);
  });

  operation("4 sendToUser: all connections of the user, a missing one", async ({ svc, a, b, c }) => {
    await svc.sendToUser("u 2+ü", "two", plain);
    await svc.sendToUser("u1", { to: "u1" });
    await svc.sendToUser("missing", "x", plain);
    await settled(svc, a, b, c);
    assert.deepEqual([server(a), server(b), server(c)], [[{ to: "u1" }, "end"], [{ to: "u1" }, "end"], ["two", "end"]]);
  });

  operation("4 sendToUser: filter", async ({ svc, a, b, id }) => {
    await svc.sendToUser("u1", "b", { ...plain, filter: `connectionId eq '${id.b}'` });
    await settled(svc, a, b);
    assert.deepEqual([server(a), server(b)], [["end"], ["b", "end"]]);
  });

  operation("5 sendToConnection: a missing one is no error", async ({ svc, a, b, id }) => {
    await svc.sendToConnection(id.a, "one", plain);
    await svc.sendToConnection("missing", "x", plain);
    await settled(svc, a, b);
    assert.deepEqual([server(a), server(b)], [["one", "end"], ["end"]]);
  });

  operation("6-8 connectionExists, groupExists, userExists", async ({ svc, a, c, id }) => {
    await svc.group("g").addConnection(id.a);
    const exists = () => Promise.all([
      svc.connectionExists(id.a), svc.connectionExists("missing"), svc.groupExists("g"), svc.groupExists("missing"), svc.userExists("u 2+ü"), svc.userExists("missing"),
    ]);
    assert.deepEqual(await exists(), [true, false, true, false, true, false]);
    await svc.closeConnection(id.a);
    await svc.closeUserConnections("u 2+ü");
    assert.equal(await svc.connectionExists(id.a), false);
    assert.equal(await svc.groupExists("g"), false, "its last member is gone");
    for (const x of [a, c]) await x.connected(2); // stop() needs a socket
  });

  operation("9 closeConnection: reason, a missing one", async ({ svc, a, b, id }) => {
    await svc.closeConnection(id.a, { reason: "because" });
    await svc.closeConnection("missing");
    await a.connected(2);
    assert.equal(a.of("disconnected")[0].message.message, "Application server closed the connection. Reason: because");
    assert.equal(b.of("disconnected").length, 0);
  });

  // The SDK's types do not name excluded for 10-12, but it passes it on.
  operation("10 closeAllConnections: excluded", async ({ svc, a, b, c, id }) => {
    await svc.closeAllConnections({ excluded: [id.b] });
    await a.connected(2);
    await c.connected(2);
    assert.equal(a.of("disconnected")[0].message.message, "Application server closed the connection.");
    assert.equal(b.of("disconnected").length, 0);
  });

  operation("11 group.closeAllConnections: excluded, reason", async ({ svc, a, b, c, id }) => {
    const g = svc.group("g");
    for (const x of [id.a, id.b]) await g.addConnection(x);
    await g.closeAllConnections({ excluded: [id.b], reason: "group" });
    await a.connected(2);
    assert.equal(a.of("disconnected")[0].message.message, "Application server closed the connection. Reason: group");
    assert.deepEqual([b.of("disconnected").length, c.of("disconnected").length], [0, 0]);
  });

  operation("12 closeUserConnections: excluded, reason", async ({ svc, a, b, c, id }) => {
    await svc.closeUserConnections("u1", { excluded: [id.b], reason: "user" });
    await a.connected(2);
    assert.equal(a.of("disconnected")[0].message.message, "Application server closed the connection. Reason: user");
    assert.deepEqual([b.of("disconnected").length, c.of("disconnected").length], [0, 0]);
  });

  operation("13 group.addConnection: twice, a missing one", async ({ svc, a, id }) => {
    const g = svc.group("g");
    await g.addConnection(id.a);
    await g.addConnection(id.a);
    await g.sendToAll("once", plain);
    await settled(svc, a);
    assert.deepEqual(group(a), ["once"]);
    await assert.rejects(g.addConnection("missing"), (e) => {
      assert.equal(e.statusCode, 404);
      assert.equal(e.code, "Error.Connection.NotExisted");
      return true;
    });
  });

  operation("14 group.removeConnection: a member, no member, a missing one", async ({ svc, id }) => {
    const g = svc.group("g");
    await g.addConnection(id.a);
    await g.removeConnection(id.a);
    await g.removeConnection(id.a);
    await g.removeConnection("missing");
    assert.equal(await svc.groupExists("g"), false);
  });

  operation("15 group.addUser: every present connection, a missing user", async ({ svc, a, b, c }) => {
    const g = svc.group("g");
    await g.addUser("u1");
    await g.sendToAll("x", plain);
    await settled(svc, a, b, c);
    assert.deepEqual([group(a), group(b), group(c)], [["x"], ["x"], []]);
    await assert.rejects(g.addUser("missing"), status(404));
  });

  operation("16 group.removeUser", async ({ svc, id }) => {
    const g = svc.group("g");
    for (const x of [id.a, id.b]) await g.addConnection(x);
    await g.removeUser("u1");
    await g.removeUser("missing");
    assert.equal(await svc.groupExists("g"), false);
  });

  operation("17 removeUserFromAllGroups", async ({ svc, id }) => {
    for (const [name, x] of [["g", id.a], ["h", id.b], ["i", id.c]]) await svc.group(name).addConnection(x);
    await svc.removeUserFromAllGroups("u1");
    await svc.removeUserFromAllGroups("missing");
    assert.deepEqual(await Promise.all(["g", "h", "i"].map((name) => svc.groupExists(name))), [false, false, true]);
  });

  operation("18 removeConnectionFromAllGroups", async ({ svc, id }) => {
    for (const [name, x] of [["g", id.a], ["h", id.a], ["i", id.b]]) await svc.group(name).addConnection(x);
    await svc.removeConnectionFromAllGroups(id.a);
    await svc.removeConnectionFromAllGroups("missing");
    assert.deepEqual(await Promise.all(["g", "h", "i"].map((name) => svc.groupExists(name))), [false, false, true]);
  });

  operation("19 addConnectionsToGroups: filter", async ({ svc, a, b, c }) => {
    await svc.addConnectionsToGroups(["g", "h"], "userId eq 'u1'");
    for (const name of ["g", "h"]) await svc.group(name).sendToAll(name, plain);
    await settled(svc, a, b, c);
    assert.deepEqual([group(a), group(b), group(c)], [["g", "h"], ["g", "h"], []]);
    await assert.rejects(svc.addConnectionsToGroups(["g"], "no filter"), status(400));
  });

  operation("20 removeConnectionsFromGroups: filter", async ({ svc, a, b, id }) => {
    for (const x of [id.a, id.b]) await svc.group("g").addConnection(x);
    await svc.removeConnectionsFromGroups(["g", "missing"], `connectionId eq '${id.a}'`);
    await svc.group("g").sendToAll("x", plain);
    await settled(svc, a, b);
    assert.deepEqual([group(a), group(b)], [[], ["x"]]);
  });

  operation("21 group.listConnections: pages, top, empty", async ({ svc, id }) => {
    const members = [[id.a, "u1"], [id.b, "u1"], [id.c, "u 2+ü"]].map(([connectionId, userId]) => ({ connectionId, userId }));
    for (const { connectionId } of members) await svc.group("g").addConnection(connectionId);
    members.sort((x, y) => (x.connectionId < y.connectionId ? -1 : 1));
    const pairs = (found) => found.map(({ connectionId, userId }) => ({ connectionId, userId }));
    assert.deepEqual(pairs(await list(svc, "g")), members);
    assert.deepEqual(pairs(await list(svc, "g", { maxPageSize: 2 })), members, "two pages");
    assert.deepEqual(pairs(await list(svc, "g", { top: 2 })), members.slice(0, 2));
    assert.deepEqual(await list(svc, "missing"), []);
  });

  operation("22-24 grantPermission, hasPermission, revokePermission", async ({ svc, id }) => {
    const c = await client(svc, { token: { roles: [] } }).up();
    const target = { targetName: "g" };
    const has = () => svc.hasPermission(c.connectionId(), "sendToGroup", target);
    assert.equal(await has(), false);
    await svc.grantPermission(c.connectionId(), "sendToGroup", target);
    assert.equal(await has(), true);
    assert.equal(await svc.hasPermission(c.connectionId(), "joinLeaveGroup", target), false);
    await c.sendToGroup("g", "x", "text");
    await assert.rejects(c.sendToGroup("other", "x", "text"), /Failed to send message/);
    await svc.revokePermission(c.connectionId(), "sendToGroup", target);
    assert.equal(await has(), false);
    await assert.rejects(c.sendToGroup("g", "x", "text"), /Failed to send message/);
    assert.equal(await svc.hasPermission(id.a, "sendToGroup", target), true, "by the role of its token");
    await assert.rejects(svc.grantPermission("missing", "sendToGroup", target), status(404));
    await stop(c);
  });

  // Row 25 is for Microsoft Entra callers; holders of the key sign by themselves.
  operation("25 getClientAccessToken: user, roles, groups, expiry", async ({ svc }) => {
    const { token, url, baseUrl } = await svc.getClientAccessToken({ userId: "x", roles: everyRole, groups: ["g"], expirationTimeInMinutes: 5 });
    assert.equal(url, `${baseUrl}?access_token=${token}`);
    const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    assert.equal(claims.exp - claims.iat, 300);
    const c = await client({ getClientAccessToken: async () => ({ url }) }).up();
    assert.equal(c.of("connected")[0].userId, "x");
    assert.equal(await svc.groupExists("g"), true);
    await stop(c);
  });
});

describe("authorization", () => {
  const by = (key, hub) => new WebPubSubServiceClient(endpoint, new AzureKeyCredential(key), hub, { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } });

  test("endpoint and AzureKeyCredential", async () => {
    await by(accessKey, newHub()).sendToAll("x", plain);
  });

  test("another key: 401 for requests and clients", async () => {
    const svc = by(accessKey.toLowerCase(), newHub());
    await assert.rejects(svc.sendToAll("x", plain), status(401));
    await assert.rejects(client(svc).start(), /401/);
  });

  test("hub names in any case are one hub", async () => {
    const hub = `${newHub()}_Mixed`;
    const clients = [await client(service(hub)).up(), await client(service(hub.toLowerCase())).up()];
    await service(hub.toUpperCase()).sendToAll("x", plain);
    for (const c of clients) await until(() => c.fromServer().length === 1, "the message");
    await stop(...clients);
  });

  test("a hub name the service does not allow: 400", async () => {
    await assert.rejects(service("1x").sendToAll("x", plain), status(400));
  });
});
