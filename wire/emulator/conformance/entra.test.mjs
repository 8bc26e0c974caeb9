// @azure/web-pubsub with a token of Microsoft Entra instead of the key, over TLS: the
// service signs the clients' tokens (protocol.md 7.2 and 7.4, row 25).
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { client, endpoint, everyRole, newHub, opened, plain, stop, until } from "./lib.mjs";

const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const options = { retryOptions: { maxRetries: 0 } };

// entra keeps the scopes that tokens were asked for.
function entra(hub, token = process.env.WPS_ENTRA_TOKEN) {
  const scopes = [];
  const getToken = async (scope) => { scopes.push(scope); return { token, expiresOnTimestamp: Date.now() + 3_600_000 }; };
  return Object.assign(new WebPubSubServiceClient(endpoint, { getToken }, hub, options), { scopes });
}

describe("entra", { concurrency: 4 }, () => {
  test("25 getClientAccessToken: the service's token opens a connection", async () => {
    const svc = entra(newHub());
    const c = await client(svc, { token: { userId: "al ice+", groups: ["g", "h"], roles: ["webpubsub.sendToGroup.g"], expirationTimeInMinutes: 7 } }).up();
    assert.equal(svc.scopes.flat()[0], "https://webpubsub.azure.com/.default");
    assert.ok(c.urls[0].startsWith("wss://"), c.urls[0]);
    assert.equal(c.of("connected")[0].userId, "al ice+");
    assert.deepEqual(await Promise.all(["g", "h", "i"].map((name) => svc.groupExists(name))), [true, true, false]);
    await c.sendToGroup("g", "x", "text");
    await assert.rejects(c.sendToGroup("h", "x", "text"), (e) => e.errorDetail.name === "Forbidden");
    await until(() => c.fromGroup().length === 1, "the message");
    await stop(c);
  });

  test("25 getClientAccessToken: its claims", async () => {
    const hub = newHub();
    const svc = entra(hub);
    const full = claimsOf((await svc.getClientAccessToken({ userId: "u", groups: ["g"], roles: everyRole, expirationTimeInMinutes: 7 })).token);
    assert.equal(full.aud, `${endpoint}/client/hubs/${hub}`);
    assert.equal(full.sub, "u");
    assert.deepEqual([full.role].flat(), everyRole);
    assert.deepEqual([full["webpubsub.group"]].flat(), ["g"]);
    const minutes = ({ exp }) => (exp - Date.now() / 1000) / 60;
    assert.ok(Math.abs(minutes(full) - 7) < 0.5, `${minutes(full)} minutes`);
    const bare = claimsOf((await svc.getClientAccessToken()).token);
    assert.deepEqual([bare.sub, bare.role, bare["webpubsub.group"]], [undefined, undefined, undefined]);
    assert.ok(Math.abs(minutes(bare) - 60) < 0.5, "an hour unless told");
    for (const expirationTimeInMinutes of [0, -1]) {
      await assert.rejects(svc.getClientAccessToken({ expirationTimeInMinutes }), (e) => e.statusCode === 400, `${expirationTimeInMinutes} minutes`);
    }
  });

  test("every other operation by the same token", async () => {
    const svc = entra(newHub());
    const c = await client(svc).up();
    await svc.sendToAll("one", plain);
    await svc.group("g").addConnection(c.connectionId());
    await svc.group("g").sendToAll({ two: 2 });
    await until(() => c.fromServer().length + c.fromGroup().length === 2, "both");
    await svc.closeConnection(c.connectionId());
    await c.connected(2);
    assert.equal(c.urls.length, 2, "a new token for the new connection");
    await stop(c);
  });

  test("a recovery over TLS", async () => {
    const hub = newHub();
    const c = await client(entra(hub)).up();
    await c.joinGroup("g");
    opened(hub)[0].terminate();
    await until(() => opened(hub).length === 2, "the recovery");
    await c.sendToGroup("g", "x", "text");
    assert.deepEqual(c.fromGroup().map((m) => [m.data, m.sequenceId]), [["x", 1]]);
    await stop(c);
  });

  test("another token: 401, and no token for clients", async () => {
    const svc = entra(newHub(), "another");
    await assert.rejects(svc.sendToAll("x", plain), (e) => e.statusCode === 401);
    await assert.rejects(svc.getClientAccessToken(), (e) => e.statusCode === 401);
  });
});
