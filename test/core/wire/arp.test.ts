import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { decodeArp, encodeArpProbe } from "../../../core/wire/arp.ts";

const mac = parseMac("52:54:00:7e:00:01") as MacAddress;

test("a probe lies as RFC 826 and RFC 5227 say: a request, without a sender's address", () => {
  const hex = Buffer.from(encodeArpProbe(mac, "10.77.0.9")).toString("hex");
  assert.equal(hex, "0001080006040001" + "5254007e0001" + "00000000" + "000000000000" + "0a4d0009");
});

test("a reply says who has the address; a probe claims none", () => {
  // Of arping against a Linux host.
  const reply = Buffer.from(
    "0001080006040002" + "5254007e0002" + "0a4d0009" + "5254007e0001" + "00000000",
    "hex",
  );
  assert.deepEqual(decodeArp(reply), {
    ok: true,
    value: { mac: "52:54:00:7e:00:02", address: "10.77.0.9" },
  });
  const probe = decodeArp(encodeArpProbe(mac, "10.77.0.9"));
  assert(probe.ok && probe.value.address === "0.0.0.0");
  assert.equal(decodeArp(reply.subarray(0, 27)).ok, false);
  assert.equal(decodeArp(Buffer.alloc(28)).ok, false);
});

test("no bytes make the decoder throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeArp(bytes)));
});
