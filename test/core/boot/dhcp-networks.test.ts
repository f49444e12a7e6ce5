import assert from "node:assert/strict";
import { test } from "node:test";
import { BootUuids } from "../../../core/boot/boot-uuids.ts";
import type { DhcpAction } from "../../../core/boot/dhcp-action.ts";
import { DhcpNetworks } from "../../../core/boot/dhcp-networks.ts";
import { DhcpServer, type DhcpServerOptions } from "../../../core/boot/dhcp-server.ts";
import { ipv4ToNumber, ipv4ToText, subnetOf } from "../../../core/units/ipv4.ts";
import { parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";
import {
  addressOption,
  type DhcpPacket,
  dhcpType,
  noAddress,
  u32Bytes,
} from "../../../core/wire/dhcp/packet.ts";
import { text } from "./golden.ts";
import { noSeats, shimFirst } from "./loaders.ts";

const now = millis(1_700_000_000_000);
const mac = parseMac("020000000001");
assert(mac !== undefined);
const quad = (address: string): Uint8Array => Uint8Array.from(u32Bytes(ipv4ToNumber(address) ?? 0));
const number = (address: string): number => ipv4ToNumber(address) ?? 0;

const own: DhcpServerOptions = {
  ...{ serverAddress: "10.77.0.1", netmask: "255.255.255.0", serverUrl: "http://10.77.0.1:8080" },
  range: { first: number("10.77.0.50"), last: number("10.77.0.60") },
  ...{ leaseSeconds: 1000, router: null, dns: [], fixed: new Map(), seats: noSeats },
  ...{ uefiLoaders: shimFirst, bootUuids: new BootUuids(), probesAddresses: false },
};
const relayedBy = (third: number): DhcpServerOptions => ({
  ...own,
  relayedSubnet: `10.${third}.0.0`,
  range: { first: number(`10.${third}.0.100`), last: number(`10.${third}.0.110`) },
});
const subnetWith = (settings: DhcpServerOptions) => ({
  subnet: subnetOf(settings.relayedSubnet ?? settings.serverAddress, settings.netmask),
  machine: new DhcpServer(settings, []),
});
const open = (): DhcpNetworks =>
  new DhcpNetworks(subnetWith(own), [subnetWith(relayedBy(30)), subnetWith(relayedBy(31))]);

const packet = (
  type: number,
  { giaddr = noAddress, ciaddr = noAddress, asks = "", options = [] as [number, Uint8Array][] },
): DhcpPacket => ({
  ...{ op: 1, xid: 7, secs: 0, broadcast: false, yiaddr: noAddress, siaddr: noAddress, mac },
  ...{ giaddr, ciaddr, sname: "", file: "" },
  options: new Map([
    [53, Uint8Array.of(type)],
    ...options,
    ...(asks === "" ? [] : [[50, quad(asks)] as const]),
  ]),
});
const sent = ({ actions }: { readonly actions: readonly DhcpAction[] }) =>
  actions.find((action) => action.type === "send");

test("giaddr decides the range, the router and where the answer goes; option 82 comes back as it was", () => {
  const networks = open();
  for (const [giaddr, address] of [
    ["10.30.0.1", "10.30.0.100"],
    ["10.31.0.254", "10.31.0.100"],
  ] as const) {
    const options: [number, Uint8Array][] = [[82, text("port 7")]];
    const asked = networks.handle(packet(dhcpType.discover, { giaddr, options }), now);
    const offer = sent(asked);
    assert.deepEqual([offer?.address, offer?.port], [giaddr, 67]);
    assert.equal(offer?.packet.yiaddr, address);
    assert.equal(offer && addressOption(offer.packet, 3), giaddr, "the way out is the relay");
    assert.equal(offer && addressOption(offer.packet, 54), "10.77.0.1");
    assert.equal(offer && addressOption(offer.packet, 28), `${address.slice(0, 5)}.0.255`);
    assert.deepEqual([...(offer?.packet.options ?? [])].at(-1), [82, text("port 7")]);
    assert.equal(ipv4ToText(asked.subnet.first), `${address.slice(0, 5)}.0.0`);
    const ack = sent(networks.handle(packet(dhcpType.request, { giaddr, asks: address }), now));
    assert.deepEqual([ack?.address, ack?.packet.yiaddr], [giaddr, address]);
  }
});

test("one that renews asks without the relay, and is answered at its address", () => {
  const networks = open();
  networks.handle(packet(dhcpType.request, { giaddr: "10.30.0.1", asks: "10.30.0.105" }), now);
  const renewed = sent(networks.handle(packet(dhcpType.request, { ciaddr: "10.30.0.105" }), now));
  assert.deepEqual([renewed?.address, renewed?.port], ["10.30.0.105", 68]);
  assert.equal(renewed?.packet.yiaddr, "10.30.0.105");
  assert.equal(renewed && addressOption(renewed.packet, 3), undefined, "as it was told before");
});

test("the server's own network, and a relay of one that nobody has named", () => {
  const networks = open();
  assert.equal(
    sent(networks.handle(packet(dhcpType.discover, {}), now))?.packet.yiaddr,
    "10.77.0.50",
  );
  const { actions } = networks.handle(packet(dhcpType.discover, { giaddr: "10.32.0.1" }), now);
  assert.deepEqual(
    actions.map((action) => (action.type === "fact" ? action.fact.kind : action.type)),
    ["relayed"],
  );
});
