/** A DHCP server whose disk is slow, or full: whom it answers, when, and in what order. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BootUuids } from "../../../../core/boot/boot-uuids.ts";
import { DhcpServer, type DhcpServerOptions } from "../../../../core/boot/dhcp-server.ts";
import type { Lease } from "../../../../core/boot/lease-pool.ts";
import { ipv4ToNumber } from "../../../../core/units/ipv4.ts";
import { type MacAddress, parseMac } from "../../../../core/units/mac.ts";
import { millis } from "../../../../core/units/units.ts";
import { type DhcpPacket, dhcpType, messageType } from "../../../../core/wire/dhcp/packet.ts";
import { dhcpLeases } from "../../../../server/gate/boot/dhcp-service.ts";
import { LeaseAnswers, type LeaseStore } from "../../../../server/gate/boot/lease-answers.ts";
import { openStateStore, type StateStore } from "../../../../server/state/state-store.ts";
import { noSeats, shimFirst } from "../../../core/boot/loaders.ts";

const number = (address: string): number => ipv4ToNumber(address) as number;
const subnet = { first: number("10.0.0.0"), last: number("10.0.0.255") };
const macOf = (index: number): MacAddress =>
  parseMac(`02000000${index.toString(16).padStart(4, "0")}`) as MacAddress;

const settings: DhcpServerOptions = {
  ...{ serverAddress: "10.0.0.1", netmask: "255.255.255.0", serverUrl: "http://10.0.0.1:8080" },
  range: { first: number("10.0.0.50"), last: number("10.0.0.59") },
  ...{ leaseSeconds: 600, router: null, dns: [], fixed: new Map(), seats: noSeats },
  ...{ uefiLoaders: shimFirst, bootUuids: new BootUuids(), probesAddresses: false },
};

/** The machine with what does its actions, and what was said: `type of the answer, MAC's last digit, xid`. */
class Desk {
  readonly said: string[] = [];
  readonly facts: string[] = [];
  readonly answers: LeaseAnswers;
  private readonly machine = new DhcpServer(settings, []);

  constructor(leases: Pick<LeaseStore, "save" | "remove">) {
    this.answers = new LeaseAnswers({
      leases,
      say: (action) => {
        if (action.type === "send") {
          const { packet } = action;
          this.said.push(`${messageType(packet)} ${packet.mac.at(-1)} ${packet.xid}`);
        } else if (action.type === "fact") this.facts.push(action.fact.text);
      },
      probe: () => assert.fail("nothing is asked for"),
      onError: (error) => assert.fail(error),
    });
  }

  hears(type: number, index: number, xid: number, address = `10.0.0.${50 + index}`): void {
    const mac = macOf(index);
    const none = "0.0.0.0";
    const asked = number(address);
    const quad = Uint8Array.of(
      asked >>> 24,
      (asked >>> 16) & 255,
      (asked >>> 8) & 255,
      asked & 255,
    );
    const packet = {
      ...{ op: 1, secs: 0, broadcast: true, sname: "", file: "", mac, xid },
      ...{ yiaddr: none, siaddr: none, giaddr: none },
      ciaddr: type === dhcpType.release ? address : none,
      options: new Map([
        [53, Uint8Array.of(type)],
        [50, quad],
      ]),
    } as DhcpPacket;
    this.answers.take(mac, subnet, this.machine.handle(packet, millis(1000)));
  }
}

const { discover, request, release, offer, ack } = dhcpType;

/** A disk that keeps what it is told to keep when it is let. */
class SlowDisk implements Pick<LeaseStore, "save" | "remove"> {
  readonly done: string[] = [];
  private readonly waiting: PromiseWithResolvers<void>[] = [];

  save({ mac }: Lease): Promise<void> {
    this.done.push(`save ${mac.at(-1)}`);
    const waiting = Promise.withResolvers<void>();
    this.waiting.push(waiting);
    return waiting.promise;
  }

  remove(mac: string): void {
    this.done.push(`remove ${mac.at(-1)}`);
  }

  async next(error?: Error): Promise<void> {
    const waiting = this.waiting.shift();
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
    await sleep(0);
  }
}

test("an ACK waits for its lease; another PC's offer does not", async () => {
  const disk = new SlowDisk();
  const desk = new Desk(disk);
  desk.hears(request, 1, 1);
  desk.hears(discover, 2, 2);
  await sleep(0);
  assert.deepEqual([desk.said, disk.done], [[`${offer} 2 2`], ["save 1"]]);
  await disk.next();
  assert.deepEqual(desk.said, [`${offer} 2 2`, `${ack} 1 1`]);
  desk.hears(discover, 1, 3);
  assert.equal(desk.said.at(-1), `${offer} 1 3`, "nothing of it waits any more");
});

test("what a PC asks while its first answer waits is answered after that, in the order in which it came", async () => {
  const disk = new SlowDisk();
  const desk = new Desk(disk);
  desk.hears(request, 1, 1);
  desk.hears(request, 1, 2);
  desk.hears(release, 1, 3);
  desk.hears(discover, 1, 4);
  await sleep(0);
  assert.deepEqual(desk.said, []);
  assert.deepEqual(disk.done, ["save 1", "save 1", "remove 1"]);
  await disk.next();
  assert.deepEqual(desk.said, [`${ack} 1 1`]);
  await disk.next();
  assert.deepEqual(desk.said, [`${ack} 1 1`, `${ack} 1 2`, `${offer} 1 4`]);
  assert.deepEqual(
    desk.facts.map((text) => text.split(" ")[0]),
    ["leased", "leased", "released", "offered"],
  );
});

