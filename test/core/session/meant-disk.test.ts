/** However often an order reaches a PC, it is for the disk that it was first meant for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Order, PcId } from "../../../core/session/kind.ts";
import { chooseSource, chooseTarget, meantBy, meantOf } from "../../../core/session/target.ts";
import { anyDisk } from "../../../core/wire/disk-policy.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { castKeys } from "../cast/keys.ts";
import * as play from "./play.ts";
import { connected, lost, Played, planned, resumed } from "./play.ts";

const system: DiskView = { ...play.disk, model: "SSD", serial: "SYSTEM" };
const data: DiskView = { ...play.disk, path: "/dev/sdb", model: "HDD", serial: "DATA", size: 2e12 };
const at = (disk: DiskView, path: string): DiskView => ({ ...disk, path });
/** As the kernel names them in another boot. */
const swapped = [at(data, "/dev/sda"), at(system, "/dev/sdb")];
const alone = [at(data, "/dev/sda")];

const settings = {
  ...{ policy: anyDisk, grow: "none" as const, rateLimitBps: null, castKeys },
  grant: () => "",
};
const orderOf = (played: Played<"restore" | "cast" | "wipe" | "capture">, pc: PcId = "a"): Order =>
  played.kind.order(played.state, "s1", pc, settings);

/** What the PC does with the order: the disk's serial number, or why it refuses. */
function taken(order: Order, disks: readonly DiskView[]): string {
  const candidates = disks.map((disk) => ({ disk, inUse: null }));
  const choice =
    order.type === "restore" || order.type === "wipe"
      ? chooseTarget(candidates, order.disk, null, order.rule, order.meant)
      : chooseSource(candidates, order.disk, null, order.meant);
  return choice.kind === "disk" ? `${choice.disk.serial}` : `${choice.reason}: ${choice.next}`;
}

/** It says that it is ready with this disk, at the attempt that is wanted of it. */
const readyWith = (played: Played<"restore" | "cast">, disk: DiskView): void => {
  played.take({ ...play.ready("a", played.wanted.a), disk } as Parameters<
    Played<"cast">["take"]
  >[0]);
};

/** The ways in which it is ordered anew without being asked for: each ends with an order of a higher attempt. */
const ways: Record<string, (played: Played<"restore" | "cast">) => void> = {
  "after a reset": (played) => {
    played.take(lost("a"));
    played.take(connected("a"));
  },
  "after it was given up": (played) => {
    played.take(lost("a"));
    played.wait(31_000);
    played.take(connected("a"));
  },
  "let in again by an operator": (played) => {
    played.take(play.drop("a"));
    played.take({ type: "admit", pc: "a", meant: meantOf(at(data, "/dev/sda")) });
    played.take(connected("a"));
  },
};

const gone =
  /^this PC does not show the disk that its order is for: \/dev\/sda \(SSD, serial SYSTEM\): check that disk's cable; .* a retry takes the same disk \(it has \/dev\/sda \(HDD, serial DATA\)\)$/;

for (const [way, again] of Object.entries(ways))
  for (const disk of ["/dev/sda", null])
    for (const kind of ["restore", "cast"] as const)
      test(`a ${kind} of ${disk ?? "the room's choice"}, ordered ${way}, takes the same disk or none`, () => {
        const played: Played<"restore" | "cast"> =
          kind === "restore"
            ? new Played("restore", play.restoreSpec({ disk }))
            : new Played("cast", play.liveSpec({ disk, delta: true }));
        if (kind === "cast") {
          played.take(connected("s"));
          played.take(planned);
        }
        played.take(connected("a"));
        readyWith(played, system);
        // It keeps the session going.
        played.take(connected("b"));
        played.take(play.ready("b"));
        again(played);
        assert.equal(played.wanted.a, 2, "it is ordered anew");
        const order = orderOf(played);
        assert.equal(taken(order, [system, data]), "SYSTEM");
        assert.equal(taken(order, swapped), "SYSTEM");
        assert.match(taken(order, alone), gone);
      });

test("a canary that the server's restart came between takes the same disk or none", () => {
  const canary = [{ pc: "a", name: "a" }];
  const played = new Played("restore", play.restoreSpec({ disk: "sda", canary }));
  played.take(connected("a"));
  readyWith(played, system);
  played.take(resumed);
  played.take(connected("a"));
  assert.match(taken(orderOf(played), alone), gone);
});

test("before it has said which disk it takes, a PC is held to what the name meant when it was ordered", () => {
  const meant = { a: meantOf(system) };
  const played = new Played("restore", play.restoreSpec({ disk: "sda", meant }));
  played.take(connected("a"));
  assert.equal(taken(orderOf(played), swapped), "SYSTEM");
  assert.match(taken(orderOf(played), alone), gone);
  played.take(connected("b"));
  assert.equal(taken(orderOf(played, "b"), alone), "DATA", "of this PC nothing was known");
  played.take({ type: "admit", pc: "c", meant: meantOf(system) });
  played.take(connected("c"));
  assert.match(taken(orderOf(played, "c"), alone), gone);
});

test("a wipe, a capture and the sender of a live cast that begin anew take the same disk or none", () => {
  const [disk, meant] = ["/dev/sda", meantOf(system)];
  const works = [
    [new Played("wipe", { ...play.alone, disk, meant, method: "zero", failingDisks: [] }), "a"],
    [new Played("capture", { ...play.alone, disk, meant, name: "win", raw: false }), "a"],
    [new Played("cast", play.liveSpec({ sourceDisk: disk, sourceMeant: meant })), "s"],
  ] as const;
  for (const [played, pc] of works) {
    played.take(connected(pc));
    played.take(lost(pc));
    played.take(connected(pc));
    assert.equal(taken(orderOf(played, pc), swapped), "SYSTEM");
    assert.match(taken(orderOf(played, pc), alone), gone);
  }
});

test("a disk is known again by its serial number or WWN and size, and only without them by its name", () => {
  const again = (meant: DiskView, ...disks: DiskView[]): string =>
    taken({ ...orderOf(new Played("restore", play.restoreSpec())), meant: meantOf(meant) }, disks);
  assert.equal(again(system, { ...system, wwn: "0x5", model: "SSD 1" }), "SYSTEM");
  assert.match(again({ ...system, wwn: "0x5" }, { ...system, wwn: "0x6" }), /does not show/);
  assert.match(again(system, { ...system, size: 2e9 }), /does not show/);
  assert.match(again(system, { ...system, serial: null }), /does not show/);
  assert.match(again(system, system, at(system, "/dev/sdb")), /which of 2 disks is meant is not/);
  assert.match(again(system), /it shows no disks at all/);
  const plain: DiskView = { ...system, serial: null };
  assert.equal(again({ ...plain, wwn: "0x5" }, { ...plain, path: "/dev/sdb", wwn: "0x5" }), "null");
  assert.equal(again(plain, plain, at(plain, "/dev/sdb")), "null");
  assert.match(again(plain, at(plain, "/dev/sdb")), /does not show/);
  assert.match(again(plain, { ...plain, model: "HDD" }), /does not show/);
});

test("a name means a disk only where it cannot be taken for another", () => {
  assert.deepEqual(meantBy([system, data], "sda"), meantOf(system));
  assert.deepEqual(meantBy([system, data], "serial:DATA"), meantOf(data));
  const none = [
    [[system, data], null],
    [[system, data], "sdc"],
    [[system, at(system, "/dev/sdb")], "sda"],
  ] as const;
  for (const [disks, named] of none) assert.equal(meantBy(disks, named), null);
});
