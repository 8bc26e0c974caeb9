// What @azure/web-pubsub gets for its requests: the status of every operation, with
// its target and without, error bodies, filters, pages, and requests through a proxy
// (protocol.md 7).
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { accessKey, client, endpoint, newHub, plain, service, stop, until } from "./lib.mjs";

// noted keeps what the SDK does not show of every response to svc: the status, also of
// those that it throws at, and the body.
function noted(svc) {
  svc.statuses = [];
  svc.bodies = [];
  svc.client.pipeline.addPolicy({
    name: "note",
    async sendRequest(request, next) {
      const response = await next(request);
      svc.statuses.push(response.status);
      svc.bodies.push(response.bodyAsText);
      return response;
    },
  }, { afterPhase: "Retry" });
  return svc;
}

const all = async (pages) => { const found = []; for await (const x of await pages) found.push(x); return found; };
const failsWith = (want) => (e) => {
  const { statusCode, code } = e;
  const body = e.response.bodyAsText ? JSON.parse(e.response.bodyAsText) : undefined;
  const header = e.response.headers.get("x-ms-error-code");
  assert.deepEqual({ statusCode, code, header, ...body }, { statusCode: want.statusCode, code: want.code, header: want.code, details: [], ...want });
  return true;
};
const badRequest = (message, target = "Request") => failsWith({ statusCode: 400, code: "Error.BadRequest", message, target });

describe("the status of every operation", { concurrency: 4 }, () => {
  const g = { targetName: "g" };
  for (const [name, want, call, missing = want] of [
    ["2 sendToAll", 202, (s) => s.sendToAll("x", plain)],
    ["3 group.sendToAll", 202, (s, { group }) => s.group(group).sendToAll("x", plain)],
    ["4 sendToUser", 202, (s, { user }) => s.sendToUser(user, "x", plain)],
    ["5 sendToConnection", 202, (s, { id }) => s.sendToConnection(id, "x", plain)],
    ["6 connectionExists", 200, (s, { id }) => s.connectionExists(id), 404],
    ["7 groupExists", 200, (s, { group }) => s.groupExists(group), 404],
    ["8 userExists", 200, (s, { user }) => s.userExists(user), 404],
    ["9 closeConnection", 204, (s, { id }) => s.closeConnection(id)],
    ["10 closeAllConnections", 204, (s) => s.closeAllConnections()],
    ["11 group.closeAllConnections", 204, (s, { group }) => s.group(group).closeAllConnections()],
    ["12 closeUserConnections", 204, (s, { user }) => s.closeUserConnections(user)],
    ["13 group.addConnection", 200, (s, { group, id }) => s.group(group).addConnection(id), 404],
    ["14 group.removeConnection", 204, (s, { group, id }) => s.group(group).removeConnection(id)],
    ["15 group.addUser", 200, (s, { group, user }) => s.group(group).addUser(user), 404],
    ["16 group.removeUser", 204, (s, { group, user }) => s.group(group).removeUser(user)],
    ["17 removeUserFromAllGroups", 204, (s, { user }) => s.removeUserFromAllGroups(user)],
    ["18 removeConnectionFromAllGroups", 204, (s, { id }) => s.removeConnectionFromAllGroups(id)],
    ["19 addConnectionsToGroups", 200, (s, { user }) => s.addConnectionsToGroups(["h"], `userId eq '${user}'`)],
    ["20 removeConnectionsFromGroups", 200, (s, { user }) => s.removeConnectionsFromGroups(["g"], `userId eq '${user}'`)],
    ["21 group.listConnections", 200, (s, { group }) => all(s.group(group).listConnections())],
    ["22 grantPermission", 200, (s, { id }) => s.grantPermission(id, "joinLeaveGroup", g), 404],
    ["23 revokePermission", 204, (s, { id }) => s.revokePermission(id, "joinLeaveGroup", g)],
    ["24 hasPermission", 200, (s, { id }) => s.hasPermission(id, "joinLeaveGroup", g), 404],
  ]) {
    test(name, async () => {
      const svc = noted(service(newHub()));
      await call(svc, { id: "missing", user: "missing", group: "missing" }).catch((e) => assert.equal(e.statusCode, missing, e.message));
      assert.deepEqual(svc.statuses, [missing], "of what is missing");
      const c = await client(svc, { autoReconnect: false, token: { userId: "u", groups: ["g"] } }).up();
      await call(svc, { id: c.connectionId(), user: "u", group: "g" });
      assert.deepEqual(svc.statuses, [missing, want]);
      c.stop();
    });
  }

  test("24 hasPermission: 404 without it", async () => {
    const svc = noted(service(newHub()));
    const c = await client(svc, { token: { roles: [] } }).up();
    assert.equal(await svc.hasPermission(c.connectionId(), "sendToGroup", g), false);
    assert.deepEqual(svc.statuses, [404]);
    await stop(c);
  });
});

