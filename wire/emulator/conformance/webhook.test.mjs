// @azure/web-pubsub-express, the official middleware, handles the events of `wpsbench
// serve --event-handler` (protocol.md 8): what it is told, and what its answers do.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import WebSocket from "ws";
import { accessKey, client, everyRole, JSON_V1, newHub, plain, RELIABLE, service, stop, until, wireOf } from "./lib.mjs";
import { Application } from "./upstream.mjs";

const app = new Application();
before(() => app.start(process.env.WPSBENCH ?? "wpsbench"));
after(async () => assert.equal(await app.stop(), 0, "exit code of wpsbench serve"));

const signature = (id) => `sha256=${createHmac("sha256", accessKey).update(id).digest("hex")}`;
const failsWith = (name, message) => (e) => {
  assert.equal(e.name, "SendMessageError");
  assert.deepEqual(e.errorDetail, { name, message });
  return true;
};
const internal = failsWith("InternalServerError", "Internal server error");
const bytes = (...b) => new Uint8Array(b).buffer;
const list = (data) => (data instanceof ArrayBuffer || Buffer.isBuffer(data) ? [...new Uint8Array(data)] : data);

// withClaims signs what the server SDK has no options for.
function withClaims(hub, claims) {
  const part = (x) => Buffer.from(JSON.stringify(x)).toString("base64url");
  const url = `${app.endpoint}/client/hubs/${hub.name}`;
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ aud: url, exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`;
  const token = `${text}.${createHmac("sha256", accessKey).update(text).digest("base64url")}`;
  return { getClientAccessToken: async () => ({ url: `${url.replace("http", "ws")}?access_token=${token}` }) };
}

// raw connects a WebSocket and keeps what comes; its end is { status, body } if the
// upgrade was refused and { code, reason } later.
async function raw(svc, { token = {}, query = "", protocols = [], headers = {} } = {}) {
  const { url } = await svc.getClientAccessToken({ roles: everyRole, ...token });
  const ws = new WebSocket(url + query, protocols, { headers });
  const it = { ws, messages: [], end: undefined };
  ws.on("message", (data, binary) => it.messages.push(binary ? [...data] : data.toString()));
  ws.on("error", () => {});
  ws.on("close", (code, reason) => { it.end ??= { code, reason: reason.toString() }; });
  ws.on("unexpected-response", async (_, response) => {
    const chunks = await response.toArray();
    it.end = { status: response.statusCode, body: Buffer.concat(chunks).toString() };
  });
  it.opened = () => until(() => ws.readyState === WebSocket.OPEN || it.end, "the answer to the upgrade", 15_000);
  it.ended = () => until(() => it.end, "the end", 15_000);
  await it.opened();
  return it;
}

describe("validation", { concurrency: 4 }, () => {
  test("asked with OPTIONS before the first event, and not again for the next", async () => {
    const hub = app.hub({});
    await stop(await client(hub.svc, { reliable: false }).up(), await client(hub.svc, { reliable: false }).up());
    await until(() => hub.of("disconnected").length === 2, "the last event");
    const [first, ...rest] = hub.requests;
    assert.equal(first.method, "OPTIONS");
    assert.equal(first.path, `/api/webpubsub/hubs/${hub.name}/`);
    assert.equal(first.headers["webhook-request-origin"], "127.0.0.1", "the host without its port");
    assert.equal(first.headers["ce-awpsversion"], "1.0");
    assert.deepEqual(rest.map(({ method, headers }) => `${method} ${headers["ce-eventname"]}`).sort(),
      ["POST connect", "POST connect", "POST connected", "POST connected", "POST disconnected", "POST disconnected"]);
  });

  test("allowedEndpoints that name the service among others", async () => {
    const hub = app.hub({ allowedEndpoints: ["https://contoso.example", "http://127.0.0.1"] });
    await stop(await client(hub.svc, { reliable: false }).up());
  });

  test("allowedEndpoints of somebody else: no event is posted, no client connects", async () => {
    const hub = app.hub({ allowedEndpoints: ["https://contoso.example"] });
    await assert.rejects(client(hub.svc).start(), /500/);
    assert.deepEqual(hub.requests.map(({ method }) => method), ["OPTIONS"]);
  });

  test("a hub that the application does not handle: 500, no client connects", async () => {
    await assert.rejects(client(service(newHub(), app.endpoint)).start(), /500/);
  });
});

describe("connect", { concurrency: 8 }, () => {
  test("the request: context, claims, query, headers, subprotocols", async () => {
    const seen = [];
    const hub = app.hub({ handleConnect: (req, res) => { seen.push(req); res.success(); } });
    const it = await raw(withClaims(hub, { sub: "alice", role: everyRole, team: "red", badges: ["x", "y"], level: 7 }), {
      query: "&color=red&color=blue&empty=", protocols: [RELIABLE, "other"],
      headers: { "X-Custom": "1", Authorization: "Bearer secret" },
    });
    await until(() => it.messages.length === 1, "connected");
    const { connectionId } = JSON.parse(it.messages[0]);
    const [{ context, claims, query, queries, headers, subprotocols, clientCertificates }] = seen;
    assert.deepEqual(context, {
      signature: signature(connectionId), userId: "alice", hub: hub.name, connectionId, eventName: "connect",
      origin: "127.0.0.1", states: {}, clientProtocol: "default",
    });
    assert.deepEqual(claims, { team: ["red"], badges: ["x", "y"], level: ["7"] }, "what the service itself has no use for");
    assert.deepEqual(query, { color: ["red", "blue"], empty: [""] }, "without the access token");
    assert.deepEqual(queries, query);
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    assert.deepEqual(lower["x-custom"], ["1"]);
    assert.equal(lower.authorization, undefined);
    assert.deepEqual(subprotocols, [RELIABLE, "other"]);
    assert.deepEqual(clientCertificates, []);
    assert.doesNotMatch(JSON.stringify([query, headers]), /secret|access_token/);
    it.ws.close(1000);
  });

  test("the headers of 8.2, and one counter for all events of a connection", async () => {
    const hub = app.hub({ handleUserEvent: (req, res) => res.success() });
    const c = await client(hub.svc, { reliable: false, token: { userId: "al ice" } }).up();
    await until(() => hub.of("connected").length === 1, "connected");
    await c.sendEvent("Order.Placed_1-x", "42", "text");
    await stop(c);
    await until(() => hub.of("disconnected").length === 1, "disconnected");
    const posts = hub.requests.filter(({ method }) => method === "POST").map(({ headers }) => headers);
    const id = c.connectionId();
    assert.deepEqual(posts.map((h) => [h["ce-id"], h["ce-type"], h["ce-eventname"], h["content-type"].split(";")[0]]), [
      ["0", "azure.webpubsub.sys.connect", "connect", "application/json"],
      ["1", "azure.webpubsub.sys.connected", "connected", "application/json"],
      ["2", "azure.webpubsub.user.Order.Placed_1-x", "Order.Placed_1-x", "text/plain"],
      ["3", "azure.webpubsub.sys.disconnected", "disconnected", "application/json"],
    ]);
    for (const h of posts) {
      assert.deepEqual([h["ce-specversion"], h["ce-awpsversion"], h["webhook-request-origin"]], ["1.0", "1.0", "127.0.0.1"]);
      assert.equal(h["ce-source"], `/hubs/${hub.name}/client/${id}`);
      assert.deepEqual([h["ce-connectionid"], h["ce-hub"], h["ce-userid"]], [id, hub.name, "al ice"]);
      assert.equal(h["ce-signature"], signature(id));
      assert.match(h["ce-time"], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(h["ce-connectionstate"], undefined);
    }
    assert.deepEqual(posts.slice(1).map((h) => h["ce-subprotocol"]), Array(3).fill(JSON_V1));
  });

  for (const [name, answer] of [["204", undefined], ["200 with an empty object", {}]]) {
    test(`accepted with ${name}: as the token says`, async () => {
      const hub = app.hub({ handleConnect: (_, res) => res.success(answer) });
      const c = await client(hub.svc, { token: { userId: "u", groups: ["g"], roles: ["webpubsub.sendToGroup.a"] } }).up();
      assert.equal(c.of("connected")[0].userId, "u");
      assert.equal(await hub.svc.groupExists("g"), true);
      await c.sendToGroup("a", "x", "text");
      await stop(c);
    });
  }

  test("userId, groups and roles replace the token's", async () => {
    const hub = app.hub({ handleConnect: (_, res) => res.success({ userId: "boss", groups: ["h", "i"], roles: ["webpubsub.sendToGroup.b"] }) });
    const c = await client(hub.svc, { token: { userId: "u", groups: ["g"], roles: ["webpubsub.sendToGroup.a"] } }).up();
    assert.equal(c.of("connected")[0].userId, "boss");
    assert.deepEqual([await hub.svc.userExists("boss"), await hub.svc.userExists("u")], [true, false]);
    assert.deepEqual(await Promise.all(["g", "h", "i"].map((g) => hub.svc.groupExists(g))), [false, true, true]);
    await c.sendToGroup("b", "x", "text");
    await assert.rejects(c.sendToGroup("a", "x", "text"), failsWith("Forbidden", "The client does not have permission to send to group 'a'."));
    await until(() => hub.of("connected").length === 1, "connected");
    assert.equal(hub.of("connected")[0].headers["ce-userid"], "boss", "and later events say so");
    await stop(c);
  });

  test("no roles remove all, no groups leave the token's, an empty userId makes anonymous", async () => {
    const hub = app.hub({ handleConnect: (_, res) => res.success({ userId: "", groups: [], roles: [] }) });
    const c = await client(hub.svc, { token: { userId: "u", groups: ["g"] } }).up();
    assert.equal(c.of("connected")[0].userId || null, null);
    assert.equal(await hub.svc.userExists("u"), false);
    assert.equal(await hub.svc.groupExists("g"), true);
    await assert.rejects(c.joinGroup("a"), failsWith("Forbidden", "The client does not have permission to join group 'a'."));
    await assert.rejects(c.sendToGroup("a", "x", "text"), failsWith("Forbidden", "The client does not have permission to send to group 'a'."));
    await stop(c);
  });

  test("a subprotocol of its own makes a simple client", async () => {
    const hub = app.hub({ handleConnect: (_, res) => res.success({ subprotocol: "mine" }) });
    const it = await raw(hub.svc, { protocols: ["theirs", "mine"], token: { groups: ["g"] } });
    assert.equal(it.ws.protocol, "mine");
    await hub.svc.group("g").sendToAll({ x: 1 });
    await until(() => it.messages.length === 1, "a message");
    assert.deepEqual(it.messages, ['{"x":1}'], "no envelope, and no connected before it");
    it.ws.close();
    await it.ended();
  });

  test("the subprotocol chosen among several", async () => {
    const hub = app.hub({ handleConnect: (_, res) => res.success({ subprotocol: JSON_V1 }) });
    const it = await raw(hub.svc, { protocols: [RELIABLE, JSON_V1] });
    assert.equal(it.ws.protocol, JSON_V1);
    await until(() => it.messages.length === 1, "connected");
    assert.equal(JSON.parse(it.messages[0]).reconnectionToken, undefined);
    it.ws.close();
    await it.ended();
  });

  for (const [name, want, fail] of [
    ["fail(401)", 401, (res) => res.fail(401, "who are you?")],
    ["fail(400)", 400, (res) => res.fail(400)],
    ["failWith(401)", 401, (res) => res.failWith({ code: 401, detail: "no" })],
    ["fail(403)", 403, (res) => res.fail(403)],
  ]) {
    test(`rejected by ${name}: its status, once, and no other event`, async () => {
      const hub = app.hub({ handleConnect: (_, res) => fail(res) });
      const it = await raw(hub.svc, { protocols: [RELIABLE] });
      assert.deepEqual(it.end, { status: want, body: "The connect event handler rejected the connection." });
      await assert.rejects(client(hub.svc).start(), new RegExp(want));
      assert.deepEqual(hub.requests.map(({ method, headers }) => `${method} ${headers["ce-eventname"]}`), ["OPTIONS undefined", "POST connect", "POST connect"]);
    });
  }

  for (const [name, answer] of [["what is no JSON", "{"], ["an invalid group", '{"groups":[" "]}'], ["a subprotocol not offered", '{"subprotocol":"x"}']]) {
    test(`${name} in the answer: 500`, async () => {
      const hub = app.hub({}, (req, res) => {
        if (req.headers["ce-eventname"] !== "connect") return false;
        res.setHeader("Content-Type", "application/json");
        res.end(answer);
        return true;
      });
      const it = await raw(hub.svc, { protocols: [RELIABLE] });
      assert.equal(it.end.status, 500);
    });
  }
});

describe("connected and disconnected", { concurrency: 4 }, () => {
  test("once per connection, with the reason of the end", async () => {
    const seen = [];
    const note = (req) => seen.push(req);
    const hub = app.hub({ onConnected: note, onDisconnected: note });
    const c = await client(hub.svc, { token: { userId: "u" }, autoReconnect: false }).up();
    const id = c.connectionId();
    await until(() => seen.length === 1, "connected");
    await hub.svc.closeConnection(id, { reason: "maintenance" });
    await until(() => seen.length === 2, "disconnected");
    const context = { signature: signature(id), userId: "u", hub: hub.name, connectionId: id, origin: "127.0.0.1", states: {}, clientProtocol: "default" };
    assert.deepEqual(seen[0], { context: { ...context, eventName: "connected" } });
    assert.deepEqual(seen[1].context, { ...context, eventName: "disconnected" });
    assert.match(seen[1].reason, /maintenance/);
    await until(() => c.of("stopped").length === 1, "stopped");
  });

  test("a recovery raises neither, nor connect", async () => {
    const hub = app.hub({ handleUserEvent: (_, res) => res.success() });
    const c = await client(hub.svc).up();
    await until(() => hub.of("connected").length === 1, "connected");
    const sockets = () => wireOf(hub.name).filter(({ what }) => what === "open");
    sockets()[0].socket.terminate();
    await until(() => sockets().length === 2, "the recovery");
    await c.sendEvent("ev", "x", "text");
    assert.deepEqual(hub.requests.slice(1).map(({ headers }) => headers["ce-eventname"]), ["connect", "connected", "ev"]);
    await stop(c);
  });

  test("an application that handles nothing: every event gets an empty 200 and passes", async () => {
    const hub = app.hub({});
    const c = await client(hub.svc, { reliable: false }).up();
    assert.equal((await c.sendEvent("ev", "x", "text")).isDuplicated, false);
    assert.deepEqual(c.fromServer(), [], "no answer, no message");
    await stop(c);
    await until(() => hub.of("disconnected").length === 1, "disconnected");
  });
});

for (const [protocol, reliable] of [["json.reliable", true], ["json", false]]) {
  describe(`user events of ${protocol} clients`, { concurrency: 8 }, () => {
    test("text, JSON and binary, each answered in kind", async () => {
      const seen = [];
      const hub = app.hub({
        handleUserEvent(req, res) {
          seen.push([req.context.eventName, req.dataType, list(req.data), req.context.userId]);
          res.success(req.dataType === "json" ? JSON.stringify({ got: req.data }) : req.data, req.dataType);
        },
      });
      const c = await client(hub.svc, { reliable, token: { userId: "u" } }).up();
      const sent = [
        ["ev", "é 😀\n", "text", "é 😀\n"], ["Ev.2", { x: [1, null, "ü"] }, "json", { got: { x: [1, null, "ü"] } }], ["e", 7, "json", { got: 7 }],
        ["e", "s", "json", { got: "s" }], ["bin", bytes(0, 255, 128), "binary", [0, 255, 128]],
      ];
      for (const [i, [event, data, type]] of sent.entries()) {
        assert.deepEqual(await c.sendEvent(event, data, type), { ackId: i + 1, isDuplicated: false });
        assert.equal(c.fromServer().length, i + 1, "the answer comes before the ack");
      }
      assert.deepEqual(seen, sent.map(([event, data, type]) => [event, type, list(data), "u"]));
      assert.deepEqual(c.fromServer().map((m) => [m.dataType, list(m.data), m.sequenceId]), sent.map(([, , type, want], i) => [type, want, reliable ? i + 1 : undefined]));
      await stop(c);
    });

    test("fire and forget, an empty answer, an answer without a type", async () => {
      const answers = [[], ["", "text"], [Buffer.from([1, 2])]];
      const hub = app.hub({ handleUserEvent: (_, res) => res.success(...answers.shift()) });
      const c = await client(hub.svc, { reliable }).up();
      await c.sendEvent("ev", "x", "text", { fireAndForget: true });
      await c.sendEvent("ev", "x", "text");
      await c.sendEvent("ev", "x", "text");
      assert.deepEqual(c.fromServer().map((m) => [m.dataType, list(m.data)]), [["binary", [1, 2]]]);
      await stop(c);
    });

    test("fail: an error ack, the connection stays and the ack id is free", async () => {
      let code = 400;
      const hub = app.hub({ handleUserEvent: (_, res) => (code ? res.fail(code, "detail") : res.success("ok", "text")) });
      const c = await client(hub.svc, { reliable }).up();
      await assert.rejects(c.sendEvent("ev", "x", "text", { ackId: 5 }), internal);
      code = 401;
      await assert.rejects(c.sendEvent("ev", "x", "text", { ackId: 5 }), internal);
      await c.sendEvent("ev", "x", "text", { fireAndForget: true });
      await until(() => hub.of("ev").length === 3, "the third");
      code = 0;
      assert.deepEqual(await c.sendEvent("ev", "x", "text", { ackId: 5 }), { ackId: 5, isDuplicated: false });
      assert.deepEqual(await c.sendEvent("ev", "x", "text", { ackId: 5 }), { ackId: 5, isDuplicated: true }, "not executed again");
      assert.equal(hub.of("ev").length, 4, "4xx is not retried");
      assert.deepEqual(c.fromServer().map((m) => m.data), ["ok"]);
      assert.equal(c.of("disconnected").length, 0);
      await stop(c);
    });

    test("one connection's frames wait for its event, another's do not", async () => {
      let answer;
      const hub = app.hub({ handleUserEvent: (_, res) => { answer = () => res.success("done", "text"); } });
      const [slow, other] = [await client(hub.svc, { reliable }).up(), await client(hub.svc, { reliable }).up()];
      const order = [];
      const event = slow.sendEvent("ev", "x", "text").then(() => order.push("event"));
      const send = slow.sendToGroup("g", "x", "text").then(() => order.push("send"));
      await until(() => answer, "the event");
      await other.sendToGroup("g", "x", "text");
      assert.deepEqual(order, []);
      answer();
      await Promise.all([event, send]);
      assert.deepEqual(order, ["event", "send"]);
      await stop(slow, other);
    });
  });
}

describe("retries", { concurrency: 2 }, () => {
  test("connect answered by fail(500): rejected after 1, 3 and 5 s more", async () => {
    const hub = app.hub({ handleConnect: (_, res) => res.fail(500, "broken") });
    const it = await raw(hub.svc, { protocols: [RELIABLE] });
    assert.deepEqual(it.end, { status: 500, body: "The connect event handler rejected the connection." });
    const at = hub.of("connect").map((r) => r.at);
    assert.equal(at.length, 4);
    for (const [i, pause] of [1000, 3000, 5000].entries()) assert.ok(at[i + 1] - at[i] >= pause - 50, `pause ${i + 1}: ${at[i + 1] - at[i]} ms`);
    assert.equal(new Set(hub.of("connect").map(({ headers }) => headers["ce-id"])).size, 1, "the same event");
  });

  test("a user event that failed with 500 twice: delivered once", async () => {
    let n = 0;
    const hub = app.hub({ handleUserEvent: (_, res) => (++n < 3 ? res.fail(500) : res.success("ok", "text")) });
    const c = await client(hub.svc).up();
    await c.sendEvent("ev", "x", "text");
    assert.equal(n, 3);
    assert.deepEqual(c.fromServer().map((m) => m.data), ["ok"]);
    await stop(c);
  });
});

describe("metadata and cookies", { concurrency: 2 }, () => {
  test("metadata of the message and of the answer", async () => {
    const hub = app.hub({
      handleUserEvent(req, res) { res.success("x", "text"); },
    }, (req, res) => { if (req.headers["ce-eventname"] === "ev") res.setHeader("X-WebPubSub-Metadata-Back", "b1"); return false; });
    const it = await raw(hub.svc, { protocols: [JSON_V1] });
    it.ws.send('{"type":"event","event":"ev","dataType":"text","data":"x","metadata":{"Trace-Id":"t1"}}');
    await until(() => it.messages.length === 2, "the answer");
    assert.equal(hub.of("ev")[0].headers["x-webpubsub-metadata-trace-id"], "t1");
    assert.deepEqual(JSON.parse(it.messages[1]).metadata, { back: "b1" });
    it.ws.close();
    await it.ended();
  });

  test("cookies come back with later events of the connection, and only with them", async () => {
    const hub = app.hub({ handleUserEvent: (_, res) => res.success() }, (req, res) => {
      if (req.headers["ce-eventname"] === "connect" && !hub.given) { hub.given = true; res.setHeader("Set-Cookie", "who=first; Path=/"); }
      return false;
    });
    const [a, b] = [await client(hub.svc).up(), await client(hub.svc).up()];
    await a.sendEvent("a", "x", "text");
    await b.sendEvent("b", "x", "text");
    assert.equal(hub.of("a")[0].headers.cookie, "who=first");
    assert.equal(hub.of("b")[0].headers.cookie, undefined);
    await stop(a, b);
  });
});

describe("state", { concurrency: 4 }, () => {
  test("set at connect, sent with every event, replaced by user events, kept by failures", async () => {
    const seen = [];
    const note = ({ context }) => seen.push([context.eventName, { ...context.states }]);
    const hub = app.hub({
      handleConnect(req, res) { note(req); res.setState("n", 1); res.setState("who", { name: "ü" }); res.success(); },
      onConnected: note,
      handleUserEvent(req, res) {
        note(req);
        switch (req.context.eventName) {
          case "set": res.setState("n", req.context.states.n + 1); return res.success();
          case "fail": res.setState("n", 99); return res.fail(400);
          default: return res.success();
        }
      },
      onDisconnected: note,
    });
    const c = await client(hub.svc, { reliable: false }).up();
    await until(() => seen.length === 2, "connected");
    for (const event of ["look", "set", "set"]) await c.sendEvent(event, "x", "text");
    await assert.rejects(c.sendEvent("fail", "x", "text"), internal);
    await c.sendEvent("look", "x", "text");
    await stop(c);
    await until(() => seen.length === 8, "disconnected");
    const state = (n) => ({ n, who: { name: "ü" } });
    assert.deepEqual(seen, [
      ["connect", {}], ["connected", state(1)], ["look", state(1)], ["set", state(1)], ["set", state(2)], ["fail", state(3)], ["look", state(3)], ["disconnected", state(3)],
    ]);
    const header = Buffer.from(hub.of("disconnected")[0].headers["ce-connectionstate"], "base64").toString();
    assert.deepEqual(JSON.parse(header), state(3), "as the middleware writes it");
  });

  test("survives a recovery; each connection has its own", async () => {
    const states = [];
    const hub = app.hub({
      handleConnect(req, res) { res.setState("id", req.context.connectionId); res.success(); },
      handleUserEvent(req, res) { states.push(req.context.states.id); res.success(); },
    });
    const [a, b] = [await client(hub.svc).up(), await client(hub.svc).up()];
    const sockets = () => wireOf(hub.name).filter(({ what }) => what === "open");
    sockets()[0].socket.terminate();
    await until(() => sockets().length === 3, "the recovery");
    await a.sendEvent("ev", "x", "text");
    await b.sendEvent("ev", "x", "text");
    assert.deepEqual(states, [a.connectionId(), b.connectionId()]);
    await stop(a, b);
  });

  test("an empty header forgets it", async () => {
    const states = [];
    const hub = app.hub({
      handleConnect(_, res) { res.setState("n", 1); res.success(); },
      handleUserEvent(req, res) { states.push(req.context.states); res.success(); },
    }, (req, res) => { if (req.headers["ce-eventname"] === "forget") res.setHeader("ce-connectionState", ""); return false; });
    const c = await client(hub.svc).up();
    for (const event of ["look", "forget", "look"]) await c.sendEvent(event, "x", "text");
    assert.deepEqual(states, [{ n: 1 }, { n: 1 }, {}]);
    await stop(c);
  });
});

describe("simple clients", { concurrency: 4 }, () => {
  test("each frame is the event `message`; the answer is a frame of its kind", async () => {
    const seen = [];
    const hub = app.hub({
      handleUserEvent(req, res) {
        seen.push([req.context.eventName, req.dataType, list(req.data)]);
        if (req.dataType === "binary") res.success(req.data, "binary");
        else if (req.data === "json") res.success('"s"', "json");
        else res.success(`echo ${req.data}`, "text");
      },
    });
    const it = await raw(hub.svc, { token: { userId: "u", roles: [] } });
    assert.equal(it.ws.protocol, "");
    it.ws.send("héllo");
    it.ws.send(Buffer.from([1, 0, 255]));
    it.ws.send("json");
    await until(() => it.messages.length === 3, "three answers");
    assert.deepEqual(it.messages, ["echo héllo", [1, 0, 255], '"s"']);
    assert.deepEqual(seen, [["message", "text", "héllo"], ["message", "binary", [1, 0, 255]], ["message", "text", "json"]]);
    const [{ headers }] = hub.of("message");
    assert.deepEqual([headers["content-type"], headers["ce-type"], headers["ce-subprotocol"]], ["text/plain", "azure.webpubsub.user.message", undefined]);
    it.ws.close();
    await it.ended();
  });

  test("an event that fails closes with 1011", async () => {
    const hub = app.hub({ handleUserEvent: (_, res) => res.fail(400) });
    const it = await raw(hub.svc);
    it.ws.send("x");
    await it.ended();
    assert.equal(it.end.code, 1011);
    await until(() => hub.of("disconnected").length === 1, "disconnected");
  });

  test("an application's answer over REST reaches the client of the event", async () => {
    const hub = app.hub({
      async handleUserEvent(req, res) {
        await hub.svc.sendToConnection(req.context.connectionId, "by REST", plain);
        res.success("by answer", "text");
      },
    });
    const it = await raw(hub.svc);
    it.ws.send("x");
    await until(() => it.messages.length === 2, "both");
    assert.deepEqual(it.messages, ["by REST", "by answer"]);
    it.ws.close();
    await it.ended();
  });
});
