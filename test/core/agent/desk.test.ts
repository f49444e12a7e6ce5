import assert from "node:assert/strict";
import { test } from "node:test";
import {
  atDesk,
  type Desk,
  type DeskEvent,
  type DeskRequest,
  emptyDesk,
  isLocked,
  type MenuAction,
  openFor,
} from "../../../core/agent/desk.ts";
import { type Millis, millis } from "../../../core/units/units.ts";
import type { Placed } from "../../../core/wire/control.ts";

const pinOf = (digit: string) => ({ salt: digit.repeat(32), hash: digit.repeat(64) });
const placed = (pin: Placed["pin"] = null): DeskEvent => ({
  type: "placed",
  placed: {
    ...{ type: "placed", name: "pc1", room: "lab", seat: null, shell: true, pin, walk: null },
    level: "placed",
  },
});

class Bench {
  desk: Desk = emptyDesk;
  now: Millis = millis(0);

  take(event: DeskEvent, after = 0): readonly DeskRequest[] {
    this.now = millis(this.now + after);
    const [desk, requests] = atDesk(this.desk, event, this.now);
    this.desk = desk;
    return requests;
  }

  choose(chosen: MenuAction, after = 0): readonly DeskRequest[] {
    return this.take({ type: "chose", chosen }, after);
  }

  get isLocked(): boolean {
    return isLocked(this.desk, this.now);
  }
}

const everything: readonly MenuAction[] = [
  { action: "images" },
  { action: "targets", room: "lab" },
  { action: "restore", image: "base@1", disk: "/dev/sda" },
  { action: "capture", name: "new", disk: "/dev/sda" },
  { action: "cast", room: "lab", saveAs: null, disk: "/dev/sda" },
  { action: "wipe", method: "zero", disk: "/dev/sda" },
  { action: "check" },
  { action: "stop" },
  { action: "dismiss" },
  { action: "unlock", pin: "1234" },
  { action: "take-seat" },
  { action: "shell" },
  { action: "reboot" },
  { action: "poweroff" },
  { action: "boot-disk" },
];

test("each choice leads to one request; what goes to the server is what was chosen", () => {
  const asked = everything.map((chosen) => {
    const bench = new Bench();
    bench.take(placed(pinOf("1")));
    bench.take({ type: "pin", pin: pinOf("1"), isRight: true });
    const requests = bench.choose(chosen);
    assert.equal(requests.length, 1, chosen.action);
    const [request] = requests;
    if (request?.type === "ask") assert.equal(request.want, chosen);
    return request?.type;
  });
  assert.deepEqual(asked, [
    "fetch-images",
    "fetch-targets",
    ...Array(4).fill("ask"),
    "check",
    "stop",
    "dismiss",
    "check-pin",
    "ask",
    "open-shell",
    ...Array(3).fill("power"),
  ]);
});

test("a PC that is locked does nothing but take a PIN or a seat, whatever the menu lets through", () => {
  const free = everything.filter((chosen) => {
    const bench = new Bench();
    bench.take(placed(pinOf("1")));
    const requests = bench.choose(chosen);
    if (requests.length === 0) assert.match(bench.desk.notice ?? "", /locked/);
    return requests.length > 0;
  });
  assert.deepEqual(
    free.map(({ action }) => action),
    ["dismiss", "unlock", "take-seat"],
  );
});

test("the lock falls shut ten minutes after the last key, and the second console with it", () => {
  const bench = new Bench();
  assert.deepEqual(bench.take(placed(pinOf("1"))), [{ type: "lock-shell", isLocked: true }]);
  const opened = bench.take({ type: "pin", pin: pinOf("1"), isRight: true });
  assert.deepEqual(opened, [{ type: "lock-shell", isLocked: false }]);
  bench.choose({ action: "images" }, openFor - 1);
  assert.deepEqual(bench.take({ type: "tick" }, openFor - 1), []);
  assert.deepEqual(bench.take({ type: "tick" }, 1), [{ type: "lock-shell", isLocked: true }]);
  assert(bench.isLocked);
});

test("another PIN locks; the right one for a PIN that is gone does not open", () => {
  const bench = new Bench();
  bench.take(placed(pinOf("1")));
  bench.take({ type: "pin", pin: pinOf("1"), isRight: false });
  assert(bench.isLocked);
  assert.equal(bench.desk.notice, "That was not the room's PIN.");
  bench.take({ type: "pin", pin: pinOf("1"), isRight: true });
  bench.take(placed(pinOf("1")));
  assert(!bench.isLocked, "the same PIN again changes nothing");
  bench.take(placed(pinOf("2")));
  assert(bench.isLocked);
  bench.take({ type: "pin", pin: pinOf("1"), isRight: true });
  assert(bench.isLocked);
  assert.deepEqual(bench.take(placed(null)), [{ type: "lock-shell", isLocked: false }]);
});

test("one network check at a time, from nothing", () => {
  const bench = new Bench();
  assert.equal(bench.choose({ action: "check" }).length, 1);
  bench.take({ type: "findings", findings: [{ title: "Link", good: true, text: "eth0" }] });
  assert.deepEqual(bench.choose({ action: "check" }), []);
  assert.equal(bench.desk.findings?.length, 1);
  bench.take({ type: "checked", trouble: "it broke" });
  assert.equal(bench.desk.notice, "it broke");
  assert.equal(bench.choose({ action: "check" }).length, 1);
  assert.equal(bench.desk.findings, null);
});
