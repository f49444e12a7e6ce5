import assert from "node:assert/strict";
import { test } from "node:test";
import { BootUuids } from "../../../core/boot/boot-uuids.ts";
import type { DhcpAction } from "../../../core/boot/dhcp-action.ts";
import { DhcpProxy } from "../../../core/boot/dhcp-proxy.ts";
import { UefiLoaders } from "../../../core/boot/uefi-loaders.ts";
import type { MacAddress } from "../../../core/units/mac.ts";
import {
  addressOption,
  type DhcpPacket,
  dhcpType,
  encodeDhcp,
  messageType,
  textOption,
} from "../../../core/wire/dhcp/packet.ts";
import { bytesOf, decoded, goldenRequests, text, typeNumber } from "./golden.ts";
import { ipxeAlone } from "./loaders.ts";

const proxy = new DhcpProxy({
  serverAddress: "10.77.0.1",
  netmask: "255.255.255.0",
  serverUrl: "http://10.77.0.1:8080",
  uefiLoaders: ipxeAlone,
  bootUuids: new BootUuids(),
});
const nowhere = { address: "0.0.0.0", port: 68 };

const sent = (actions: readonly DhcpAction[]) =>
  actions.flatMap((action) => (action.type === "send" ? [action] : []))[0];

const discovers = goldenRequests
  .map((golden) => ({ golden, packet: decoded(bytesOf(golden)) }))
  .filter(({ golden }) => typeNumber(golden) === dhcpType.discover);
const isBooting = ({ packet }: { packet: DhcpPacket }): boolean =>
  /^(PXE|HTTP)Client/.test(textOption(packet, 60) ?? "");

const booting = discovers.filter(isBooting);

test("each firmware's DISCOVER is told what to boot, with no address and no lease in it", () => {
  assert(booting.length >= 15);
  for (const { golden, packet } of booting) {
    const answer = sent(proxy.handle(packet, 67, nowhere));
    assert(answer !== undefined, golden.boot);
    assert.deepEqual([answer.address, answer.port], ["255.255.255.255", 68]);
    const read = decoded(encodeDhcp(answer.packet));
    assert.equal(messageType(read), dhcpType.offer);
    assert.equal(read.yiaddr, "0.0.0.0");
    for (const code of [1, 3, 6, 28, 50, 51, 58, 59]) assert(!read.options.has(code), `${code}`);
    assert.equal(addressOption(read, 54), "10.77.0.1");
    assert.equal(read.siaddr, "10.77.0.1");
    assert.match(textOption(read, 60) ?? "", /^(PXE|HTTP)Client$/);
    assert.match(read.file, /^undionly.kpxe$|^snponly.efi$|^http:\/\/10\.77\.0\.1:8080\/boot\//);
  }
});

test("with an image of the site's own: its shim by TFTP and by HTTP, in the PC's own folder", () => {
  let isOff = false;
  const own = new DhcpProxy({
    ...{ serverAddress: "10.77.0.1", netmask: "255.255.255.0" },
    ...{ serverUrl: "http://10.77.0.1:8080", bootUuids: new BootUuids() },
    uefiLoaders: new UefiLoaders({ signed: "image", isSecureBootOff: () => isOff }),
  });
  const found = (architecture: string) =>
    booting.find(({ golden }) => golden.options["93"] === architecture && !golden.options["77"])
      ?.packet as DhcpPacket;
  const file = (packet: DhcpPacket) => sent(own.handle(packet, 67, nowhere))?.packet.file;
  const [pxe, http] = [found("0007"), found("0010")];
  const folderOf = ({ mac }: DhcpPacket) => `secure/${mac.replaceAll(":", "-")}`;
  assert.equal(file(pxe), `${folderOf(pxe)}/shimx64.efi`);
  assert.equal(file(http), `http://10.77.0.1:8080/boot/${folderOf(http)}/shimx64.efi`);
  isOff = true;
  for (const [packet, loader] of [
    [pxe, "snponly.efi"],
    [http, "http://10.77.0.1:8080/boot/snponly.efi"],
  ] as const) {
    assert.equal(file(packet), loader);
    assert.match(file(packet) ?? "", /shimx64/, "it comes back as firmware: iPXE was refused");
  }
});

test("who is not booting, and what is between a PC and its own server, is left alone", () => {
  for (const { packet } of discovers.filter((each) => !isBooting(each)))
    assert.deepEqual(proxy.handle(packet, 67, nowhere), []);
  const packet = booting[0]?.packet as DhcpPacket;
  for (const type of [3, 4, 7, 8, 2, 5, 6, 0]) {
    const other = { ...packet, options: new Map([...packet.options, [53, Uint8Array.of(type)]]) };
    assert.deepEqual(proxy.handle(other, 67, nowhere), [], `type ${type}`);
  }
  assert.deepEqual(proxy.handle({ ...packet, op: 2 }, 67, nowhere), []);
});

test("port 4011: an ACK to the port that asked, on this subnet only", () => {
  const packet = booting[0]?.packet as DhcpPacket;
  const request = {
    ...packet,
    ciaddr: "10.77.0.50",
    options: new Map([...packet.options, [53, Uint8Array.of(dhcpType.request)]]),
  };
  const answer = sent(proxy.handle(request, 4011, { address: "10.77.0.50", port: 4011 }));
  assert.deepEqual([answer?.address, answer?.port], ["10.77.0.50", 4011]);
  assert.equal(answer && messageType(answer.packet), dhcpType.ack);
  assert.equal(answer?.packet.yiaddr, "0.0.0.0");
  assert.deepEqual(proxy.handle(request, 4011, { address: "8.8.8.8", port: 68 }), []);
  assert.deepEqual(proxy.handle(packet, 4011, { address: "10.77.0.50", port: 68 }), []);
});

test("a relay of this subnet gets the answer; who cannot boot here gets none, and it is said why", () => {
  const packet = booting[0]?.packet as DhcpPacket;
  const relayed = sent(proxy.handle({ ...packet, giaddr: "10.77.0.9" }, 67, nowhere));
  assert.deepEqual([relayed?.address, relayed?.port], ["10.77.0.9", 67]);
  const foreign = proxy.handle({ ...packet, giaddr: "10.9.9.9" }, 67, nowhere);
  assert.equal(sent(foreign), undefined);
  assert(foreign[0]?.type === "fact");
  assert.deepEqual([foreign[0].fact.kind, foreign[0].fact.address], ["relayed", "10.9.9.9"]);
  const arm = new Map([
    ...packet.options,
    [60, text("PXEClient:Arch:00011")],
    [93, Uint8Array.of(0, 11)],
  ] as const);
  const [said, ...rest] = proxy.handle({ ...packet, options: arm }, 67, nowhere);
  assert.deepEqual(rest, []);
  assert.match(said?.type === "fact" ? said.fact.text : "", /64-bit ARM is not supported/);
  const bios = [
    [60, text("PXEClient:Arch:00000:UNDI:002001")],
    [93, Uint8Array.of(0, 0)],
  ] as const;
  const pi = { ...packet, mac: "dc:a6:32:01:02:03" as MacAddress };
  const options = new Map<number, Uint8Array>([...packet.options, ...bios]);
  options.delete(77);
  const answers = proxy.handle({ ...pi, options }, 67, nowhere);
  assert.deepEqual(
    answers.map((each) => (each.type === "fact" ? each.fact.kind : each.type)),
    ["unsupported"],
  );
});
