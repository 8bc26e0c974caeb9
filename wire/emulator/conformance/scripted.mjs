// A scripted server: an honest, minimal Azure Web PubSub (protocol.md 1, 3, 4 and 5)
// for JSON, reliable JSON and reliable protobuf, written with the ws package and bent
// by the hooks of a test.
import { randomBytes } from "node:crypto";
import http from "node:http";
import { WebSocketServer } from "ws";
import { JSON_V1, RELIABLE, until } from "./lib.mjs";
import { decode, encode } from "./protobuf.mjs";

export const PROTOBUF = "protobuf.reliable.webpubsub.azure.v1";

const json = { decode: JSON.parse, encode: JSON.stringify, opcode: 0x1 };
const codecs = { [JSON_V1]: json, [RELIABLE]: json, [PROTOBUF]: { decode, encode, opcode: 0x2 } };
const known = (offered) => [...offered].find((name) => name in codecs) ?? false;

// Hooks, all optional; this is the Server. One that returns true has replaced what
// the server does:
//   upgrade({ recovery, request, socket })  before the 101
//   connected(session)                      instead of `connected`
//   recovered(session)                      instead of the replay
//   received(session, message)              instead of handling a client's message
//   ack(session, message)                   instead of the answer to it
//   put(session, payload)                   instead of one message to a client
export class Server {
  sessions = new Map();
  sockets = new Set();
  saw = { connections: 0, recoveries: 0, published: [], duplicates: 0, closes: [] };

  constructor(hooks = {}) {
    this.hooks = hooks;
    this.ws = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: known });
    this.http = http.createServer();
    this.http.on("upgrade", (...args) => this.upgrade(...args));
    this.http.on("connection", (s) => { this.sockets.add(s); s.on("close", () => this.sockets.delete(s)); });
  }

  async listen() {
    await new Promise((ok) => this.http.listen(0, "127.0.0.1", ok));
    this.url = `ws://127.0.0.1:${this.http.address().port}/client/hubs/h`;
    return this;
  }

  // left waits until the sockets of a client that has ended are closed, those aside
  // that a test has paused.
  left() { return until(() => [...this.ws.clients].every((ws) => ws._socket?.isPaused()), "the ends of the sockets"); }

  close() {
    for (const s of this.sockets) s.destroy();
    this.http.close();
    for (const s of this.sessions.values()) clearTimeout(s.expiry);
  }

  hook(name, ...args) { return this.hooks[name]?.apply(this, args) === true; }

  upgrade(request, socket, head) {
    const query = new URL(request.url, "http://x").searchParams;
    const id = query.get("awps_connection_id");
    const recovery = id !== null;
    this.saw[recovery ? "recoveries" : "connections"]++;
    socket.on("error", () => {});
    if (this.hook("upgrade", { recovery, request, socket })) return;
    this.ws.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", () => {});
      if (recovery) this.recover(ws, id, query.get("awps_reconnection_token"));
      else this.open(ws);
    });
  }

  open(ws) {
    const id = randomBytes(8).toString("hex");
    const reliable = ws.protocol !== JSON_V1;
    const s = { id, n: this.saw.connections, codec: codecs[ws.protocol], reliable, token: reliable ? `token-${id}` : undefined, groups: new Set(), lastId: 0, buffer: [], acked: 0, done: new Set() };
    this.sessions.set(id, s);
    this.attach(s, ws);
    if (!this.hook("connected", s)) this.sayConnected(s);
  }

  sayConnected(s) {
    this.say(s, { type: "system", event: "connected", userId: null, connectionId: s.id, reconnectionToken: s.token });
  }

  recover(ws, id, token) {
    const s = this.sessions.get(id);
    if (!s?.reliable || s.token !== token) return ws.close(1008, "The connection could not be recovered.");
    s.ws?.terminate();
    this.attach(s, ws);
    if (!this.hook("recovered", s)) this.replay(s, s.acked);
  }

  replay(s, after) { for (const { sequenceId, payload } of s.buffer) if (sequenceId > after) this.put(s, payload); }

  attach(s, ws) {
    clearTimeout(s.expiry);
    s.ws = ws;
    ws.on("message", (payload) => { if (s.ws === ws) this.received(s, s.codec.decode(payload)); });
    ws.on("close", (code) => {
      this.saw.closes.push(code);
      if (s.ws !== ws) return;
      s.ws = undefined;
      if (code === 1000 || !s.reliable) this.end(s);
      else s.expiry = setTimeout(() => this.end(s), 30_000);
    });
  }

  end(s) { this.sessions.delete(s.id); }

  put(s, payload) { if (s.ws && !this.hook("put", s, payload)) s.ws.send(payload); }
  say(s, message) { this.put(s, s.codec.encode(message)); }

  received(s, m) {
    if (this.hook("received", s, m)) return;
    switch (m.type) {
      case "ping": return this.say(s, { type: "pong" });
      case "sequenceAck": s.acked = Math.max(s.acked, m.sequenceId); return;
      case "joinGroup": s.groups.add(m.group); return this.ack(s, m);
      case "leaveGroup": s.groups.delete(m.group); return this.ack(s, m);
      case "sendToGroup":
        if (s.done.has(m.ackId)) {
          this.saw.duplicates++;
          return this.ack(s, m, { name: "Duplicate", message: `Message with ack-id: ${m.ackId} has been processed` });
        }
        this.saw.published.push(m.ackId);
        for (const member of this.sessions.values()) if (member.groups.has(m.group)) this.deliver(member, m);
        return this.ack(s, m);
    }
  }

  deliver(s, { group, dataType, data }) {
    const sequenceId = s.reliable ? ++s.lastId : undefined;
    const payload = s.codec.encode({ type: "message", from: "group", group, fromUserId: null, dataType, data, sequenceId });
    if (s.reliable) s.buffer.push({ sequenceId, payload });
    this.put(s, payload);
  }

  ack(s, m, error) {
    if (m.ackId === undefined) return;
    if (!error) s.done.add(m.ackId);
    if (!this.hook("ack", s, m)) this.say(s, { type: "ack", ackId: m.ackId, success: !error, error });
  }
}

// frame returns the bytes of one frame: first is FIN, reserved bits and opcode;
// length is announced in place of the payload's; mask is four bytes.
export function frame(first, payload, { mask, length } = {}) {
  const body = Buffer.from(payload);
  const n = BigInt(length ?? body.length);
  const masked = mask ? 0x80 : 0;
  let head;
  if (n > 0xffffn) {
    head = Buffer.alloc(10);
    head[1] = masked | 127;
    head.writeBigUInt64BE(n, 2);
  } else if (n > 125n) {
    head = Buffer.from([0, masked | 126, Number(n >> 8n), Number(n & 255n)]);
  } else {
    head = Buffer.from([0, masked | Number(n)]);
  }
  head[0] = first;
  return mask ? Buffer.concat([head, Buffer.from(mask), body.map((x, i) => x ^ mask[i % 4])]) : Buffer.concat([head, body]);
}

export const raw = (s, bytes) => s.ws?._socket.write(bytes);
