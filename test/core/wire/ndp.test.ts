import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMac } from "../../../core/units/mac.ts";
import { linkLocalOf, nothingAdvertised } from "../../../core/wire/ndp.ts";

test("a host's own link-local address: the universal bit turned, ff:fe in the middle", () => {
  const hex = (text: string): string =>
    Buffer.from(linkLocalOf(parseMac(text) as never)).toString("hex");
  // fe80::5054:ff:fe7e:1
  assert.equal(hex("52:54:00:7e:00:01"), "fe80000000000000505400fffe7e0001");
  // fe80::21b:21ff:feab:cdef
  assert.equal(hex("00:1b:21:ab:cd:ef"), "fe80000000000000021b21fffeabcdef");
});

test("an advertisement of nothing: no router, no prefix, no DHCPv6", () => {
  assert.equal(nothingAdvertised.length, 16, "RFC 4861 section 4.2, without options");
  assert.equal(nothingAdvertised[0], 134);
  assert(nothingAdvertised.subarray(1).every((byte) => byte === 0));
});
