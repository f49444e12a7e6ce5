import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BootUuids } from "../../../core/boot/boot-uuids.ts";
import type { DhcpAction, DhcpFact, Probe } from "../../../core/boot/dhcp-action.ts";
import type { DhcpSeat, DhcpSeats } from "../../../core/boot/dhcp-seats.ts";
import { DhcpServer, type DhcpServerOptions } from "../../../core/boot/dhcp-server.ts";
import type { Lease } from "../../../core/boot/lease-pool.ts";
import { ipv4ToNumber } from "../../../core/units/ipv4.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";
import {
  addressOption,
  type DhcpPacket,
  dhcpType,
  messageType,
  noAddress,
  textOption,
  u32Bytes,
} from "../../../core/wire/dhcp/packet.ts";
import { text } from "./golden.ts";
import { noSeats, shimFirst } from "./loaders.ts";

const start = millis(1_700_000_000_000);
const seconds = (count: number) => millis(start + count * 1000);
const quad = (address: string): Uint8Array =>
  Uint8Array.from(u32Bytes(ipv4ToNumber(address) as number));
const number = (address: string): number => ipv4ToNumber(address) as number;
const macOf = (index: number): MacAddress =>
  parseMac(`02000000${index.toString(16).padStart(4, "0")}`) as MacAddress;

const settings: DhcpServerOptions = {
  serverAddress: "192.168.7.1",
  netmask: "255.255.255.0",
  range: { first: number("192.168.7.10"), last: number("192.168.7.12") },
  leaseSeconds: 1000,
  router: "192.168.7.254",
  dns: ["192.168.7.2", "192.168.7.3"],
  fixed: new Map(),
  serverUrl: "http://192.168.7.1:8080",
  uefiLoaders: shimFirst,
  bootUuids: new BootUuids(),
  seats: noSeats,
  probesAddresses: false,
};

const open = (changes: Partial<DhcpServerOptions> = {}, leases: readonly Lease[] = []) =>
  new DhcpServer({ ...settings, ...changes }, leases);

interface Wish {
  readonly ciaddr?: string;
  readonly giaddr?: string;
  /** Option 50. */
  readonly asks?: string;
  /** Option 54. */
  readonly server?: string;
  readonly options?: Iterable<readonly [number, Uint8Array]>;
}

function packet(type: number, mac: MacAddress, wish: Wish = {}): DhcpPacket {
  const { ciaddr = noAddress, giaddr = noAddress, asks, server, options = [] } = wish;
  const given = new Map([[53, Uint8Array.of(type)], ...options]);
  if (asks !== undefined) given.set(50, quad(asks));
  if (server !== undefined) given.set(54, quad(server));
  const fixed = { op: 1, xid: 7, secs: 0, broadcast: false, sname: "", file: "" } as const;
  return { ...fixed, ciaddr, giaddr, yiaddr: noAddress, siaddr: noAddress, mac, options: given };
}

const sent = (actions: readonly DhcpAction[]) => {
  const found = actions.filter((action) => action.type === "send");
  assert(found.length <= 1);
  return found[0];
};
const probeIn = (actions: readonly DhcpAction[]): Probe => {
  const [probe, ...more] = actions.filter((action) => action.type === "probe");
  assert(probe !== undefined && more.length === 0, JSON.stringify(actions));
  return probe;
};
const facts = (actions: readonly DhcpAction[]): DhcpFact["kind"][] =>
  actions.flatMap((action) => (action.type === "fact" ? [action.fact.kind] : []));

/** Like a client: DISCOVER, then REQUEST of what was offered; the address, or undefined. */
function boot(server: DhcpServer, mac: MacAddress, now = start): string | undefined {
  const offer = sent(server.handle(packet(dhcpType.discover, mac), now));
  if (offer === undefined) return undefined;
  const asks = offer.packet.yiaddr;
  const wish = { asks, server: settings.serverAddress };
  const answer = sent(server.handle(packet(dhcpType.request, mac, wish), now));
  assert.equal(answer && messageType(answer.packet), dhcpType.ack);
  return answer?.packet.yiaddr;
}

/** What became of a REQUEST. */
function request(
  server: DhcpServer,
  mac: MacAddress,
  wish: Wish,
  now = start,
): "ack" | "nak" | "silence" {
  const answer = sent(server.handle(packet(dhcpType.request, mac, wish), now));
  if (answer === undefined) return "silence";
  return messageType(answer.packet) === dhcpType.ack ? "ack" : "nak";
}

test("DISCOVER, OFFER, REQUEST, ACK: the settings, the lease stored before the ACK", () => {
  const server = open();
  const offer = server.handle(packet(dhcpType.discover, macOf(1)), start);
  assert.deepEqual(facts(offer), ["offered"]);
  assert.deepEqual(
    offer.filter(({ type }) => type === "save"),
    [],
    "an offer is no lease",
  );
  const wish = { asks: "192.168.7.10", server: "192.168.7.1" };
  const actions = server.handle(packet(dhcpType.request, macOf(1), wish), start);
  assert.deepEqual(
    actions.map(({ type }) => type),
    ["save", "send", "fact"],
  );
  assert.deepEqual(actions[0], {
    type: "save",
    lease: { mac: macOf(1), address: "192.168.7.10", expiresAt: start + 1_000_000 },
  });
  const ack = sent(actions)?.packet;
  assert(ack !== undefined);
  const values = Object.fromEntries([...ack.options].map(([code, value]) => [code, [...value]]));
  assert.deepEqual(values, {
    1: [255, 255, 255, 0],
    3: [192, 168, 7, 254],
    6: [192, 168, 7, 2, 192, 168, 7, 3],
    28: [192, 168, 7, 255],
    51: [0, 0, 3, 232],
    53: [5],
    54: [192, 168, 7, 1],
    58: [0, 0, 1, 244],
    59: [0, 0, 3, 107],
  });
});