test("of a lease that cannot be written down a PC hears all the same, and people do", async () => {
  const disk = new SlowDisk();
  const desk = new Desk(disk);
  desk.hears(request, 1, 1);
  await disk.next(new Error("the disk is full"));
  assert.deepEqual(desk.said, [`${ack} 1 1`]);
  assert.equal(
    desk.facts.at(-1),
    "its lease of 10.0.0.51 cannot be written down: the disk is full",
  );
});

test("the second answer is not sent before the first, whichever is durable sooner", async () => {
  const disk = new SlowDisk();
  const desk = new Desk(disk);
  const saves: PromiseWithResolvers<void>[] = [];
  disk.save = () => {
    const waiting = Promise.withResolvers<void>();
    saves.push(waiting);
    return waiting.promise;
  };
  desk.hears(request, 1, 1);
  desk.hears(request, 1, 2);
  saves[1]?.resolve();
  await sleep(0);
  assert.deepEqual(desk.said, []);
  saves[0]?.reject(new Error("full"));
  await sleep(0);
  assert.deepEqual(desk.said, [`${ack} 1 1`, `${ack} 1 2`]);
});

test("no packet is taken while 4096 answers wait for the disk", async () => {
  const disk = new SlowDisk();
  const desk = new Desk(disk);
  for (let number = 1; number < 4096; number++) desk.hears(request, 1, number);
  assert.equal(desk.answers.isFull, false);
  desk.hears(request, 1, 4096);
  assert.equal(desk.answers.isFull, true);
  await disk.next();
  assert.equal(desk.answers.isFull, false);
});

/** Takes all that is left on the disk of this folder. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
  } finally {
    closeSync(file);
  }
}

const closing = (store: StateStore): StateStore & Disposable =>
  Object.assign(store, { [Symbol.dispose]: () => store.close() });

test("a full disk: PCs get addresses, people are told, and what was granted meanwhile is on it when there is space", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-leases-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", folder]);
  try {
    {
      using store = closing(openStateStore(folder));
      const desk = new Desk(dhcpLeases(store));
      const until = async (isSo: () => boolean, act: () => void): Promise<void> => {
        for (let tries = 0; tries < 500 && !isSo(); tries++) {
          act();
          await sleep(10);
        }
        assert(isSo());
      };
      desk.hears(request, 1, 1);
      await until(
        () => desk.said.length > 0,
        () => {},
      );
      assert.deepEqual(desk.said, [`${ack} 1 1`]);
      fill(join(folder, "filler"));
      let xid = 2;
      // What has room in the file already is not refused.
      await until(
        () => desk.facts.some((text) => /full/.test(text)),
        () => desk.hears(request, 2, xid++),
      );
      assert.match(
        desk.facts.at(-1) ?? "",
        /^its lease of 10\.0\.0\.52 cannot be written down: .*\(saveLease\).*the disk is full$/,
      );
      assert.equal(desk.said.length, xid - 1, "each was answered");
      desk.hears(request, 3, xid);
      await sleep(20);
      assert.equal(
        desk.said.at(-1),
        `${ack} 3 ${xid}`,
        "a disk that has just refused is not asked",
      );
      rmSync(join(folder, "filler"));
      await until(
        () => desk.said.at(-1) === `${ack} 4 4`,
        () => desk.hears(request, 4, 4),
      );
    }
    using again = closing(openStateStore(folder));
    const macs = again.leases().map(({ mac }) => mac.at(-1));
    assert.deepEqual(macs.sort(), ["1", "2", "3", "4"]);
  } finally {
    // The disk may still be busy with what came last.
    execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true });
  }
});

test("a removal touches the PC's own record, and only where it is of the same subnet", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-leases-"));
  try {
    const store = openStateStore(folder);
    const leases = dhcpLeases(store);
    const lease = (index: number, address: string): Lease => ({
      ...{ mac: macOf(index), address, expiresAt: 9e12 },
    });
    const saved = [lease(1, "10.0.0.51"), lease(2, "10.0.0.52"), lease(3, "10.9.0.53")];
    await Promise.all(saved.map((each) => leases.save(each)));
    for (const { mac } of saved) leases.remove(mac, subnet);
    // It is somewhere else by the time of the removal, and saved once more after it.
    void leases.save(lease(1, "10.9.0.51"));
    leases.remove(macOf(1), subnet);
    void leases.save(lease(2, "10.0.0.54"));
    const everywhere = { first: 0, last: 0xffff_ffff };
    const kept = leases.load(everywhere).map(({ mac, address }) => `${mac.at(-1)} ${address}`);
    assert.deepEqual(kept.sort(), ["1 10.9.0.51", "2 10.0.0.54", "3 10.9.0.53"]);
    leases.remove(macOf(2), subnet);
    assert.deepEqual(leases.load(subnet), []);
    store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
