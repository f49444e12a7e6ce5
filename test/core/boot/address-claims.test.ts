/** What people are told of hosts that answer for addresses which they were not given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressClaims } from "../../../core/boot/address-claims.ts";
import type { DhcpFact } from "../../../core/boot/dhcp-action.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";

const macOf = (index: number): MacAddress =>
  parseMac(`0200${index.toString(16).padStart(8, "0")}`) as MacAddress;
const seconds = (count: number) => millis(count * 1000);
const own = "10.0.0.1";

function open() {
  const claims = new AddressClaims();
  const hear = (kind: DhcpFact["kind"], at: number, more: Partial<DhcpFact> = {}): void =>
    claims.answered(
      { ...{ kind, mac: macOf(1), xid: 1, address: null, text: "", loads: null }, ...more },
      seconds(at),
    );
  return {
    hear,
    answers: (kind: "in-use" | "doubted", owner: MacAddress, host: number, at: number) =>
      hear(kind, at, { owner, address: `10.0.${host >> 8}.${host & 255}` }),
    doubted: (at: number) => claims.doubtedTexts(own, seconds(at)),
    occupied: (at: number) => claims.occupiedTexts(own, seconds(at)),
  };
}

test("a MAC that is not believed is told with how many addresses it answers for, and not to widen the range", () => {
  const { answers, doubted, occupied } = open();
  for (let host = 128; host < 144; host++) answers("in-use", macOf(9), host, 0);
  answers("in-use", macOf(8), 200, 0);
  assert.deepEqual(doubted(1), [], "as long as it is believed");
  for (const host of [144, 144, 145]) answers("doubted", macOf(9), host, 10);
  const [text = "", ...more] = doubted(11);
  assert.match(
    text,
    /^the MAC 02:00:00:00:00:09 answers ARP for 18 addresses that 10\.0\.0\.1 was about to give to PCs, as a router with proxy ARP does/,
  );
  assert.match(text, /Turn off proxy ARP on the router's interface/);
  assert.doesNotMatch(text, /range/);
  assert.deepEqual([more, occupied(11)], [[], []]);
  for (let index = 10; index < 14; index++) answers("doubted", macOf(index), 146, 20);
  assert.match(
    doubted(21)[0] ?? "",
    /^5 MACs \(02:00:00:00:00:09, 02:00:00:00:00:0a, 02:00:00:00:00:0b and 2 more\) answer ARP for 19 addresses/,
  );
  assert.match(doubted(912)[0] ?? "", /^4 MACs/, "the first was silent for a quarter of an hour");
  answers("doubted", macOf(13), 147, 915);
  assert.match(doubted(930)[0] ?? "", /:0d answers ARP for 2 addresses/, "it goes on");
  assert.deepEqual(doubted(1816), [], "that is over");
});

test("addresses that many MACs leave no PC are told with what may be behind it", () => {
  const { hear, answers, occupied, doubted } = open();
  for (let host = 128; host < 255; host++) answers("in-use", macOf(host), host, 0);
  assert.deepEqual(occupied(1), [], "as long as there is an address for PCs");
  hear("occupied", 2);
  const [text = ""] = occupied(3);
  assert.match(
    text,
    /^no address was left for a PC: hosts that did not get them from 10\.0\.0\.1 answer ARP for 127 of those that it gives, by 127 MACs \(02:00:00:00:00:80, 02:00:00:00:00:81, 02:00:00:00:00:82 and 124 more\)\. If you know these hosts, name a range/,
  );
  assert.match(
    text,
    /If you do not, one host answers for whatever is asked, by MACs that it invents/,
  );
  assert.deepEqual(doubted(3), []);
  assert.deepEqual(occupied(903), [], "that is over");
});

test("answers under invented MACs do not fill the memory, and what is told is true of those that are kept", () => {
  const { hear, answers, occupied, doubted } = open();
  for (let index = 0; index < 5000; index++) answers("in-use", macOf(index), index, 0);
  hear("occupied", 1);
  assert.match(occupied(1)[0] ?? "", /answer ARP for 1024 of those .* by 1024 MACs/);
  for (let index = 0; index < 5000; index++) answers("doubted", macOf(index), index, 2);
  assert.match(doubted(2)[0] ?? "", /^64 MACs .* answer ARP for 64 addresses/);
});
