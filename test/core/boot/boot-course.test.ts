/** The whole way: packets go to the real servers, and what they answer to the machine that follows the boots. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BootCourses } from "../../../core/boot/boot-course.ts";
import { BootUuids } from "../../../core/boot/boot-uuids.ts";
import type { DhcpAction } from "../../../core/boot/dhcp-action.ts";
import { DhcpProxy } from "../../../core/boot/dhcp-proxy.ts";
import { DhcpServer } from "../../../core/boot/dhcp-server.ts";
import { DhcpWatch } from "../../../core/boot/dhcp-watch.ts";
import { ipv4ToNumber } from "../../../core/units/ipv4.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";
import { type DhcpPacket, dhcpType, noAddress, u32Bytes } from "../../../core/wire/dhcp/packet.ts";
import { text } from "./golden.ts";
import { ipxeAlone, noSeats } from "./loaders.ts";

const number = (address: string): number => ipv4ToNumber(address) as number;
const quad = (address: string): Uint8Array => Uint8Array.from(u32Bytes(number(address)));
const pc = parseMac("525400000001") as MacAddress;
const seconds = (count: number) => millis(count * 1000);

const own = {
  ...{ serverAddress: "10.0.0.1", netmask: "255.255.255.0", serverUrl: "http://10.0.0.1:8080" },
  ...{ uefiLoaders: ipxeAlone, bootUuids: new BootUuids() },
};

const bios = "PXEClient:Arch:00000:UNDI:002001";
function packet(
  type: number,
  changes: Partial<DhcpPacket> = {},
  more: [number, Uint8Array][] = [],
) {
  const fixed = { op: 1, xid: 7, secs: 0, broadcast: true, sname: "", file: "" } as const;
  const none = { ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress };
  const options = new Map([[53, Uint8Array.of(type)], [60, text(bios)], ...more]);
  return { ...fixed, ...none, mac: pc, options, ...changes } as DhcpPacket;
}
const requests = (address: string, server: string) =>
  packet(dhcpType.request, {}, [
    [50, quad(address)],
    [54, quad(server)],
  ]);

/** A server of addresses, or a proxy, and what is known of the boots beside it. */
function open(mode: "server" | "proxy" | "off", last = "10.0.0.59") {
  const courses = new BootCourses(mode);
  const range = { first: number("10.0.0.50"), last: number(last) };
  const full = { range, leaseSeconds: 600, router: null, dns: [], fixed: new Map() };
  const server = new DhcpServer({ ...own, ...full, seats: noSeats, probesAddresses: false }, []);
  const proxy = new DhcpProxy(own);
  const nowhere = { address: noAddress, port: 68 };
  return {
    courses,
    says(said: DhcpPacket, at: number): DhcpAction[] {
      courses.asked(said, seconds(at));
      const answers = {
        server: () => server.handle(said, seconds(at)),
        proxy: () => proxy.handle(said, 67, nowhere),
        off: () => [],
      };
      const actions = answers[mode]();
      for (const action of actions)
        if (action.type === "fact") courses.answered(action.fact, seconds(at));
      return actions;
    },
    trouble: (at: number, mac = pc) => courses.troubles(seconds(at)).get(mac) ?? null,
  };
}

test("firmware that asks at 0, 4, 12 and 28 s and takes no offer", () => {
  const { says, trouble } = open("server");
  says(packet(dhcpType.discover), 0);
  says(packet(dhcpType.discover), 4);
  assert.equal(trouble(11), null, "that is nothing yet");
  says(packet(dhcpType.discover), 12);
  assert.match(trouble(12) ?? "", /^has asked 3 times in 12 s and takes no offer: /);
  says(packet(dhcpType.discover), 28);
  assert.match(
    trouble(29) ?? "",
    /^has asked 4 times in 28 s and takes no offer: another DHCP server's answer comes first, or .* \(VLAN, port security\)$/,
  );
  says(requests("10.0.0.50", "10.0.0.1"), 30);
  assert.equal(trouble(31), null, "it has taken one");
});

