// An application server with the official middleware, and `wpsbench serve` that posts
// the events of every hub to it.
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import { spawn } from "node:child_process";
import http from "node:http";
import { newHub, service } from "./lib.mjs";

export class Application {
  hubs = new Map(); // name: { middleware, requests, before }

  async start(binary) {
    this.http = http.createServer((req, res) => this.request(req, res));
    await new Promise((ok) => this.http.listen(0, "127.0.0.1", ok));
    const url = `http://127.0.0.1:${this.http.address().port}/api/webpubsub/hubs/{hub}/`;
    this.serve = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--event-handler", url]);
    this.endpoint = await new Promise((ok, fail) => {
      let output = "";
      const look = (text) => {
        output += text;
        const found = /Endpoint=([^;]+);/.exec(output);
        if (found) ok(found[1]);
      };
      this.serve.stdout.on("data", look);
      this.serve.stderr.on("data", look);
      this.serve.on("close", (code) => fail(new Error(`wpsbench serve ended with ${code}: ${output}`)));
    });
    return this;
  }

  async stop() {
    const ended = new Promise((ok) => this.serve.on("close", ok));
    this.serve.kill("SIGINT");
    const exit = await ended;
    this.http.closeAllConnections();
    this.http.close();
    return exit;
  }

  // hub makes a hub of its own for a test, handled by the middleware with these
  // options. requests holds what was posted; before sees each of them first and
  // answers it itself if it returns true.
  hub(options, before = () => false) {
    const name = newHub();
    const hub = { name, requests: [], before, middleware: new WebPubSubEventHandler(name, options).getMiddleware(), svc: service(name, this.endpoint) };
    hub.of = (event) => hub.requests.filter(({ headers }) => headers["ce-eventname"] === event);
    this.hubs.set(name, hub);
    return hub;
  }

  // request gives the middleware what it uses of Express: baseUrl, path and next.
  request(req, res) {
    const path = new URL(req.url, "http://x").pathname;
    const hub = this.hubs.get(/\/hubs\/([^/]+)\/$/.exec(path)?.[1]);
    const next = (err) => { res.statusCode = err ? 500 : 404; res.end(); };
    if (!hub) return next();
    hub.requests.push({ method: req.method, path, headers: req.headers, at: performance.now() });
    if (hub.before(req, res)) return;
    hub.middleware(Object.assign(req, { baseUrl: "", path }), res, next);
  }
}
