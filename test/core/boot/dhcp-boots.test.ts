/** Every packet that firmware sent gets the right kind of answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BootUuids } from "../../../core/boot/boot-uuids.ts";
import { DhcpServer, type DhcpServerOptions } from "../../../core/boot/dhcp-server.ts";
import { millis } from "../../../core/units/units.ts";
import {
  addressOption,
  type DhcpPacket,
  decodeDhcp,
  dhcpType,
  encodeDhcp,
  messageType,
  textOption,
} from "../../../core/wire/dhcp/packet.ts";
import {
  bytesOf,
  decoded,
  type GoldenPacket,
  goldenRequests,
  hexOf,
  text,
  typeNumber,
} from "./golden.ts";
import { noSeats, shimFirst } from "./loaders.ts";

const options: DhcpServerOptions = {
  serverAddress: "10.77.0.1",
  netmask: "255.255.255.0",
  range: { first: 0x0a4d0064, last: 0x0a4d00c8 },
  leaseSeconds: 3600,
  router: null,
  dns: [],
  fixed: new Map(),
  serverUrl: "http://10.77.0.1:8080",
  uefiLoaders: shimFirst,
  bootUuids: new BootUuids(),
  seats: noSeats,
  probesAddresses: false,
};
const script = "http://10.77.0.1:8080/boot/ipxe/52-54-00-7e-00-01";

/** What the PC has to be told, from what it is: read off the packet's raw option bytes. */
function expected({ arch, options: raw }: GoldenPacket): { vendorClass?: string; file: string } {
  const latin = (code: string): string => Buffer.from(raw[code] ?? "", "hex").toString("latin1");
  const isIpxe = latin("77") === "iPXE";
  if (latin("60").startsWith("udhcp")) return { file: "" };
  if (arch === 16)
    return { vendorClass: "HTTPClient", file: "http://10.77.0.1:8080/boot/snponly.efi" };
  if (arch === 7) return { vendorClass: "PXEClient", file: isIpxe ? script : "shimx64.efi" };
  assert.equal(arch, 0);
  // All of the fixture's iPXE ROMs have HTTP, bzImage and menus.
  return { vendorClass: "PXEClient", file: isIpxe ? script : "undionly.kpxe" };
}

/** What was sent, through the codec as a client would see it; and whether its IPv6 wait was ended. */
function answerTo(packet: DhcpPacket) {
  const actions = new DhcpServer(options, []).handle(packet, millis(1e12));
  const sent = actions.filter((action) => action.type === "send");
  assert.equal(sent.length, 1);
  const [action] = sent;
  assert(action !== undefined);
  const { address, port } = action;
  const waits = actions.filter(({ type }) => type === "end-ipv6-wait");
  return { answer: decoded(encodeDhcp(action.packet)), address, port, waits };
}

const cases = goldenRequests.map((golden) => {
  const packet = decoded(bytesOf(golden));
  // Two boots had chosen the address of a DHCP server beside a proxy: as if it had been ours.
  const own = Uint8Array.of(10, 77, 0, 1);
  const settings = packet.options.has(54)
    ? new Map([...packet.options, [54, own]])
    : packet.options;
  return { golden, packet: { ...packet, options: settings } };
});

test("the fixture has each kind of client", () => {
  const kinds = new Set(cases.map(({ golden }) => expected(golden).file));
  assert.deepEqual(
    kinds,
    new Set(["", "shimx64.efi", script, "http://10.77.0.1:8080/boot/snponly.efi"]),
  );
  assert(cases.length >= 40, `${cases.length} packets`);
});

for (const [index, { golden, packet }] of cases.entries()) {
  const { vendorClass, file } = expected(golden);
  test(`${golden.boot} ${golden.type} #${index}: ${file || "an address alone"}`, () => {
    const { answer, address, port, waits } = answerTo(packet);
    const isOffer = typeNumber(golden) === dhcpType.discover;
    assert.equal(messageType(answer), isOffer ? dhcpType.offer : dhcpType.ack);
    assert.equal(answer.op, 2);
    assert.equal(answer.xid, packet.xid);
    assert.equal(answer.mac, packet.mac);
    assert.equal(answer.broadcast, packet.broadcast);
    assert.equal(addressOption(answer, 54), "10.77.0.1");
    assert.equal(answer.yiaddr, isOffer ? "10.77.0.100" : "10.77.0.154");
    assert.deepEqual([address, port], ["255.255.255.255", 68]);
    assert.equal(addressOption(answer, 1), "255.255.255.0");
    assert.deepEqual(answer.options.get(51), Uint8Array.of(0, 0, 14, 16));
    assert.equal(answer.file, file);
    assert.equal(textOption(answer, 67), file === "" ? undefined : file);
    assert.equal(textOption(answer, 60), vendorClass);
    assert.equal(answer.siaddr, file === "" ? "0.0.0.0" : "10.77.0.1");
    assert.equal(answer.options.has(43), vendorClass === "PXEClient");
    assert.deepEqual(
      answer.options.get(97),
      vendorClass === "PXEClient" ? packet.options.get(97) : undefined,
    );
    assert.deepEqual(answer.options.get(61), packet.options.get(61), "RFC 6842");
    // iPXE need not wait for a proxyDHCP, nor for an IPv6 router.
    assert.deepEqual(
      waits,
      packet.options.has(175) ? [{ type: "end-ipv6-wait", mac: packet.mac }] : [],
    );
    const noProxy = packet.options.has(175) ? Uint8Array.of(176, 1, 1) : undefined;
    assert.deepEqual(answer.options.get(175), noProxy);
    assert(
      encodeDhcp(answer).length <= 548,
      "the 576 bytes that every client takes (RFC 2131 section 2)",
    );
  });
}

