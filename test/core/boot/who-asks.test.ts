/** Who asks for an address: firmware and boot loaders as recorded, systems as recorded and as their sources say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { whoAsks } from "../../../core/boot/who-asks.ts";
import { type DhcpPacket, dhcpType } from "../../../core/wire/dhcp/packet.ts";
import { bytesOf, decoded, goldenPackets, text } from "./golden.ts";

interface RecordedSystem {
  readonly client: string;
  readonly type: string;
  readonly hex: string;
}

const systems = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../fixtures/dhcp-systems.json"), "utf8"),
) as RecordedSystem[];

const packet = (options: readonly (readonly [number, Uint8Array])[], ciaddr = "0.0.0.0") =>
  ({
    ...decoded(bytesOf(systems[0] as RecordedSystem)),
    ciaddr,
    options: new Map([[53, Uint8Array.of(dhcpType.request)] as const, ...options]),
  }) satisfies DhcpPacket;

const list = (...codes: number[]) => [55, Uint8Array.from(codes)] as const;
const vendor = (name: string) => [60, text(name)] as const;
const host = (name: string) => [12, text(name)] as const;

describe("no recorded packet of firmware, a boot loader or the boot image is a system's", () => {
  const sent = goldenPackets.filter(({ sentBy }) => sentBy === "firmware or boot loader");
  assert(sent.length > 40);
  for (const [index, golden] of sent.entries()) {
    test(`${golden.boot}, ${golden.type}, ${index}`, () => {
      const isImage = golden.options["60"] === Buffer.from("udhcp 1.35.0").toString("hex");
      const asked = whoAsks(decoded(bytesOf(golden)));
      assert.deepEqual(asked?.asker, { kind: isImage ? "agent" : "loader" });
    });
  }
});

test("what servers answer says nothing of who runs", () => {
  for (const golden of goldenPackets.filter(({ sentBy }) => sentBy === "dnsmasq"))
    assert.equal(whoAsks(decoded(bytesOf(golden))), null);
});

const names: Readonly<Record<string, readonly [string, string | null]>> = {
  "Debian 12, dhclient": ["Debian", "lab1-a3"],
  "Debian 12, dhcpcd": ["Linux (dhcpcd)", null],
  "Debian 12, systemd-networkd": ["Linux (systemd-networkd)", "lab1-a3"],
  "busybox udhcpc with a host name, as Alpine Linux runs it": ["Linux (busybox)", "lab1-a3"],
};

for (const recorded of systems) {
  test(`${recorded.client} is a system, ${recorded.type}`, () => {
    const [system, name] = names[recorded.client] ?? [];
    const asked = whoAsks(decoded(bytesOf(recorded)));
    assert.deepEqual(asked?.asker, { kind: "system", system, host: name });
  });
}

for (const [what, options, system] of [
  ["Windows", [vendor("MSFT 5.0"), list(1, 3, 6, 15, 31, 33, 43), host("LAB1-A3")], "Windows"],
  ["FreeBSD", [list(1, 28, 2, 121, 3, 15, 6, 12, 119), host("lab1-a3")], "FreeBSD"],
  ["macOS", [list(1, 121, 3, 6, 15, 108, 114, 119, 162, 252, 95, 44, 46)], "macOS"],
  [
    "NetworkManager",
    [list(1, 2, 6, 12, 15, 26, 28, 121, 3, 33, 40, 41, 42, 119, 249, 252, 17)],
    "Linux (NetworkManager)",
  ],
  ["NetBSD", [vendor("dhcpcd-9.4.1:NetBSD-10.0:amd64")], "NetBSD (dhcpcd)"],
  ["a system that nobody knows", [list(1, 3, 6)], null],
] as const) {
  test(`${what} by its class or its list`, () => {
    const asked = whoAsks(packet(options))?.asker;
    assert.equal(asked?.kind, "system");
    assert.equal(asked.kind === "system" ? asked.system : undefined, system);
  });
}

test("our own boot image says who it is", () => {
  assert.deepEqual(whoAsks(packet([vendor("roomcast"), list(1, 3, 6)]))?.asker, { kind: "agent" });
});

test("GRUB asks for a boot file, and is no system", () => {
  assert.deepEqual(whoAsks(packet([list(1, 3, 6, 15, 66, 67)]))?.asker, { kind: "loader" });
});

test("the address is the one that the client has, or asks for", () => {
  const asked = [50, Uint8Array.of(10, 77, 0, 5)] as const;
  assert.equal(whoAsks(packet([asked]))?.address, "10.77.0.5");
  assert.equal(whoAsks(packet([], "10.77.0.6"))?.address, "10.77.0.6");
  assert.equal(whoAsks(packet([]))?.address, null);
});

test("who lets go of an address is not coming up", () => {
  for (const type of [dhcpType.release, dhcpType.decline])
    assert.equal(whoAsks(packet([[53, Uint8Array.of(type)]])), null);
});

test("a host name that moves the cursor, or is too long, is harmless", () => {
  const named = (name: string) => {
    const asker = whoAsks(packet([host(name)]))?.asker;
    return asker?.kind === "system" ? asker.host : undefined;
  };
  assert.equal(named("\x1b[2Jpc"), "?[2Jpc");
  assert.equal(named("x".repeat(200))?.length, 63);
  assert.equal(named("  "), null);
});

test("whatever the options are, it answers", () => {
  const option = fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(option), (options) => {
      const asked = whoAsks(packet(options));
      if (asked?.asker.kind === "system") assert((asked.asker.host ?? "").length <= 63);
    }),
  );
});
