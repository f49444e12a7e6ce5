/** Which sessions are in the way of other work of the server: those at which PCs are, and no others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Input } from "../../../core/session/kind.ts";
import type { KindName, SpecOf } from "../../../core/session/registry.ts";
import { millis } from "../../../core/units/units.ts";
import { anyDisk } from "../../../core/wire/disk-policy.ts";
import { Engine } from "../../../server/lab/engine.ts";
import { holdsForms, sessionText, trafficOf } from "../../../server/lab/session-work.ts";
import { castKeys } from "../../core/cast/keys.ts";
import {
  alone,
  at,
  done,
  drop,
  liveSpec,
  planned,
  progress,
  ready,
  restoreSpec,
  root,
} from "../../core/session/play.ts";

/** A lab whose PCs are each on the network of their name, and the journal of which writes at once. */
class Desk {
  now = 0;
  readonly engine = new Engine({
    settingsOf: () => ({
      ...{ policy: anyDisk, grow: "none" as const, rateLimitBps: null, grant: () => "", castKeys },
    }),
  });

  get stamp() {
    return { at: millis(this.now), iso: `t${this.now}` };
  }

  begin<K extends KindName>(kind: K, spec: SpecOf<K>): void {
    this.engine.begin(1, kind, spec, this.stamp);
    this.write();
  }

  take(...inputs: Input[]): void {
    for (const input of inputs) this.engine.take("s1", input, this.stamp);
    this.write();
  }

  connect(...pcs: string[]): void {
    for (const pc of pcs) this.engine.connected(pc, null, this.stamp);
    this.write();
  }

  lose(pc: string, forMs: number): void {
    this.engine.lost(pc, "gone", this.stamp);
    this.now += forMs;
    this.engine.tick(this.stamp);
    this.write();
  }

  write(): void {
    while (this.engine.toWrite() !== null) this.engine.written(millis(this.now));
  }

  get isHeld(): boolean {
    return this.engine.all().some(holdsForms);
  }

  /** Where data moves. */
  get moving(): string {
    const traffic = trafficOf(this.engine.all(), (pc) => `net-${pc}`);
    return traffic.map(({ session, network }) => `${session.id} ${network}`).join(", ");
  }
}

test("a restore whose PCs are off is in nobody's way; one whose PCs were ordered is", () => {
  const desk = new Desk();
  desk.begin("restore", restoreSpec({ start: "all" }));
  desk.now += 1e9;
  assert.deepEqual([desk.isHeld, desk.moving], [false, ""]);
  assert.deepEqual(desk.engine.all().map(sessionText), ["session s1 (restore, room default)"]);

  desk.engine.connected("a", null, desk.stamp);
  assert.equal(desk.isHeld, true, "as soon as it is decided");
  desk.write();
  assert.deepEqual([desk.isHeld, desk.moving], [true, "s1 net-a"]);
  desk.take(ready("a"));
  assert.deepEqual([desk.isHeld, desk.moving], [true, ""], "it waits for the other");

  desk.lose("a", 1000);
  assert.deepEqual([desk.isHeld, desk.moving], [true, ""]);
  desk.now += 1e6;
  desk.engine.tick(desk.stamp);
  desk.write();
  assert.equal(desk.isHeld, true, "its agent may be back with what it knew");
  desk.take({ type: "stop" });
  assert.deepEqual([desk.isHeld, desk.moving], [false, ""]);
});

test("a PC that was off and was taken out of a restore knew nothing", () => {
  const desk = new Desk();
  desk.begin("restore", restoreSpec({ start: "all" }));
  desk.take(drop("a"));
  assert.equal(desk.isHeld, false);
});

test("a restore moves data until its PCs have all; it holds the forms until they have ended", () => {
  const desk = new Desk();
  desk.connect("a", "b");
  desk.begin("restore", restoreSpec({ proveBootMs: 1e6 }));
  desk.take(ready("a"), ready("b"));
  assert.equal(desk.moving, "s1 net-a, s1 net-b");
  desk.take(progress("a", "verifying"));
  assert.deepEqual([desk.isHeld, desk.moving], [true, "s1 net-b"]);
  desk.take(progress("b", "verifying"));
  assert.deepEqual([desk.isHeld, desk.moving], [true, ""]);
  for (const pc of ["a", "b"]) desk.engine.reported(pc, done(1, "verified", root), desk.stamp);
  assert.equal(desk.isHeld, true, "until that is written, too");
  desk.write();
  assert.equal(desk.engine.all().length, 1, "they are waited for to come up");
  assert.deepEqual([desk.isHeld, desk.moving], [false, ""]);
});

test("a restore that waits for its image to be made to fit has ordered nobody", () => {
  const desk = new Desk();
  desk.connect("a", "b");
  desk.begin("restore", restoreSpec({ fitTo: 1000 }));
  assert.deepEqual([desk.isHeld, desk.moving], [false, ""]);
});

test("a capture moves data while its PC is there, a wipe is in nobody's way", () => {
  const capture = new Desk();
  capture.connect("a");
  capture.begin("capture", { ...alone, name: "win", raw: false });
  assert.deepEqual([capture.isHeld, capture.moving], [true, "s1 net-a"]);
  capture.take(progress("a", "capturing"));
  assert.equal(capture.moving, "s1 net-a");
  capture.lose("a", 1000);
  assert.deepEqual([capture.isHeld, capture.moving], [true, ""]);

  const wipe = new Desk();
  wipe.connect("a");
  wipe.begin("wipe", { ...alone, method: "zero", failingDisks: [] });
  assert.deepEqual([wipe.isHeld, wipe.moving], [false, ""]);
});

test("a live cast moves data from when it is open until all is read and whoever is there has it", () => {
  const desk = new Desk();
  desk.connect("s", "a");
  desk.begin("cast", liveSpec());
  assert.deepEqual([desk.isHeld, desk.moving], [true, ""], "its sender maps its disk");
  desk.engine.reported("s", at(1), desk.stamp);
  desk.take(planned);
  assert.equal(desk.moving, "s1 net-a");
  desk.take(ready("a"));
  assert.equal(desk.moving, "s1 net-s, s1 net-a");
  desk.take({ type: "sealed", rootHash: root, storedBytes: 100 });
  assert.equal(desk.moving, "s1 net-a");
  desk.lose("a", 1000);
  assert.deepEqual([desk.isHeld, desk.moving], [true, ""]);
});
