import assert from "node:assert/strict";
import { test } from "node:test";
import { BootUuids } from "../../../core/boot/boot-uuids.ts";
import { ackOrOffer, nak } from "../../../core/boot/dhcp-answer.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import {
  type DhcpPacket,
  dhcpType,
  encodeDhcp,
  noAddress,
} from "../../../core/wire/dhcp/packet.ts";
import { noSeats, shimFirst } from "./loaders.ts";

/** MTU 1500 − 20 IP − 8 UDP. */
const frameBytes = 1472;
const settings = {
  serverAddress: "10.77.0.1",
  netmask: "255.255.255.0",
  leaseSeconds: 3600,
  router: "10.77.0.254",
  dns: ["10.77.0.2", "10.77.0.3", "10.77.0.4"],
  serverUrl: "http://10.77.0.1:8080",
  uefiLoaders: shimFirst,
  bootUuids: new BootUuids(),
  seats: noSeats,
};

/** An iPXE's DISCOVER through a relay, with `length` bytes in each option that comes back to its sender. */
function request(length: number): DhcpPacket {
  const text = (value: string) => Uint8Array.from(Buffer.from(value, "latin1"));
  return {
    op: 1,
    xid: 1,
    secs: 0,
    broadcast: false,
    ciaddr: noAddress,
    yiaddr: noAddress,
    siaddr: noAddress,
    giaddr: "10.77.0.5",
    mac: parseMac("525400000001") as MacAddress,
    sname: "",
    file: "",
    options: new Map([
      [53, Uint8Array.of(dhcpType.discover)],
      [60, text("PXEClient")],
      [77, text("iPXE")],
      [93, Uint8Array.of(0, 7)],
      [175, Uint8Array.of(1, 1, 0)],
      ...[61, 82, 97].map((code) => [code, new Uint8Array(length).fill(7)] as const),
    ]),
  };
}

test("no request draws an answer that does not fit one frame", () => {
  for (const length of [1, 64, 65, 255, 256, 600, 1200, 60_000]) {
    for (const answer of [
      ackOrOffer(settings, request(length), dhcpType.offer, "10.77.0.9"),
      nak(settings, request(length)),
    ]) {
      const { length: bytes } = encodeDhcp(answer);
      assert.ok(bytes <= frameBytes, `${bytes} bytes for options of ${length}`);
    }
  }
});

test("a relay's option of up to 255 bytes goes back as it came, a longer one not", () => {
  const echoed = (length: number) =>
    ackOrOffer(settings, request(length), dhcpType.offer, "10.77.0.9").options.get(82)?.length;
  assert.deepEqual([1, 255, 256].map(echoed), [1, 255, undefined]);
  assert.equal(nak(settings, request(255)).options.get(82)?.length, 255);
});
