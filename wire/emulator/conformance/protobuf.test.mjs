// The protobuf of the scripted servers against the bytes of protocol.md 5.
import { test } from "node:test";
import assert from "node:assert/strict";
import { decode, encode } from "./protobuf.mjs";

const hex = (text) => Buffer.from(text.replaceAll(" ", ""), "hex");

test("upstream", () => {
  assert.deepEqual(decode(hex("32 08 0a 04 72 6f 6f 6d 10 01")), { type: "joinGroup", group: "room", ackId: 1, data: undefined });
  assert.deepEqual(decode(hex("0a 10 0a 04 72 6f 6f 6d 10 07 1a 04 0a 02 68 69 20 01")), { type: "sendToGroup", group: "room", ackId: 7, data: hex("0a 02 68 69") });
  assert.deepEqual(decode(hex("42 03 08 ac 02")), { type: "sequenceAck", sequenceId: 300 });
  assert.equal(decode(hex("4a 00")).type, "ping");
});

test("downstream", () => {
  for (const [m, want] of [
    [{ type: "pong" }, "22 00"],
    [{ type: "ack", ackId: 7, success: true }, "0a 04 08 07 10 01"],
    [{ type: "message", from: "group", group: "room", data: hex("0a 02 68 69"), sequenceId: 5 }, "12 15 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d 1a 04 0a 02 68 69 20 05"],
  ]) assert.deepEqual(encode(m), hex(want), m.type);
  const failed = encode({ type: "ack", ackId: 7, success: false, error: { name: "Duplicate", message: "x" } });
  assert.deepEqual(failed, hex("0a 14 08 07 10 00 1a 0e 0a 09 44 75 70 6c 69 63 61 74 65 12 01 78"), "false is written out");
});