test("a ROM's iPXE is kept only if it has HTTP, bzImage and menus; others get undionly over it", () => {
  const rom = cases.find(({ golden }) => golden.boot === "bios-ipxe-rom-virtio")?.packet;
  assert(rom !== undefined);
  const features = rom.options.get(175) as Uint8Array;
  const fileFor = (change: readonly [number, Uint8Array]): string =>
    answerTo({ ...rom, options: new Map([...rom.options, change]) }).answer.file;
  assert.equal(fileFor([175, features]), script);
  for (const feature of [0x13, 0x18, 0x27]) {
    const at = features.findIndex((code, index) => code === feature && features[index + 1] === 1);
    assert.notEqual(at, -1);
    assert.equal(fileFor([175, features.with(at + 2, 0)]), "undionly.kpxe", `without ${feature}`);
    assert.equal(fileFor([175, features.with(at, 0x7f)]), "undionly.kpxe", `without ${feature}`);
    assert.equal(fileFor([175, features.slice(0, at)]), "undionly.kpxe", "cut off");
  }
  assert.equal(fileFor([77, text("PXE of somebody")]), "undionly.kpxe", "no iPXE");
  // undionly itself, which says a bare PXEClient, is never loaded over itself.
  const own = {
    ...rom,
    options: new Map([...rom.options, [60, text("PXEClient")], [175, Uint8Array.of(0xb1)]]),
  } as DhcpPacket;
  assert.equal(answerTo(own).answer.file, script);
});

test("a PC has one address through firmware, loader and kernel", () => {
  for (const boot of new Set(cases.map(({ golden }) => golden.boot))) {
    const server = new DhcpServer(options, []);
    const addresses = cases
      .filter(({ golden }) => golden.boot === boot)
      .flatMap(({ packet }, index) => {
        const asked = packet.options.has(50)
          ? new Map([...packet.options, [50, Uint8Array.of(10, 77, 0, 100)]])
          : packet.options;
        return server.handle({ ...packet, options: asked }, millis(1e12 + index * 1000));
      })
      .flatMap((action) => (action.type === "send" ? [action.packet.yiaddr] : []));
    assert(addresses.length >= 4);
    assert.deepEqual(new Set(addresses), new Set(["10.77.0.100"]), boot);
  }
});

test("no damaged packet makes the server throw, or answer somewhere else than on its own subnet", () => {
  const server = new DhcpServer(options, []);
  let answers = 0;
  const damaged = fc.tuple(
    fc.constantFrom(...goldenRequests.map(bytesOf)),
    fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 10 }),
  );
  fc.assert(
    fc.property(damaged, ([bytes, changes]) => {
      const copy = bytes.slice();
      for (const [offset, value] of changes) if (offset < copy.length) copy[offset] = value;
      const result = decodeDhcp(copy);
      if (!result.ok) return;
      for (const action of server.handle(result.value, millis(1e12))) {
        if (action.type !== "send") continue;
        answers++;
        assert(decodeDhcp(encodeDhcp(action.packet)).ok);
        assert.match(action.address, /^10\.77\.0\.\d+$|^255\.255\.255\.255$/);
      }
    }),
    { numRuns: 3000 },
  );
  assert(answers > 100);
});

test("what a machine calls itself is remembered from its boot, and only from a boot", () => {
  const uuids = new BootUuids();
  const booting = cases.find(({ packet }) => packet.options.has(97))?.packet;
  assert(booting !== undefined);
  uuids.heard(booting);
  const hex = hexOf(booting.options.get(97) as Uint8Array);
  assert.equal(uuids.of(booting.mac), hex.slice(2));
  uuids.heard({ ...booting, options: new Map([[97, Uint8Array.of(0, 1, 2)]]) });
  assert.equal(uuids.of(booting.mac), hex.slice(2), "cut off: nothing is learnt");
  assert.equal(uuids.of("52:54:00:00:00:99"), null);
});