test("who has its address and never asks for what it was told to load, by TFTP or HTTP", () => {
  const { says, trouble, courses } = open("server");
  says(packet(dhcpType.discover), 0);
  says(requests("10.0.0.50", "10.0.0.1"), 1);
  assert.equal(trouble(20), null);
  assert.match(
    trouble(22) ?? "",
    /^has its address 10\.0\.0\.50 and was told to load undionly\.kpxe by TFTP, and never asked for it: .*UDP port 69/,
  );
  // It is switched off and on: that is no news, and no progress.
  says(packet(dhcpType.discover), 40);
  says(requests("10.0.0.50", "10.0.0.1"), 41);
  assert.match(trouble(42) ?? "", /never asked/);
  courses.fetches("10.0.0.50", "undionly.kpxe", seconds(42));
  assert.equal(trouble(100), null, "it has asked");
  const ipxe: [number, Uint8Array][] = [
    [60, text("PXEClient")],
    [77, text("iPXE")],
  ];
  says(packet(dhcpType.discover, {}, ipxe), 101);
  const taken = [...ipxe, [50, quad("10.0.0.50")], [54, quad("10.0.0.1")]] as [
    number,
    Uint8Array,
  ][];
  says(packet(dhcpType.request, {}, taken), 102);
  assert.match(trouble(123) ?? "", /told to load \/boot\/ipxe\/52-54-00-00-00-01 by HTTP/);
  courses.gotScript(pc, null, seconds(123));
  assert.equal(trouble(124), null);
});