test("each PC has its own address, and the same one each time, also after it expired", () => {
  const server = open();
  const first = [1, 2].map((index) => boot(server, macOf(index)));
  assert.deepEqual(first, ["192.168.7.10", "192.168.7.11"]);
  assert.deepEqual(
    [2, 1].map((index) => boot(server, macOf(index), seconds(5000))),
    ["192.168.7.11", "192.168.7.10"],
  );
});

test("leases outlive the server", () => {
  const before = open();
  const leases: Lease[] = [];
  for (const index of [1, 2]) {
    const wish = { asks: `192.168.7.${13 - index}` };
    for (const action of before.handle(packet(dhcpType.request, macOf(index), wish), start))
      if (action.type === "save") leases.push(action.lease);
  }
  const after = open({}, leases);
  assert.equal(boot(after, macOf(3), seconds(10)), "192.168.7.10");
  assert.equal(boot(after, macOf(4), seconds(10)), undefined);
  assert.equal(boot(after, macOf(2), seconds(10)), "192.168.7.11");
  assert.equal(request(after, macOf(1), { ciaddr: "192.168.7.12" }, seconds(10)), "ack");
});

test("a full range is told, and served again when a lease has expired: the oldest goes, in the store too", () => {
  const server = open();
  for (const index of [2, 1, 3]) boot(server, macOf(index), seconds(index));
  const full = server.handle(packet(dhcpType.discover, macOf(4)), seconds(10));
  assert.deepEqual(facts(full), ["exhausted"]);
  assert.equal(sent(full), undefined);
  assert.equal(boot(server, macOf(4), seconds(1000.5)), undefined, "not before it has expired");
  // All three have run out, that of PC 1 first.
  const actions = server.handle(packet(dhcpType.discover, macOf(4)), seconds(2000));
  assert.equal(sent(actions)?.packet.yiaddr, "192.168.7.11");
  assert.deepEqual(actions[0], { type: "forget", mac: macOf(1) });
  assert.equal(boot(server, macOf(1), seconds(2001)), "192.168.7.10", "the next oldest, of PC 2");
});

test("an offer is kept for a minute, for this client only", () => {
  const server = open({ range: { first: number("192.168.7.10"), last: number("192.168.7.10") } });
  assert(sent(server.handle(packet(dhcpType.discover, macOf(1)), start)));
  assert.equal(request(server, macOf(2), { asks: "192.168.7.10" }, seconds(59)), "nak");
  assert.equal(request(server, macOf(2), { asks: "192.168.7.10" }, seconds(60)), "ack");
});

test("offers that nobody took give way at once, the oldest first; a lease never does", () => {
  const server = open();
  assert.equal(boot(server, macOf(1)), "192.168.7.10");
  for (let index = 100; index < 10_100; index++)
    assert(sent(server.handle(packet(dhcpType.discover, macOf(index)), seconds(index / 10_000))));
  assert.equal(boot(server, macOf(2), seconds(2)), "192.168.7.11");
  assert.equal(boot(server, macOf(3), seconds(2)), "192.168.7.12", "the younger offer goes last");
  const full = server.handle(packet(dhcpType.discover, macOf(4)), seconds(2));
  assert.deepEqual(facts(full), ["exhausted"]);
  assert.equal(request(server, macOf(1), { ciaddr: "192.168.7.10" }, seconds(2)), "ack");
});

test("an offer that gives way while its address is asked for is made to the new client alone", () => {
  const offered = (actions: readonly DhcpAction[]): readonly MacAddress[] =>
    actions.flatMap((action) => (action.type === "send" ? [action.packet.mac] : []));
  // With one address the new client's is asked for anew; with 300, too many are already.
  for (const count of [1, 300]) {
    const first = number("192.168.7.10");
    const range = { first, last: first + count - 1 };
    const server = open({ probesAddresses: true, netmask: "255.255.0.0", range });
    const asked = Array.from({ length: count }, (_, index) =>
      server.handle(packet(dhcpType.discover, macOf(1 + index)), seconds(index / 1000)),
    ).flat();
    const actions = server.handle(packet(dhcpType.discover, macOf(999)), seconds(1));
    for (const action of [...asked, ...actions])
      if (action.type === "probe" && action.address === "192.168.7.10")
        actions.push(...server.probed(action, [], seconds(1.1)));
    assert.deepEqual(offered(actions), [macOf(999)], `${count} addresses`);
  }
});

test("an address is offered by its own probe: one of whoever waited for it before says nothing of it", () => {
  const address = number("192.168.7.10");
  const server = open({ probesAddresses: true, range: { first: address, last: address } });
  const [before, own] = [1, 2].map((index) =>
    probeIn(server.handle(packet(dhcpType.discover, macOf(index)), seconds(index / 100))),
  ) as [Probe, Probe];
  assert.deepEqual(
    [before, own].map((probe) => server.isWaitingFor(probe)),
    [false, true],
  );
  // It ends with the second one, before anybody could have answered.
  assert.deepEqual(server.probed(before, [], seconds(0.02)), []);
  const heard = server.probed(own, [macOf(9)], seconds(0.05));
  assert.deepEqual(facts(heard), ["in-use", "occupied"]);
  assert.equal(sent(heard), undefined);
});

