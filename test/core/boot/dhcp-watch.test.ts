import assert from "node:assert/strict";
import { test } from "node:test";
import { DhcpWatch, otherServerText, type WatchFact } from "../../../core/boot/dhcp-watch.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";
import {
  asciiBytes,
  type DhcpPacket,
  decodeDhcp,
  encodeDhcp,
  messageType,
  textOption,
} from "../../../core/wire/dhcp/packet.ts";

const ownMac = parseMac("020000000001") as MacAddress;
const open = () => new DhcpWatch({ ownAddress: "10.0.0.1", ownMac }, millis(0));

/** An OFFER of the server 10.0.0.LAST. */
function offer(last: number, changes: Partial<DhcpPacket> = {}): DhcpPacket {
  const fixed = { op: 2, xid: 1, secs: 0, broadcast: true, sname: "", file: "" } as const;
  const none = { ciaddr: "0.0.0.0", siaddr: "0.0.0.0", giaddr: "0.0.0.0" };
  const options = new Map([
    [53, Uint8Array.of(2)],
    [54, Uint8Array.of(10, 0, 0, last)],
  ]);
  return { ...fixed, ...none, yiaddr: "10.0.0.77", mac: ownMac, options, ...changes };
}
const kinds = (facts: readonly WatchFact[]) => facts.map(({ kind }) => kind);

test("the question is a booting PC's DISCOVER that asks for a broadcast answer", () => {
  const { packet } = open().look(7, millis(0));
  const read = decodeDhcp(encodeDhcp(packet));
  assert(read.ok);
  assert.equal(messageType(read.value), 1);
  assert.equal(read.value.broadcast, true);
  assert.match(textOption(read.value, 60) ?? "", /^PXEClient/);
});

test("a server appears once; our own answers, and what is no answer, count for nothing", () => {
  const watch = open();
  assert.deepEqual(watch.heard(offer(1)), []);
  assert.deepEqual(watch.heard({ ...offer(5), op: 1 }), []);
  assert.deepEqual(watch.heard(offer(5, { options: new Map([[53, Uint8Array.of(2)]]) })), []);
  assert.deepEqual(watch.heard(offer(5)), [
    {
      kind: "appeared",
      server: { address: "10.0.0.5", givesAddresses: true, namesBootFile: false },
    },
  ]);
  assert.deepEqual(watch.heard(offer(5)), []);
  assert.deepEqual(kinds(watch.heard(offer(5, { file: "pxelinux.0" }))), ["appeared"]);
  assert.equal(watch.servers.length, 1);
});

test("a proxyDHCP is told from a server that gives addresses", () => {
  const watch = open();
  const options = new Map([...offer(6).options, [60, asciiBytes("PXEClient")]]);
  watch.heard(offer(6, { yiaddr: "0.0.0.0", options }));
  const [server] = watch.servers;
  assert.deepEqual([server?.givesAddresses, server?.namesBootFile], [false, true]);
  assert.match(otherServerText("server", server as never) ?? "", /also tells PCs what to boot/);
});

test("gone after four looks without an answer, not before; one answer keeps it", () => {
  const watch = open();
  watch.heard(offer(5));
  let now = 0;
  const look = (): WatchFact["kind"][] => {
    now = watch.deadline;
    return kinds(watch.look(1, millis(now)).facts);
  };
  assert.deepEqual([look(), look(), look()], [[], [], []]);
  watch.heard(offer(5));
  assert.deepEqual([look(), look(), look(), look()], [[], [], [], ["gone"]]);
  assert.deepEqual(watch.servers, []);
  assert.equal(now, 360_000, "a look a minute");
});

test("a client that asks another server by name gives it away", () => {
  const watch = open();
  assert.deepEqual(watch.chosen("10.0.0.1"), []);
  assert.deepEqual(kinds(watch.chosen("10.0.0.8")), ["appeared"]);
});

test("what a person reads: only what has to be mended", () => {
  const dhcp = { address: "10.0.0.5", givesAddresses: true, namesBootFile: false };
  assert.match(otherServerText("server", dhcp) ?? "", /10\.0\.0\.5.*--dhcp proxy/);
  assert.equal(otherServerText("proxy", dhcp), null, "that is what a proxy is beside");
  assert.match(otherServerText("proxy", { ...dhcp, namesBootFile: true }) ?? "", /what to boot/);
  assert.equal(otherServerText("off", { ...dhcp, namesBootFile: true }), null);
});

test("invented servers do not fill the memory", () => {
  const watch = open();
  for (let last = 2; last < 200; last++) watch.heard(offer(last));
  assert.equal(watch.servers.length, 16);
});
