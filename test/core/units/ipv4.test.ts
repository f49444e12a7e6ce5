import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ipv4ToNumber,
  ipv4ToText,
  parseRange,
  subnetHosts,
  subnetOf,
} from "../../../core/units/ipv4.ts";

const texts = ({ first, last }: { first: number; last: number }): string =>
  `${ipv4ToText(first)}-${ipv4ToText(last)}`;

test("addresses are read and written over the whole range", () => {
  for (const text of ["0.0.0.0", "10.77.0.1", "127.255.255.255", "192.168.1.1", "255.255.255.255"])
    assert.equal(ipv4ToText(ipv4ToNumber(text) as number), text);
  for (const text of ["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "a.b.c.d", "1.2.3.-4", "1.2.3.4 "])
    assert.equal(ipv4ToNumber(text), undefined, text);
});

test("a subnet is the same below and above 128.0.0.0, where bit operators turn negative", () => {
  assert.equal(texts(subnetHosts("10.77.0.1", "255.255.255.0")), "10.77.0.1-10.77.0.254");
  assert.equal(texts(subnetHosts("192.168.1.7", "255.255.255.0")), "192.168.1.1-192.168.1.254");
  assert.equal(texts(subnetHosts("172.16.9.1", "255.255.0.0")), "172.16.0.1-172.16.255.254");
  assert.equal(texts(subnetOf("192.168.1.7", "255.255.255.192")), "192.168.1.0-192.168.1.63");
});

test("a range has a first and a last address, in this order", () => {
  assert.equal(
    texts(parseRange("192.168.1.10 - 192.168.1.20") as never),
    "192.168.1.10-192.168.1.20",
  );
  for (const text of ["", "10.0.0.1", "10.0.0.9-10.0.0.1", "10.0.0.1-10.0.0.2-10.0.0.3", "a-b"])
    assert.equal(parseRange(text), undefined, text);
});