test("one client that declines every offer leaves the others their addresses", () => {
  const server = open({ range: { first: number("192.168.7.10"), last: number("192.168.7.49") } });
  for (let round = 0; round < 100; round++) {
    const asks = boot(server, macOf(1), seconds(round));
    assert(asks !== undefined);
    const wish = { asks, server: "192.168.7.1" };
    server.handle(packet(dhcpType.decline, macOf(1), wish), seconds(round));
  }
  const others = Array.from({ length: 40 }, (_, index) =>
    boot(server, macOf(10 + index), seconds(100)),
  );
  assert.equal(others.filter((address) => address !== undefined).length, 32);
  const later = Array.from({ length: 9 }, (_, index) =>
    boot(server, macOf(60 + index), seconds(701)),
  );
  assert.equal(later.filter((address) => address !== undefined).length, 8, "all of them come back");
});

test("many clients that decline every offer leave the others three quarters of the range", () => {
  const server = open({ range: { first: number("192.168.7.10"), last: number("192.168.7.39") } });
  for (let round = 0; round < 35; round++) {
    const mac = macOf(1 + (round % 5));
    const asks = boot(server, mac, seconds(round));
    assert(asks !== undefined, `${round} declines leave the next client an address`);
    server.handle(packet(dhcpType.decline, mac, { asks, server: "192.168.7.1" }), seconds(round));
  }
  const room = Array.from({ length: 30 }, (_, index) =>
    boot(server, macOf(20 + index), seconds(40)),
  );
  assert.equal(new Set(room.filter((address) => address !== undefined)).size, 23);
});

test("a declined address that comes back early is the last to be offered, and is asked for first", () => {
  const range = { first: number("192.168.7.10"), last: number("192.168.7.13") };
  const server = open({ probesAddresses: true, range });
  const owner = macOf(99);
  const probed: string[] = [];
  /** Like a client; nobody answers for an address but the one in use. */
  const offered = (mac: MacAddress, at: number): string | undefined => {
    let actions = server.handle(packet(dhcpType.discover, mac), seconds(at));
    for (;;) {
      const probe = actions.find((action) => action.type === "probe");
      if (probe === undefined) return sent(actions)?.packet.yiaddr;
      const { address } = probe;
      probed.push(address);
      actions = server.probed(probe, address === "192.168.7.10" ? [owner] : [], seconds(at));
    }
  };
  const lease = (mac: MacAddress, asks: string, at: number) =>
    assert.equal(request(server, mac, { asks }, seconds(at)), "ack");
  // Its owner is silent when it is asked for, and then speaks.
  lease(macOf(1), "192.168.7.10", 0);
  for (const [index, asks] of ["192.168.7.10", "192.168.7.11"].entries()) {
    lease(macOf(1 + index), asks, index);
    server.handle(packet(dhcpType.decline, macOf(1 + index), { asks }), seconds(index));
  }
  const boots = (index: number, at: number): string | undefined => {
    const address = offered(macOf(index), at);
    if (address !== undefined) lease(macOf(index), address, at);
    return address;
  };
  const room = [11, 12, 13].map((index) => boots(index, 5));
  assert.deepEqual(room, ["192.168.7.12", "192.168.7.13", undefined]);
  assert.deepEqual(probed, ["192.168.7.12", "192.168.7.13", "192.168.7.10"]);
  // It was found to be in use, which is nobody's word: more declines do not bring it back.
  for (const [index, asks] of ["192.168.7.12", "192.168.7.13"].entries())
    server.handle(packet(dhcpType.decline, macOf(11 + index), { asks }), seconds(6));
  const later = [14, 15, 16].map((index) => boots(index, 7));
  assert.deepEqual(later, ["192.168.7.11", "192.168.7.12", undefined]);
});

test("who takes another server's offer frees ours at once, and keeps no lease it had", () => {
  const server = open({ range: { first: number("192.168.7.10"), last: number("192.168.7.10") } });
  server.handle(packet(dhcpType.discover, macOf(1)), start);
  const elsewhere = { asks: "192.168.7.77", server: "192.168.7.5" };
  assert.equal(request(server, macOf(1), elsewhere), "silence");
  assert.equal(boot(server, macOf(2)), "192.168.7.10");
  // A running lease is not lost by it: the client may still use it until it expires.
  assert.equal(request(server, macOf(2), elsewhere), "silence");
  assert.equal(boot(server, macOf(1)), undefined);
});

test("a REQUEST without an offer: what is free is given, what is another's or from elsewhere is not", () => {
  const server = open();
  boot(server, macOf(1));
  assert.equal(request(server, macOf(2), { asks: "192.168.7.12" }), "ack", "rebooted, free");
  assert.equal(request(server, macOf(3), { asks: "192.168.7.12" }), "nak", "another's");
  assert.equal(request(server, macOf(1), { asks: "192.168.7.11" }), "nak", "has .10");
  assert.equal(request(server, macOf(1), { asks: "192.168.7.200" }), "nak", "has .10");
  assert.equal(request(server, macOf(3), { asks: "10.1.2.3" }), "nak", "from another network");
  assert.equal(request(server, macOf(3), { asks: "192.168.7.1" }), "nak", "the server's own");
  // Unknown, and not ours to judge: another server on this subnet may have given it.
  assert.equal(request(server, macOf(3), { asks: "192.168.7.200" }), "silence");
  assert.equal(request(server, macOf(3), { ciaddr: "192.168.7.200" }), "silence");
  const named = { asks: "192.168.7.200", server: "192.168.7.1" };
  assert.equal(request(server, macOf(3), named), "nak", "asked of us by name");
  assert.equal(request(server, macOf(3), {}), "silence", "asks for nothing");
});

test("a renewal goes to the client's address and lengthens the lease", () => {
  const server = open();
  boot(server, macOf(1));
  const actions = server.handle(
    packet(dhcpType.request, macOf(1), { ciaddr: "192.168.7.10" }),
    seconds(500),
  );
  const answer = sent(actions);
  assert.deepEqual([answer?.address, answer?.port], ["192.168.7.10", 68]);
  assert.equal(answer?.packet.ciaddr, "192.168.7.10");
  assert.equal(answer?.packet.yiaddr, "192.168.7.10");
  const saved = actions.find((action) => action.type === "save");
  assert.equal(saved?.type === "save" && saved.lease.expiresAt, seconds(1500));
});