describe("errors", { concurrency: 4 }, () => {
  const svc = service(newHub());
  const missing = (code) => failsWith({ statusCode: 404, code, message: "Connection `c9` is not found.", target: "Connection" });

  for (const [name, call, want] of [
    ["a hub's name", () => service("1x").sendToAll("x", plain), badRequest("Invalid hub name.", "hub")],
    ["a group's name", () => svc.group(" ").sendToAll("x", plain), badRequest("Invalid group name.", "group")],
    ["a group's name of 1,025 characters", () => svc.group("g".repeat(1025)).sendToAll("x", plain), badRequest("Invalid group name.", "group")],
    ["messageTtlSeconds", () => svc.sendToAll("x", { ...plain, messageTtlSeconds: 301 }), badRequest("Invalid messageTtlSeconds.", "messageTtlSeconds")],
    ["a body above 1 MiB", () => svc.sendToAll("x".repeat((1 << 20) + 1), plain), badRequest("Invalid Content-Length header.")],
    ["a connection to add to a group", () => svc.group("g").addConnection("c9"), missing("Error.Connection.NotExisted")],
    ["a connection to give a permission", () => svc.grantPermission("c9", "sendToGroup", { targetName: "g" }), missing("Info.Connection.NotExisted")],
  ]) {
    test(name, () => assert.rejects(call(), want));
  }

  test("the limits themselves are allowed", async () => {
    await svc.group("g".repeat(1024)).sendToAll("x", { ...plain, messageTtlSeconds: 300 });
    await svc.sendToAll("x".repeat(1 << 20), plain);
  });

  test("a permission without a target", async () => {
    const c = await client(svc).up();
    const no = (e) => { assert.equal(e.statusCode, 400); assert.equal(e.code, "Error.BadRequest"); return true; };
    await assert.rejects(svc.grantPermission(c.connectionId(), "sendToGroup"), no);
    await assert.rejects(svc.revokePermission(c.connectionId(), "sendToGroup"), no);
    await stop(c);
  });

  test("401 has no body", async () => {
    const other = new WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=${"x".repeat(44)};`, newHub(), { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } });
    await assert.rejects(other.sendToAll("x", plain), (e) => {
      assert.equal(e.statusCode, 401);
      assert.equal(e.response.bodyAsText, "");
      return true;
    });
  });
});

// Who gets what is sent to all with a filter: a (reliable, user u1, groups room, x
// and y), b (u1), c (user "u 2+ü", room), d (anonymous), e (user o'brien).
test("filters", async () => {
  const svc = service(newHub());
  const up = (userId, groups = [], reliable = false) => client(svc, { reliable, token: { userId, groups } }).up();
  const everybody = { a: await up("u1", ["room", "x", "y"], true), b: await up("u1"), c: await up("u 2+ü", ["room"]), d: await up(), e: await up("o'brien") };
  const id = Object.fromEntries(Object.entries(everybody).map(([name, c]) => [name, c.connectionId()]));
  for (const [filter, want] of [
    ["userId eq null", "d"],
    ["userId ne null", "abce"],
    ["userId eq 'u1'", "ab"],
    ["userId eq 'o''brien'", "e"],
    ["'room' in groups and not startswith(userId,'u1')", "c"],
    ["length(groups) gt 2", "a"],
    ["length(groups) ge 1", "ac"],
    ["length(groups) lt 1", "bde"],
    ["length(groups) le 1", "bcde"],
    ["length(userId) lt 100", "abce"], // null compares false
    ["not (length(userId) lt 100)", "d"],
    [`connectionId in ('${id.a}','${id.d}','none')`, "ad"],
    ["(userId eq 'u1' or userId eq null) and not ('x' in groups)", "bd"],
    ["userId eq 'u1' or userId eq null and 'x' in groups", "ab"],
    ["toupper(userId) eq 'U1'", "ab"],
    ["tolower('U1') eq userId", "ab"],
    ["trim('  u1 ') eq userId", "ab"],
    ["contains(userId,'2+')", "c"],
    ["endswith(userId,'ü')", "c"],
    ["indexof(userId,'1') eq 1", "ab"],
    ["concat(userId,'!') eq 'u1!'", "ab"],
    ["substring(userId,1) eq '1'", "ab"],
    ["substring(userId,0,1) eq 'u'", "abc"],
    ["protocol eq 'json.reliable.webpubsub.azure.v1'", "a"],
    ["1 eq 1", "abcde"],
    ["userId eq 'U1'", ""],
  ]) {
    await svc.sendToAll(filter, { ...plain, filter });
    for (const c of Object.values(everybody)) {
      await svc.sendToConnection(c.connectionId(), "end", plain);
      await until(() => c.fromServer().at(-1)?.data === "end", "the last message");
    }
    const got = Object.entries(everybody).filter(([, c]) => c.fromServer().at(-2)?.data === filter).map(([name]) => name).join("");
    assert.equal(got, want, filter);
    for (const c of Object.values(everybody)) assert.equal(c.fromServer().filter((m) => m.data === filter).length <= 1, true, "no copy twice");
  }
  const before = everybody.a.fromServer().length;
  for (const filter of ["userId eq", "userId", "name eq 'u1'", "userId eq 'u1", "(userId eq 'u1'", "userId = 'u1'", "length(userId,1) eq 1", "reverse(userId) eq '1u'", "userId eq 'u1' xor true", "1"]) {
    for (const call of [
      () => svc.sendToAll("x", { ...plain, filter }),
      () => svc.group("room").sendToAll("x", { ...plain, filter }),
      () => svc.sendToUser("u1", "x", { ...plain, filter }),
      () => svc.addConnectionsToGroups(["new"], filter),
      () => svc.removeConnectionsFromGroups(["room"], filter),
    ]) await assert.rejects(call(), (e) => e.statusCode === 400 && e.code === "Error.BadRequest", filter);
  }
  await svc.sendToConnection(id.a, "end", plain);
  await until(() => everybody.a.fromServer().length > before, "the last message");
  assert.equal(everybody.a.fromServer().length, before + 1, "nothing was sent");
  assert.deepEqual([await svc.groupExists("new"), (await all(svc.group("room").listConnections())).length], [false, 2], "nor a group changed");
  await stop(...Object.values(everybody));
});

test("without a filter addConnectionsToGroups takes every connection of the hub", async () => {
  const svc = service(newHub());
  const both = [await client(svc).up(), await client(svc).up()];
  await svc.addConnectionsToGroups(["g", "h"]);
  for (const g of ["g", "h"]) assert.equal((await all(svc.group(g).listConnections())).length, 2);
  await svc.removeConnectionsFromGroups(["g"]);
  assert.deepEqual([await svc.groupExists("g"), await svc.groupExists("h")], [false, true]);
  await stop(...both);
});

test("pages: every size, a limit over several, and where they are resumed", async () => {
  const svc = noted(service(newHub()));
  const members = [];
  for (let i = 0; i < 7; i++) members.push(await client(svc, { reliable: false, token: { userId: i ? `u${i}` : undefined, groups: ["g"] } }).up());
  const ids = members.map((c) => c.connectionId()).sort();
  const g = svc.group("g");
  const pages = async (options) => (await all((await g.listConnections(options)).byPage())).map((page) => page.map(({ connectionId }) => connectionId));
  const split = (n, of = ids) => Array.from({ length: Math.ceil(of.length / n) }, (_, i) => of.slice(i * n, (i + 1) * n));
  for (const maxPageSize of [1, 2, 3, 6, 7, 8, 200]) {
    svc.statuses.length = 0;
    const want = split(maxPageSize);
    assert.deepEqual(await pages({ maxPageSize }), want, `${maxPageSize} a page`);
    assert.equal(svc.statuses.length, want.length, "no request more");
  }
  assert.deepEqual(await pages({}), [ids], "200 a page unless told");
  for (const top of [1, 3, 4, 7, 9]) assert.deepEqual(await pages({ top, maxPageSize: 2 }), split(2, ids.slice(0, top)), `top ${top}`);
  await (await g.listConnections({ maxPageSize: 3 })).byPage().next();
  const { nextLink } = JSON.parse(svc.bodies.at(-1));
  const continuationToken = new URL(nextLink, endpoint).searchParams.get("continuationToken");
  assert.deepEqual(await pages({ maxPageSize: 3, continuationToken }), split(3).slice(1), "resumed");
  assert.equal(JSON.parse(svc.bodies.at(-1)).nextLink ?? null, null, "the last page leads nowhere");
  const anonymous = (await all(g.listConnections())).filter(({ userId }) => userId == null).map(({ connectionId }) => connectionId);
  assert.deepEqual(anonymous, [members[0].connectionId()]);
  for (const options of [{ maxPageSize: 201 }, { maxPageSize: 0 }, { top: 0 }, { top: -1 }]) {
    await assert.rejects(all(g.listConnections(options)), (e) => e.statusCode === 400 && e.code === "Error.BadRequest", JSON.stringify(options));
  }
  await stop(...members);
});

test("metadata and the type of the body, by headers of the caller", async () => {
  const svc = service(newHub());
  const c = await client(svc).up();
  const headers = (customHeaders) => ({ ...plain, requestOptions: { customHeaders } });
  await svc.sendToConnection(c.connectionId(), "x", headers({ "X-WebPubSub-Metadata-Trace-Id": "t1", "x-webpubsub-metadata-b": "2" }));
  await svc.group("g").addConnection(c.connectionId());
  await svc.group("g").sendToAll("x", headers({ "X-WebPubSub-Metadata-A": "1" }));
  await until(() => c.fromServer().length + c.fromGroup().length === 2, "both");
  assert.deepEqual(c.fromServer()[0].metadata, { "trace-id": "t1", b: "2" });
  assert.deepEqual(c.fromGroup()[0].metadata, { a: "1" });
  await stop(c);
});

// The SDK signs for the service and sends to the proxy, which passes the request on
// to the service under its own name (protocol.md 7.2).
test("through a reverse proxy", async () => {
  const { host, hostname, port } = new URL(endpoint);
  const paths = [];
  const proxy = http.createServer((req, res) => {
    paths.push(req.url.split("?")[0]);
    const on = http.request({ hostname, port, method: req.method, path: req.url, headers: { ...req.headers, host } }, (r) => {
      res.writeHead(r.statusCode, r.headers);
      r.pipe(res);
    });
    req.pipe(on);
  });
  await new Promise((ok) => proxy.listen(0, "127.0.0.1", ok));
  const hub = newHub();
  const reverseProxyEndpoint = `http://127.0.0.1:${proxy.address().port}`;
  const svc = new WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=${accessKey};Version=1.0;`, hub, { allowInsecureConnection: true, reverseProxyEndpoint });
  const c = await client(service(hub), { token: { groups: ["g"] } }).up();
  await svc.sendToAll("x", plain);
  assert.equal(await svc.groupExists("g"), true);
  await until(() => c.fromServer().length === 1, "the message");
  assert.deepEqual(paths, [`/api/hubs/${hub}/:send`, `/api/hubs/${hub}/groups/g`]);
  await stop(c);
  proxy.close();
  proxy.closeAllConnections();
});
