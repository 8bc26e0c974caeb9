// What the suites share: the emulator's address, clients that take notes, the
// frames that pass, and waiting.
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";
import net from "node:net";
import WebSocket from "ws";

export const JSON_V1 = "json.webpubsub.azure.v1";
export const RELIABLE = "json.reliable.webpubsub.azure.v1";

const connectionString = process.env.WPS_CONNECTION_STRING ?? "Endpoint=http://localhost:8080;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;";
export const endpoint = /Endpoint=([^;]+)/.exec(connectionString)[1];
export const accessKey = /AccessKey=([^;]+)/.exec(connectionString)[1];
const { hostname, port } = new URL(endpoint);

// Every test has a hub of its own, so that all run at once.
let hubs = 0;
export const newHub = () => `hub${process.pid}_${++hubs}`;

export const everyRole = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
export const plain = { contentType: "text/plain" };

export function service(hub, at = endpoint) {
  const options = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
  return new WebPubSubServiceClient(`Endpoint=${at};AccessKey=${accessKey};Version=1.0;`, hub, options);
}

const events = ["connected", "disconnected", "stopped", "group-message", "server-message", "rejoin-group-failed"];

// client returns an official client that keeps its events in order, [name, args]
// each, and the URLs it was given. It does not retry messages unless told to.
export function client(svc, { reliable = true, token = {}, ...options } = {}) {
  const log = [];
  const urls = [];
  const getClientAccessUrl = async () => {
    const { url } = await svc.getClientAccessToken({ roles: everyRole, ...token });
    urls.push(url);
    return url;
  };
  const c = new WebPubSubClient({ getClientAccessUrl }, {
    protocol: reliable ? WebPubSubJsonReliableProtocol() : WebPubSubJsonProtocol(),
    messageRetryOptions: { maxRetries: 0 },
    reconnectRetryOptions: { retryDelayInMs: 100 },
    ...options,
  });
  for (const name of events) c.on(name, (args) => log.push([name, args]));
  const of = (name) => log.filter(([n]) => n === name).map(([, args]) => args);
  const messages = (name) => of(name).map((args) => args.message);
  const fromGroup = () => messages("group-message");
  const fromServer = () => messages("server-message");
  const connectionId = () => of("connected").at(-1)?.connectionId;
  const connected = (n = 1) => until(() => of("connected").length >= n, `connected, time ${n}`);
  const up = async () => { await c.start(); await connected(); return notes; };
  const notes = Object.assign(c, { log, urls, of, fromGroup, fromServer, connectionId, connected, up });
  return notes;
}

export async function stop(...clients) {
  for (const c of clients) c.stop();
  for (const c of clients) await until(() => c.of("stopped").length > 0, "stopped");
}

// wireOf returns what the clients of a hub do on their WebSockets, in order. A
// socket of the list can be dropped with terminate().
export const wireOf = (hub) => traffic.filter(({ socket }) => socket.url.includes(`/hubs/${hub}?`));
export const opened = (hub) => wireOf(hub).filter(({ what }) => what === "open").map(({ socket }) => socket);
export const closed = (hub) => wireOf(hub).filter(({ what }) => what === "close").map(({ code, reason }) => ({ code, reason }));
export const received = (hub) => wireOf(hub).filter(({ what }) => what === "receive").map(({ message }) => message);
export const sent = (hub, type) => wireOf(hub).filter(({ what, message }) => what === "send" && message.type === type);

const traffic = [];
const note = (socket, what, details) => traffic.push({ socket, what, at: performance.now(), ...details });
const { send, emit } = WebSocket.prototype;
WebSocket.prototype.send = function (data, ...rest) {
  if (typeof data === "string" && data.startsWith("{")) note(this, "send", { message: JSON.parse(data) });
  return send.call(this, data, ...rest);
};
WebSocket.prototype.emit = function (name, ...args) {
  if (name === "open") note(this, "open");
  if (name === "message" && String(args[0]).startsWith("{")) note(this, "receive", { message: JSON.parse(args[0]) });
  if (name === "close") note(this, "close", { code: args[0], reason: args[1].toString() });
  return emit.call(this, name, ...args);
};

// Link is a TCP relay to the emulator that can be cut, frozen, or cut at the client's
// end alone, so that the emulator goes on with a dead socket.
export class Link {
  connections = new Set();
  halves = new Set();
  refused = 0;
  down = false;

  async listen() {
    this.server = net.createServer((here) => {
      if (this.down) { this.refused++; here.destroy(); return; }
      const there = net.connect(Number(port), hostname);
      const both = [here, there];
      for (const s of both) {
        this.connections.add(s);
        s.on("error", () => {});
        s.on("close", () => {
          this.connections.delete(s);
          if (!this.halves.has(s)) both.forEach((x) => x.destroy());
        });
      }
      here.pipe(there);
      there.pipe(here);
    });
    await new Promise((ok) => this.server.listen(0, "127.0.0.1", ok));
    this.endpoint = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  cut() { this.down = true; for (const s of this.connections) s.destroy(); }
  mend() { this.down = false; }
  freeze() { for (const s of this.connections) s.pause(); }
  thaw() { for (const s of this.connections) s.resume(); }

  // halve cuts the clients' ends and returns the emulator's, still open.
  halve() {
    const theirs = [];
    for (const s of this.connections) {
      if (s.localPort !== this.server.address().port) { theirs.push(s); s.unpipe(); s.resume(); continue; }
      this.halves.add(s);
      s.unpipe();
      s.resetAndDestroy();
    }
    return theirs;
  }

  close() { this.cut(); this.server.close(); }
}

export const sleep = (ms) => new Promise((ok) => setTimeout(ok, ms));

export async function until(condition, what, ms = 10_000) {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`timeout: ${what}`);
    await sleep(10);
  }
}