test("a NAK is broadcast, with nothing in it but who says it", () => {
  const wish = { ciaddr: "10.1.2.3", options: [[61, text("me")]] as const };
  const answer = sent(open().handle(packet(dhcpType.request, macOf(1), wish), start));
  assert.deepEqual([answer?.address, answer?.port], ["255.255.255.255", 68]);
  assert.equal(answer?.packet.yiaddr, noAddress);
  assert.equal(answer?.packet.ciaddr, noAddress);
  assert.equal(answer?.packet.broadcast, true);
  assert.deepEqual([...(answer?.packet.options.keys() ?? [])], [53, 54, 61]);
});

test("a released address goes to the next; only its owner can release it, to its server", () => {
  const server = open({ range: { first: number("192.168.7.10"), last: number("192.168.7.10") } });
  boot(server, macOf(1));
  const release = (mac: MacAddress, wish: Wish) =>
    server.handle(packet(dhcpType.release, mac, wish), start);
  assert.deepEqual(release(macOf(2), { ciaddr: "192.168.7.10" }), []);
  assert.deepEqual(release(macOf(1), { ciaddr: "192.168.7.11" }), []);
  assert.deepEqual(release(macOf(1), { ciaddr: "192.168.7.10", server: "192.168.7.9" }), []);
  assert.equal(boot(server, macOf(2)), undefined);
  const actions = release(macOf(1), { ciaddr: "192.168.7.10", server: "192.168.7.1" });
  assert.deepEqual(actions[0], { type: "forget", mac: macOf(1) });
  assert.deepEqual(facts(actions), ["released"]);
  assert.equal(sent(actions), undefined, "a RELEASE has no answer");
  assert.equal(boot(server, macOf(2)), "192.168.7.10");
});

test("a declined address rests ten minutes; a stranger cannot decline the range away", () => {
  const server = open();
  for (const last of [10, 11, 12]) {
    const wish = { asks: `192.168.7.${last}`, server: "192.168.7.1" };
    assert.deepEqual(server.handle(packet(dhcpType.decline, macOf(9), wish), start), []);
  }
  assert.equal(boot(server, macOf(1)), "192.168.7.10");
  const wish = { asks: "192.168.7.10", server: "192.168.7.1" };
  const actions = server.handle(packet(dhcpType.decline, macOf(1), wish), start);
  assert.deepEqual(facts(actions), ["declined"]);
  assert.deepEqual(actions[0], { type: "forget", mac: macOf(1) });
  assert.equal(boot(server, macOf(1)), "192.168.7.11");
  assert.equal(request(server, macOf(2), { asks: "192.168.7.10" }, seconds(599)), "nak");
  assert.equal(request(server, macOf(2), { asks: "192.168.7.10" }, seconds(600)), "ack");
});

test("INFORM: the settings without an address, only to who is here", () => {
  const server = open();
  const inform = (ciaddr: string) =>
    sent(server.handle(packet(dhcpType.inform, macOf(1), { ciaddr }), start));
  const answer = inform("192.168.7.99");
  assert.equal(answer?.address, "192.168.7.99");
  assert.equal(answer?.packet.yiaddr, noAddress);
  for (const code of [51, 58, 59]) assert(!answer?.packet.options.has(code), `${code}`);
  assert.equal(answer && addressOption(answer.packet, 3), "192.168.7.254");
  assert.equal(inform(noAddress), undefined);
  assert.equal(inform("8.8.8.8"), undefined, "not a reflector");
});

test("fixed addresses: always theirs, nobody else's, inside of the range and outside", () => {
  const fixed = new Map([
    [macOf(1), "192.168.7.10"],
    [macOf(2), "192.168.7.50"],
  ]);
  const server = open({ fixed });
  assert.equal(boot(server, macOf(3)), "192.168.7.11");
  assert.equal(boot(server, macOf(1)), "192.168.7.10");
  assert.equal(boot(server, macOf(2)), "192.168.7.50");
  assert.equal(request(server, macOf(4), { asks: "192.168.7.50" }), "nak");
  assert.equal(request(server, macOf(4), { asks: "192.168.7.10" }), "nak");
  assert.equal(request(server, macOf(2), { ciaddr: "192.168.7.12" }), "nak", "moves to its own");
  assert.equal(request(server, macOf(2), { ciaddr: "192.168.7.50" }), "ack");
});

test("a fixed address that something else sits on: its PC gets one of the range meanwhile", () => {
  const leases = [{ mac: macOf(8), address: "192.168.7.10", expiresAt: start + 100_000 }];
  const server = open({ fixed: new Map([[macOf(1), "192.168.7.10"]]) }, []);
  boot(server, macOf(1));
  const wish = { asks: "192.168.7.10", server: "192.168.7.1" };
  assert.deepEqual(facts(server.handle(packet(dhcpType.decline, macOf(1), wish), start)), [
    "declined",
  ]);
  assert.equal(boot(server, macOf(1)), "192.168.7.11");
  assert.equal(boot(server, macOf(1), seconds(601)), "192.168.7.10", "and its own afterwards");
  // One that had the address before it was fixed has to let go of it.
  const changed = open({ fixed: new Map([[macOf(1), "192.168.7.10"]]) }, leases);
  assert.equal(request(changed, macOf(8), { ciaddr: "192.168.7.10" }), "nak");
  assert.equal(boot(changed, macOf(1)), "192.168.7.10");
});