test("beside another server of addresses: what the PC takes there it tells all", () => {
  const { says, trouble, courses } = open("proxy");
  for (const at of [0, 4, 12]) says(packet(dhcpType.discover), at);
  assert.match(trouble(12) ?? "", /takes no address: the network's DHCP server does not answer it/);
  says(requests("10.0.0.77", "10.0.0.9"), 13);
  assert.equal(trouble(14), null);
  assert.match(trouble(34) ?? "", /^has its address 10\.0\.0\.77 and was told to load undionly/);
  assert.equal(courses.macAt("10.0.0.77"), pc);
  courses.fetches("10.0.0.77", "undionly.kpxe", seconds(35));
  assert.equal(trouble(35), null);
});

test("who has asked for a loader, and for nothing since; and who has its menu, and never asked for the kernel", () => {
  const { says, trouble, courses } = open("server");
  const kernel = { by: "HTTP", file: "vmlinuz" } as const;
  const starts = (at: number) => {
    says(packet(dhcpType.discover), at);
    says(requests("10.0.0.50", "10.0.0.1"), at);
  };
  for (const file of [
    "undionly.kpxe",
    "/boot/snponly.efi",
    "secure/52-54-00-00-00-01/shimx64.efi",
  ]) {
    starts(0);
    courses.fetches("10.0.0.50", file, seconds(1));
    assert.equal(trouble(60), null, "its link comes up anew");
    const name = file.slice(file.lastIndexOf("/") + 1);
    assert.match(trouble(61) ?? "", new RegExp(`^has asked for ${name}, and for nothing since: `));
  }
  starts(70);
  assert.equal(trouble(71), null, "it was started anew");
  courses.fetches("10.0.0.50", "shimx64.efi", seconds(71));
  courses.fetches("10.0.0.50", "grub/grub.cfg", seconds(72));
  assert.equal(trouble(200), null, "that is no loader");
  courses.gotScript(pc, kernel, seconds(200));
  assert.equal(trouble(259), null, "somebody reads the menu");
  assert.match(
    trouble(260) ?? "",
    /^has got its boot menu and was to load vmlinuz by HTTP, and never asked for it: /,
  );
  courses.fetches("10.0.0.50", "/boot/vmlinuz", seconds(261));
  assert.equal(trouble(400), null);
  courses.gotScript(pc, null, seconds(401));
  assert.equal(trouble(500), null, "it starts its own disk");
  courses.gotScript(pc, kernel, seconds(501));
  starts(502);
  courses.fetches("10.0.0.50", "undionly.kpxe", seconds(503));
  says(packet(dhcpType.discover), 510);
  assert.equal(trouble(600), null, "the loader goes on");
});

test("where DHCP is another's affair, what PCs ask is followed all the same", () => {
  const { says, trouble, courses } = open("off");
  for (const at of [0, 4, 12]) says(packet(dhcpType.discover), at);
  assert.match(
    trouble(12) ?? "",
    /^has asked 3 times in 12 s and takes no address: .*options 66 and 67/,
  );
  says(requests("10.0.0.77", "10.0.0.9"), 13);
  assert.equal(trouble(100), null, "what it was told to load is not known");
  courses.fetches("10.0.0.77", "undionly.kpxe", seconds(101));
  assert.match(trouble(161) ?? "", /^has asked for undionly\.kpxe, and for nothing since/);
  courses.stoodStill("10.0.0.77", "undionly.kpxe", seconds(162));
  assert.match(trouble(162) ?? "", /^asked for undionly\.kpxe by TFTP, and then took no more/);
  // Of a PC whose address was not seen it is not known what it asks for.
  const other = parseMac("525400000002") as MacAddress;
  says({ ...packet(dhcpType.discover), mac: other }, 170);
  for (const mac of [pc, other])
    courses.gotScript(mac, { by: "TFTP", file: "vmlinuz" }, seconds(171));
  assert.match(trouble(231) ?? "", /^has got its boot menu and was to load vmlinuz by TFTP/);
  assert.equal(trouble(231, other), null);
});

test("who takes another server's offer here is that one's affair; a system that runs is nobody's", () => {
  const { says, trouble } = open("server");
  for (const at of [0, 4, 12]) says(packet(dhcpType.discover), at);
  says(requests("10.0.0.77", "10.0.0.9"), 13);
  assert.equal(trouble(60), null);
  for (const at of [61, 65, 73]) says(packet(dhcpType.discover), at);
  assert.notEqual(trouble(74), null);
  says(packet(dhcpType.discover, { options: new Map([[53, Uint8Array.of(1)]]) }), 75);
  assert.equal(trouble(76), null);
});

test("who is offered nothing hears why, as do those who look after it", () => {
  const { says, trouble } = open("server", "10.0.0.50");
  const other = parseMac("525400000002") as MacAddress;
  says({ ...packet(dhcpType.discover), mac: other }, 0);
  says({ ...requests("10.0.0.50", "10.0.0.1"), mac: other }, 0);
  for (const at of [1, 5, 13]) says(packet(dhcpType.discover), at);
  assert.match(
    trouble(14) ?? "",
    /offered nothing: no free address left in 10\.0\.0\.50-10\.0\.0\.50/,
  );
});

test("what cannot boot here, and a transfer that stands still", () => {
  const { says, trouble, courses } = open("server");
  const pi = parseMac("dca632010203") as MacAddress;
  says({ ...packet(dhcpType.discover), mac: pi }, 0);
  assert.match(trouble(1, pi) ?? "", /^cannot boot from here: it is a Raspberry Pi/);
  says(packet(dhcpType.discover), 0);
  says(requests("10.0.0.50", "10.0.0.1"), 1);
  courses.fetches("10.0.0.50", "undionly.kpxe", seconds(2));
  courses.stoodStill("10.0.0.50", "undionly.kpxe", seconds(9));
  courses.stoodStill("10.0.0.200", "undionly.kpxe", seconds(9));
  assert.match(trouble(10) ?? "", /^asked for undionly\.kpxe by TFTP, and then took no more of it/);
  courses.fetches("10.0.0.50", "undionly.kpxe", seconds(11));
  assert.equal(trouble(11), null);
});

test("a relay of another network is told by its address, for a quarter of an hour", () => {
  for (const mode of ["server", "proxy"] as const) {
    const { says, courses, trouble } = open(mode);
    assert.deepEqual(courses.relayTexts("10.0.0.1", seconds(0)), []);
    says(packet(dhcpType.discover, { giaddr: "10.9.0.1" }), 0);
    const [said] = courses.relayTexts("10.0.0.1", seconds(10));
    assert.match(said ?? "", /^the relay 10\.9\.0\.1 brings what PCs of another network ask/);
    for (const at of [4, 12]) says(packet(dhcpType.discover, { giaddr: "10.9.0.1" }), at);
    assert.equal(trouble(13), null, "its PCs are not of this network");
    assert.deepEqual(courses.relayTexts("10.0.0.1", seconds(913)), []);
  }
});

test("what was silent for a quarter of an hour is forgotten", () => {
  const { says, trouble } = open("server");
  for (const at of [0, 4, 12]) says(packet(dhcpType.discover), at);
  assert.notEqual(trouble(900), null);
  assert.equal(trouble(913), null);
});

test("addresses that are declined one after another are told, with the MACs that declined them", () => {
  const courses = new BootCourses("server");
  const decline = (index: number, address: string, at: number) => {
    const mac = parseMac(`02000000000${index}`) as MacAddress;
    const fact = { kind: "declined", mac, xid: 1, address, text: "", loads: null } as const;
    courses.answered(fact, seconds(at));
    return courses.claims.declineTexts("10.0.0.1", seconds(at))[0] ?? null;
  };
  for (let round = 0; round < 9; round++)
    for (const host of [50, 51, 52]) assert.equal(decline(1, `10.0.0.${host}`, round), null);
  assert.match(
    decline(1, "10.0.0.53", 10) ?? "",
    /^4 addresses that 10\.0\.0\.1 gave were declined within a quarter of an hour, .* by 1 MAC \(02:00:00:00:00:01\)\. Look for/,
  );
  for (let index = 2; index <= 5; index++) decline(index, "10.0.0.53", 11);
  assert.match(
    decline(2, "10.0.0.54", 12) ?? "",
    /^5 addresses .* by 5 MACs \(02:00:00:00:00:01, 02:00:00:00:00:02, 02:00:00:00:00:03 and 2 more\)/,
  );
  assert.deepEqual(courses.claims.declineTexts("10.0.0.1", seconds(913)), [], "that is over");
  for (let index = 0; index < 3000; index++) decline(1, `10.1.${index >> 8}.${index & 255}`, 914);
  assert.match(courses.claims.declineTexts("10.0.0.1", seconds(914))[0] ?? "", /^1024 addresses/);
});

test("another roomcast that looks for servers is no PC that takes no offer", () => {
  const { says, trouble } = open("server");
  const watch = new DhcpWatch({ ownAddress: "10.0.0.2", ownMac: pc }, millis(0));
  for (let at = 0; at < 600; at += 60) says(watch.look(at, seconds(at)).packet, at);
  assert.equal(trouble(600), null);
});

test("invented PCs and relays do not fill the memory", () => {
  const { says, courses } = open("server");
  for (let index = 0; index < 3000; index++)
    says(packet(dhcpType.discover, { giaddr: `10.9.${index >> 8}.${index & 255}` }), 0);
  for (let index = 0; index < 3000; index++) {
    const mac = parseMac(`0200${index.toString(16).padStart(8, "0")}`) as MacAddress;
    for (const at of [0, 4, 12]) courses.asked({ ...packet(dhcpType.discover), mac }, seconds(at));
  }
  assert.equal(courses.troubles(seconds(13)).size, 1024);
  const [said] = courses.relayTexts("10.0.0.1", seconds(13));
  assert.equal(said?.match(/10\.9\./g)?.length, 16);
});
