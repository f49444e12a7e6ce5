import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Sign } from "../../../core/session/sign.ts";
import { parseMac } from "../../../core/units/mac.ts";
import { BootProofs } from "../../../server/lab/boot-proofs.ts";

const mac = (number: number) =>
  parseMac(`52:54:00:00:00:${number.toString(16).padStart(2, "0")}`) ?? assert.fail();

/** PCs `p0`, `p1`, …, each with its MAC, at the wire's end. */
class Wire {
  readonly seen: [string, Sign][] = [];
  readonly asked: string[] = [];
  readonly answers = new Map<string, (banner: string | null, mac: string) => void>();
  readonly connected = new Set<string>();
  hear: ((number: number, address: string) => void) | null = null;
  tick: (() => void) | null = null;
  /** How often it was looked at what MACs a PC has. */
  looks = 0;
  readonly proofs = new BootProofs({
    hearArp: (heard) => {
      this.hear = (number, address) => heard(mac(number), address);
      return {
        [Symbol.dispose]: () => {
          this.hear = null;
        },
      };
    },
    askSsh: (address) => {
      this.asked.push(address);
      return new Promise((resolve) =>
        this.answers.set(address, (banner, of) =>
          resolve(banner === null ? null : { banner, mac: of }),
        ),
      );
    },
    macsOf: (pc) => {
      this.looks++;
      return [mac(Number(pc.slice(1)))];
    },
    pcsWith: (of) => [`p${Number.parseInt(of.slice(-2), 16)}`],
    isConnected: (pc) => this.connected.has(pc),
    seen: (pc, sign) => void this.seen.push([pc, sign]),
    every: (_, act) => {
      this.tick = act;
      return () => {
        this.tick = null;
      };
    },
  });

  await(...pcs: string[]): void {
    for (const pc of pcs) this.proofs.await(pc, true);
  }
}

test("a PC that speaks ARP costs no look at the others that are waited for", () => {
  const wire = new Wire();
  wire.await(...Array.from({ length: 200 }, (_, number) => `p${number}`));
  wire.hear?.(7, "10.77.0.5");
  assert.deepEqual(wire.seen, [["p7", { kind: "arp", address: "10.77.0.5" }]]);
  assert(wire.looks <= 1, `${wire.looks} looks`);
});

test("ARP is heard and SSH is asked only while somebody waits", () => {
  const wire = new Wire();
  assert.deepEqual([wire.hear, wire.tick], [null, null]);
  wire.await("p1");
  assert(wire.hear !== null && wire.tick !== null);
  wire.hear(1, "10.77.0.5");
  wire.hear(2, "10.77.0.6");
  assert.deepEqual(wire.seen, [["p1", { kind: "arp", address: "10.77.0.5" }]]);
  wire.proofs.await("p1", false);
  assert.deepEqual([wire.hear, wire.tick], [null, null]);
});

test("an SSH server counts when its address is the PC's own", async () => {
  const wire = new Wire();
  wire.await("p1");
  wire.hear?.(1, "10.77.0.5");
  wire.tick?.();
  wire.answers.get("10.77.0.5")?.("SSH-2.0-x", mac(9));
  await turn();
  assert.equal(wire.seen.length, 1, "somebody else has the address by now");
  wire.tick?.();
  wire.answers.get("10.77.0.5")?.("SSH-2.0-x", mac(1));
  await turn();
  assert.deepEqual(wire.seen[1], [
    "p1",
    { kind: "ssh", address: "10.77.0.5", banner: "SSH-2.0-x" },
  ]);
});

test("a room is asked a few at a time, and each has its turn", async () => {
  const wire = new Wire();
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  wire.await(...numbers.map((number) => `p${number}`));
  for (const number of numbers) wire.hear?.(number, `10.77.0.${number}`);
  for (let round = 0; round < 3; round++) {
    wire.tick?.();
    assert(wire.asked.length <= 8 * (round + 1));
    for (const answer of wire.answers.values()) answer(null, "");
    await turn();
  }
  assert.equal(new Set(wire.asked).size, 20);
});

test("a PC whose agent is there is not asked", () => {
  const wire = new Wire();
  wire.connected.add("p1");
  wire.await("p1");
  wire.hear?.(1, "10.77.0.5");
  wire.tick?.();
  assert.deepEqual(wire.asked, []);
});

test("what asks for an address is told, and where to ask it for SSH", () => {
  const wire = new Wire();
  wire.await("p1");
  const asker = { kind: "loader" } as const;
  wire.proofs.heardDhcp(mac(1), { asker, address: "10.77.0.7" });
  wire.tick?.();
  assert.deepEqual(wire.seen, [["p1", { kind: "loader" }]]);
  assert.deepEqual(wire.asked, ["10.77.0.7"]);
});

test("a system that asks for an address is told with its name, without any ARP", () => {
  const wire = new Wire();
  wire.await("p1");
  const asker = { kind: "system", system: "Windows", host: "LAB1-A3" } as const;
  wire.proofs.heardDhcp(mac(1), { asker, address: null });
  assert.deepEqual(wire.seen, [["p1", { kind: "dhcp", system: "Windows", host: "LAB1-A3" }]]);
});