test("a new address is asked for before it is offered; one that somebody has is left out", () => {
  const server = open({ probesAddresses: true });
  const probeAlone = (actions: readonly DhcpAction[], address: string): Probe => {
    const probe = probeIn(actions);
    assert.deepEqual([probe.address, actions.length], [address, 1]);
    return probe;
  };
  const discover = packet(dhcpType.discover, macOf(1));
  const first = probeAlone(server.handle(discover, start), "192.168.7.10");
  assert.deepEqual(server.handle(discover, seconds(0.1)), [], "asked again meanwhile");
  const taken = server.probed(first, [macOf(9)], seconds(0.2));
  assert.deepEqual(facts(taken), ["in-use"]);
  const second = probeAlone(taken.slice(1), "192.168.7.11");
  const offered = server.probed(second, [], seconds(0.4));
  assert.equal(sent(offered)?.packet.yiaddr, "192.168.7.11");
  assert.deepEqual(server.probed(second, [], seconds(0.4)), [], "said twice");
  // Its own address it gets without a question, and another PC is not given the one in use.
  assert.equal(sent(server.handle(discover, seconds(1)))?.packet.yiaddr, "192.168.7.11");
  const other = server.handle(packet(dhcpType.discover, macOf(2)), seconds(1));
  const third = probeAlone(other, "192.168.7.12");
  // A PC that answers to the address itself has it from an earlier stage of its boot.
  assert.equal(sent(server.probed(third, [macOf(2)], seconds(1)))?.packet.yiaddr, "192.168.7.12");
});

test("all addresses in use by strangers: told as such, once the questions are over", () => {
  const server = open({ probesAddresses: true });
  let actions = server.handle(packet(dhcpType.discover, macOf(1)), start);
  for (const host of [10, 11, 12]) {
    const probe = probeIn(actions);
    assert.equal(probe.address, `192.168.7.${host}`);
    actions = server.probed(probe, [macOf(9)], seconds(1));
  }
  assert.deepEqual(facts(actions), ["in-use", "occupied"]);
  assert.equal(boot(open({ probesAddresses: false }), macOf(1)), "192.168.7.10");
});

test("a relay of this subnet gets the answers, with its own option; one of elsewhere none", () => {
  const relayed = { giaddr: "192.168.7.2", options: [[82, text("port 7")]] as const };
  const server = open();
  const offer = sent(server.handle(packet(dhcpType.discover, macOf(1), relayed), start));
  assert.deepEqual([offer?.address, offer?.port], ["192.168.7.2", 67]);
  assert.equal(offer?.packet.giaddr, "192.168.7.2");
  const [lastCode, lastValue] = [...(offer?.packet.options ?? [])].at(-1) ?? [];
  assert.equal(lastCode, 82, "RFC 3046: at the end");
  assert.deepEqual(lastValue, text("port 7"));
  const refused = sent(
    server.handle(packet(dhcpType.request, macOf(1), { ...relayed, asks: "10.0.0.1" }), start),
  );
  assert.deepEqual([refused?.address, refused?.port], ["192.168.7.2", 67]);
  assert.deepEqual(refused?.packet.options.get(82), text("port 7"));

  const foreign = server.handle(packet(dhcpType.discover, macOf(2), { giaddr: "10.9.0.1" }), start);
  assert.equal(sent(foreign), undefined);
  assert.deepEqual(facts(foreign), ["relayed"]);
});

/** As the boot loaders of all models say it. */
const raspberryPi = [
  [60, text("PXEClient:Arch:00000:UNDI:002001")],
  [93, Uint8Array.of(0, 0)],
] as const;
const withMaker = (maker: string): MacAddress => parseMac(`${maker}010203`) as MacAddress;

test("a Raspberry Pi says that it is a BIOS: it gets nothing, and it is said what asks", () => {
  const wish = { options: raspberryPi };
  const makers = ["28cdc1", "2ccf67", "88a29e", "b827eb", "d83add", "dca632", "e45f01"];
  for (const mac of makers.map(withMaker)) {
    const server = open();
    const actions = server.handle(packet(dhcpType.discover, mac, wish), start);
    assert.deepEqual(facts(actions), ["unsupported"]);
    assert.equal(sent(actions), undefined);
    const [said] = actions;
    assert.match(said?.type === "fact" ? said.fact.text : "", /Raspberry Pi/);
    assert.equal(boot(server, mac), "192.168.7.10", "its own system gets an address");
  }
  const pc = open().handle(packet(dhcpType.discover, withMaker("525400"), wish), start);
  assert.equal(sent(pc)?.packet.file, "undionly.kpxe", "a PC that says the same is one");
});

test("an ARM PC gets an address, and the log says why it does not boot", () => {
  const arm = (architecture: number, vendorClass: string) =>
    open().handle(
      packet(dhcpType.discover, macOf(1), {
        options: [
          [60, text(vendorClass)],
          [93, Uint8Array.of(0, architecture)],
        ],
      }),
      start,
    );
  for (const actions of [arm(11, "PXEClient:Arch:00011"), arm(19, "HTTPClient:Arch:00019")]) {
    assert.deepEqual(facts(actions), ["offered", "unsupported"]);
    assert.equal(sent(actions)?.packet.file, "");
    assert(!sent(actions)?.packet.options.has(67));
    const said = actions.at(-1);
    assert.match(said?.type === "fact" ? said.fact.text : "", /ARM/);
  }
});

test("the architecture is read from option 60 where 93 is missing; x64 firmware says 7 or 9", () => {
  const fileFor = (vendorClass: string, architecture?: number): string | undefined => {
    const options: [number, Uint8Array][] = [[60, text(vendorClass)]];
    if (architecture !== undefined) options.push([93, Uint8Array.of(0, architecture)]);
    return sent(open().handle(packet(dhcpType.discover, macOf(1), { options }), start))?.packet
      .file;
  };
  assert.equal(fileFor("PXEClient:Arch:00007:UNDI:003016"), "shimx64.efi");
  assert.equal(fileFor("PXEClient:Arch:00000:UNDI:002001"), "undionly.kpxe");
  assert.equal(fileFor("PXEClient"), "undionly.kpxe");
  assert.equal(fileFor("PXEClient:Arch:00009:UNDI:003016", 9), "shimx64.efi");
  assert.equal(fileFor("MSFT 5.0"), "");
});

test("not for us: replies, BOOTP, server's messages, MACs of no card", () => {
  const server = open();
  assert.deepEqual(server.handle({ ...packet(dhcpType.discover, macOf(1)), op: 2 }, start), []);
  for (const type of [dhcpType.offer, dhcpType.ack, dhcpType.nak, 0, 13])
    assert.deepEqual(facts(server.handle(packet(type, macOf(1)), start)), ["ignored"]);
  const bootp = { ...packet(dhcpType.discover, macOf(1)), options: new Map() };
  assert.deepEqual(facts(server.handle(bootp, start)), ["ignored"]);
  for (const mac of ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"]) {
    const actions = server.handle(packet(dhcpType.discover, mac as MacAddress), start);
    assert.deepEqual(facts(actions), ["ignored"], mac);
  }
});

/** What clients can do, in any order, at any pace. */
const step = fc.record({
  type: fc.constantFrom(
    dhcpType.discover,
    dhcpType.discover,
    dhcpType.request,
    dhcpType.request,
    dhcpType.release,
    dhcpType.decline,
  ),
  client: fc.integer({ min: 1, max: 6 }),
  host: fc.integer({ min: 8, max: 15 }),
  byName: fc.boolean(),
  waitSeconds: fc.constantFrom(0, 1, 40, 700),
});

test("no two clients ever hold the same address, and the store ends as the server does", () => {
  const fixed = new Map([[macOf(6), "192.168.7.11"]]);
  let granted = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
      const server = open({ fixed });
      const stored = new Map<string, Lease>();
      let now: number = start;
      for (const { type, client, host, byName, waitSeconds } of steps) {
        now += waitSeconds * 1000;
        const address = `192.168.7.${host}`;
        const wish =
          type === dhcpType.release
            ? { ciaddr: address }
            : { asks: address, ...(byName ? { server: "192.168.7.1" } : {}) };
        for (const action of server.handle(packet(type, macOf(client), wish), millis(now))) {
          if (action.type === "forget") stored.delete(action.mac);
          if (action.type !== "save") continue;
          granted++;
          stored.set(action.lease.mac, action.lease);
          for (const other of stored.values()) {
            if (other.mac === action.lease.mac || other.expiresAt <= now) continue;
            assert.notEqual(other.address, action.lease.address, "two clients with one address");
          }
          if (action.lease.mac !== macOf(6)) assert.notEqual(action.lease.address, "192.168.7.11");
        }
      }
      const alive = (lease: Lease): boolean => lease.expiresAt > now;
      const restarted = open({ fixed }, [...stored.values()]);
      for (const { mac, address } of [...stored.values()].filter(alive)) {
        if (fixed.has(mac)) continue;
        for (const each of [server, restarted])
          assert.equal(request(each, mac, { ciaddr: address }, millis(now)), "ack");
      }
    }),
    { numRuns: 500 },
  );
  assert(granted > 500, `${granted} leases: the steps must lead somewhere`);
});

test("who asks for an address whose lease has run out gets it, and the store forgets who had it", () => {
  const server = open({}, [{ mac: macOf(1), address: "192.168.7.10", expiresAt: start - 1 }]);
  const wish = { asks: "192.168.7.10" };
  const actions = server.handle(packet(dhcpType.request, macOf(2), wish), start);
  assert.deepEqual(
    actions.flatMap((action) => (action.type === "forget" ? [action.mac] : [])),
    [macOf(1)],
  );
  assert.deepEqual(
    actions.flatMap((action) => (action.type === "save" ? [action.lease.mac] : [])),
    [macOf(2)],
  );
});

test("a PC that gets its fixed address back gives up the one that it had meanwhile", () => {
  const fixed = new Map([[macOf(6), "192.168.7.11"]]);
  const server = open({ fixed });
  const wish = (asks: string) => ({ asks });
  server.handle(packet(dhcpType.discover, macOf(6)), start);
  server.handle(packet(dhcpType.decline, macOf(6), wish("192.168.7.11")), start);
  assert.equal(request(server, macOf(6), wish("192.168.7.10"), start), "ack");
  const later = millis(start + 700_000);
  const actions = server.handle(packet(dhcpType.discover, macOf(6)), later);
  assert.deepEqual(
    actions.flatMap((action) => (action.type === "forget" ? [action.mac] : [])),
    [macOf(6)],
  );
  assert.equal(request(server, macOf(2), wish("192.168.7.10"), later), "ack");
  assert.equal(request(server, macOf(6), wish("192.168.7.11"), later), "ack");
});

/** Of some PCs, which an operator may change at any time. */
function seatsOf(seats: Record<string, Partial<DhcpSeat>>): DhcpSeats {
  return {
    of: (mac) => (mac in seats ? { name: null, domain: null, address: null, ...seats[mac] } : null),
    isKept: (address) => Object.values(seats).some((seat) => seat.address === address),
  };
}

test("a PC gets the address of its seat, within the range and outside of it, and nobody else does", () => {
  const seats = seatsOf({
    [macOf(1)]: { address: "192.168.7.10" },
    [macOf(2)]: { address: "192.168.7.77" },
  });
  const server = open({ seats });
  assert.deepEqual(
    [3, 1, 2, 4].map((index) => boot(server, macOf(index))),
    ["192.168.7.11", "192.168.7.10", "192.168.7.77", "192.168.7.12"],
  );
  assert.equal(boot(server, macOf(5)), undefined, "what is left is kept");
  for (const asks of ["192.168.7.10", "192.168.7.77"])
    assert.equal(request(server, macOf(5), { asks, server: settings.serverAddress }), "nak");
  // The lease is stored, and comes back from there.
  const lease = (index: number, address: string): Lease => ({
    ...{ mac: macOf(index), address, expiresAt: seconds(9) },
  });
  const again = open({ seats }, [lease(2, "192.168.7.77"), lease(6, "192.168.7.10")]);
  assert.equal(request(again, macOf(2), { ciaddr: "192.168.7.77" }), "ack");
  assert.equal(
    boot(again, macOf(1)),
    "192.168.7.10",
    "what was leased to another is not his any more",
  );
});

test("an address that comes with a seat is for the next start: who renews keeps what he has until then", () => {
  const seats: Record<string, Partial<DhcpSeat>> = {};
  const server = open({ seats: seatsOf(seats) });
  const before = boot(server, macOf(1)) ?? "";
  seats[macOf(1)] = { address: "192.168.7.77" };
  assert.equal(request(server, macOf(1), { ciaddr: before }, seconds(500)), "ack");
  // RFC 2131 section 4.4.2: after a start it asks for what it had.
  assert.equal(request(server, macOf(1), { asks: before }, seconds(600)), "nak");
  assert.equal(boot(server, macOf(1), seconds(600)), "192.168.7.77");
  assert.equal(boot(server, macOf(2), seconds(600)), before, "what it had is free");
});

test("the configuration's address comes before that of a seat", () => {
  const seats = seatsOf({
    [macOf(1)]: { address: "192.168.7.77" },
    [macOf(2)]: { address: "192.168.7.88" },
  });
  const server = open({ seats, fixed: new Map([[macOf(1), "192.168.7.88"]]) });
  assert.equal(boot(server, macOf(1)), "192.168.7.88");
  assert.equal(boot(server, macOf(2)), "192.168.7.10");
});

test("name and domain are for who asks for them, and not for firmware", () => {
  const seats = seatsOf({ [macOf(1)]: { name: "lab1-a3", domain: "lab.example.org" } });
  const server = open({ seats });
  const named = (mac: MacAddress, ...options: [number, Uint8Array][]): (string | undefined)[] => {
    const answer = sent(server.handle(packet(dhcpType.discover, mac, { options }), start));
    return [12, 15].map((code) => answer && textOption(answer.packet, code));
  };
  const asks = (...codes: number[]): [number, Uint8Array] => [55, Uint8Array.from(codes)];
  assert.deepEqual(named(macOf(1), asks(1, 3, 12, 15)), ["lab1-a3", "lab.example.org"]);
  assert.deepEqual(named(macOf(1), asks(15)), [undefined, "lab.example.org"]);
  assert.deepEqual(named(macOf(1), asks(1, 3)), [undefined, undefined]);
  assert.deepEqual(named(macOf(1)), [undefined, undefined]);
  assert.deepEqual(named(macOf(2), asks(12, 15)), [undefined, undefined]);
  const firmware: [number, Uint8Array] = [60, text("PXEClient:Arch:00007:UNDI:003016")];
  assert.deepEqual(named(macOf(1), asks(12, 15), firmware), [undefined, undefined]);
});

/** A server that asks before it offers, and the hosts that answer it, in the order in which they do. */
function openAmong(
  answer: (address: string) => readonly MacAddress[],
  changes: Partial<DhcpServerOptions> = {},
) {
  const range = { first: number("192.168.7.100"), last: number("192.168.7.199") };
  const server = open({ probesAddresses: true, range, ...changes });
  const told: DhcpFact[] = [];
  return {
    server,
    told,
    /** Like a client, up to the offer; the address that it is offered. */
    discover(mac: MacAddress, at = 0): string | undefined {
      let actions = server.handle(packet(dhcpType.discover, mac), seconds(at));
      for (;;) {
        told.push(...actions.flatMap((action) => (action.type === "fact" ? [action.fact] : [])));
        const probe = actions.find((action) => action.type === "probe");
        if (probe === undefined) return sent(actions)?.packet.yiaddr;
        // As the prober does: it hears no more after the first that is not doubted.
        const all = answer(probe.address);
        const end = all.findIndex((each) => !probe.doubted.includes(each));
        actions = server.probed(probe, end < 0 ? all : all.slice(0, end + 1), seconds(at));
      }
    },
    facts: (kind: DhcpFact["kind"]) => told.filter((each) => each.kind === kind),
  };
}

test("a host that answers for every address keeps no PC from its address", () => {
  const proxy = macOf(99);
  const { discover, facts: all } = openAmong(() => [proxy]);
  const offered = Array.from({ length: 100 }, (_, index) => discover(macOf(1000 + index)));
  assert.equal(new Set(offered).size, 100, "what rested on its word is given, too");
  assert(offered.every((address) => address !== undefined));
  assert.equal(offered[0], "192.168.7.116");
  assert.deepEqual(
    all("in-use").map(({ address }) => address),
    Array.from({ length: 16 }, (_, index) => `192.168.7.${100 + index}`),
    "so many it may have",
  );
  assert(all("doubted").every(({ owner }) => owner === proxy));
  assert.equal(new Set(all("doubted").map(({ address }) => address)).size, 100);
  assert.deepEqual([...all("exhausted"), ...all("occupied")], []);
});

test("beside a host that answers for every address, another host keeps its own, whoever answers first", () => {
  const [proxy, printer] = [macOf(99), macOf(98)];
  const own = ["192.168.7.120", "192.168.7.130"];
  for (const isFirst of [true, false]) {
    const both = isFirst ? [printer, proxy] : [proxy, printer];
    const { discover, facts: all } = openAmong((address) =>
      own.includes(address) ? both : [proxy],
    );
    const offered = Array.from({ length: 98 }, (_, index) => discover(macOf(1000 + index)));
    assert.equal(new Set(offered).size, 98);
    assert(!own.some((address) => offered.includes(address)), String(isFirst));
    const printers = all("in-use").filter(({ owner }) => owner === printer);
    assert.deepEqual(
      printers.map(({ address }) => address),
      own,
    );
  }
});

test("of DISCOVERs that come at once each hears who else has its address, once a host is not believed", () => {
  const [proxy, printer] = [macOf(99), macOf(98)];
  const range = { first: number("192.168.7.100"), last: number("192.168.7.199") };
  const server = open({ probesAddresses: true, range });
  const waiting = Array.from({ length: 40 }, (_, index) =>
    probeIn(server.handle(packet(dhcpType.discover, macOf(1000 + index)), start)),
  );
  // The proxy is first everywhere, and ends each question; the printer comes after it.
  const again = waiting.flatMap((probe) => server.probed(probe, [proxy], seconds(0.01)));
  assert.equal(sent(again.filter(({ type }) => type === "send")), undefined);
  const last = again.findLast(
    (action) => action.type === "probe" && action.address === "192.168.7.139",
  );
  assert(last?.type === "probe" && last.doubted.includes(proxy));
  const heard = server.probed(last, [proxy, printer], seconds(0.2));
  assert.deepEqual(facts(heard), ["doubted", "in-use"]);
});

test("a host with several addresses is believed, and a fixed address on which a doubted one sat is its PC's again", () => {
  const router = macOf(99);
  const few = openAmong((address) => (/\.7\.10\d$/.test(address) ? [router] : []));
  const offered = Array.from({ length: 90 }, (_, index) => few.discover(macOf(1000 + index)));
  assert.equal(new Set(offered).size, 90);
  assert(!offered.some((address) => address === undefined || /\.7\.10\d$/.test(address)));
  assert.deepEqual(few.facts("doubted"), []);

  const fixed = new Map([[macOf(1), "192.168.7.50"]]);
  const { discover } = openAmong(() => [router], { fixed });
  assert.notEqual(discover(macOf(1)), "192.168.7.50", "it is in use");
  assert.equal(discover(macOf(1), 61), "192.168.7.50");
});

test("a host that was not heard for ten minutes is believed again", () => {
  const proxy = macOf(99);
  let isOn = true;
  const { discover, facts: all } = openAmong(() => (isOn ? [proxy] : []));
  discover(macOf(1), 0);
  discover(macOf(2), 300);
  const before = all("in-use").length;
  discover(macOf(3), 899);
  assert.equal(all("in-use").length, before);
  isOn = false;
  discover(macOf(4), 1400);
  isOn = true;
  discover(macOf(5), 1500);
  assert.equal(all("in-use").length, before + 16);
});

test("a host that answers by ever new MACs leaves nothing, which is told as such, and is asked for anew later", () => {
  let next = 5000;
  let isOn = true;
  const { discover, facts: all } = openAmong(() => (isOn ? [macOf(next++)] : []));
  assert.equal(discover(macOf(1)), undefined);
  assert.equal(all("in-use").length, 100);
  assert.equal(discover(macOf(2), 1), undefined);
  const text =
    "no free address left in 192.168.7.100-192.168.7.199: other hosts answer for 100 of them by ARP";
  assert.deepEqual(
    all("occupied").map(({ text: said }) => said),
    [text, text],
  );
  assert.equal(all("in-use").length, 100, "of what rests nobody is asked");
  isOn = false;
  assert.equal(discover(macOf(2), 601), "192.168.7.100");
});

test("hosts that are not believed are bounded: whichever was silent for longest is forgotten", () => {
  const range = { first: number("10.0.0.0"), last: number("10.0.255.255") };
  let answers = 0;
  const { discover, server } = openAmong(() => [macOf(20_000 + Math.floor(answers++ / 18))], {
    ...{ serverAddress: "10.1.0.1", netmask: "255.254.0.0", range },
  });
  for (let client = 0; client < 100; client++) assert(discover(macOf(1000 + client)) !== undefined);
  const probe = server
    .handle(packet(dhcpType.discover, macOf(9000)), seconds(1))
    .find((action) => action.type === "probe");
  assert(probe?.type === "probe");
  assert.equal(probe.doubted.length, 64);
  assert(probe.doubted.includes(macOf(20_099)) && !probe.doubted.includes(macOf(20_000)));
});

test("whatever MACs a host answers by, a DISCOVER comes to its end", () => {
  let answers = 0;
  // Each is doubted with its last answer, and the next one goes on in its place.
  const { discover, facts: all } = openAmong(() => {
    assert(++answers < 1000);
    return [macOf(20_000 + Math.floor(answers / 17))];
  });
  assert.equal(discover(macOf(1)), undefined);
  assert.deepEqual(
    all("occupied").map(({ text: said }) => said),
    ["other hosts answer by ARP for the 256 addresses that were tried for it"],
  );
});

test("leases that fill the range are told as before, though a few addresses are in use by others", () => {
  const {
    discover,
    server,
    facts: all,
  } = openAmong((address) =>
    /\.7\.1[0-3]\d$/.test(address) ? [macOf(5000 + (number(address) % 256))] : [],
  );
  for (let client = 0; client < 60; client++) {
    const asks = discover(macOf(1000 + client)) ?? "";
    assert.equal(request(server, macOf(1000 + client), { asks }), "ack");
  }
  assert.equal(discover(macOf(2000)), undefined);
  assert.equal(all("exhausted").length, 1);
  assert.deepEqual(all("occupied"), []);
});
