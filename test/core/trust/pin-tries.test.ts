import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  begin,
  firstPause,
  longestPause,
  noTries,
  opened,
  type PinTries,
  type PinTry,
  right,
  roomWindow,
  shutFor,
  shutUntil,
  triesAtPc,
  triesInRoom,
  wrong,
} from "../../../core/trust/pin-tries.ts";
import { millis } from "../../../core/units/units.ts";

const minute = 60_000;

/** A room in which PINs are typed. */
class Room {
  tries: PinTries = noTries;
  now = 0;

  /** What came of a PIN, or why it was not tried. */
  type(pc: string, isRight = false, room = "lab"): string {
    const typed: PinTry = { pc, room, at: millis(this.now) };
    const [begun, gate] = begin(this.tries, typed);
    this.tries = begun;
    if (gate.state !== "open") return `not tried: ${gate.state}`;
    if (isRight) {
      this.tries = right(this.tries, typed);
      return "right";
    }
    const [after, fault] = wrong(this.tries, typed, millis(this.now));
    this.tries = after;
    return fault.type === "wrong"
      ? `${fault.left} left`
      : `${fault.type} for ${(fault.until - this.now) / minute} min`;
  }

  many(pc: string, count: number): string[] {
    return Array.from({ length: count }, () => this.type(pc));
  }
}

test("after every fifth wrong PIN a PC waits: 1, 2, 4, 8, 15 minutes", () => {
  const room = new Room();
  assert.deepEqual(room.many("a", triesAtPc), [
    ...["4 left", "3 left", "2 left", "1 left"],
    "paused for 1 min",
  ]);
  assert.equal(room.type("a", true), "not tried: paused", "not even the right one");
  assert.equal(room.type("b"), "4 left", "another PC does not wait");
  for (const minutes of [2, 4, 8, 15]) {
    room.now += longestPause;
    assert.equal(room.many("a", triesAtPc).at(-1), `paused for ${minutes} min`);
  }
});

test("the right PIN begins anew, and a wait ends by itself", () => {
  const room = new Room();
  room.many("a", 4);
  assert.equal(room.type("a", true), "right");
  assert.equal(room.type("a"), "4 left");
  room.many("a", 4);
  room.now += firstPause - 1;
  assert.equal(room.type("a"), "not tried: paused");
  room.now += 1;
  assert.equal(room.type("a"), "4 left");
  room.now += roomWindow;
  room.many("a", 4);
  assert.equal(room.type("a"), "paused for 1 min", "what is an hour old is forgotten");
});

test("30 wrong PINs in an hour shut the menus of the room, for an hour or until an operator opens them", () => {
  const room = new Room();
  const typed = Array.from({ length: triesInRoom }, (_, index) => room.type(`pc${index}`));
  assert.equal(typed.at(-1), "shut for 60 min");
  assert.equal(typed.filter((each) => each.startsWith("shut")).length, 1);
  assert.equal(room.type("fresh", true), "not tried: shut");
  assert.equal(room.type("fresh", true, "other"), "right", "other rooms are open");
  room.now += shutFor - 1;
  assert.equal(room.type("fresh", true), "not tried: shut");
  room.now += 1;
  assert.equal(room.type("fresh", true), "right");
  for (let index = 0; index < triesInRoom; index++) room.type(`pc${index}`);
  assert.notEqual(shutUntil(room.tries, "lab", millis(room.now)), null);
  room.tries = opened(room.tries, "lab", ["pc0"]);
  assert.equal(room.type("pc0"), "4 left");
});

test("right PINs do not shut a room, and 29 wrong ones do not either when they are older than an hour", () => {
  const room = new Room();
  for (let index = 0; index < 200; index++) assert.equal(room.type(`pc${index}`, true), "right");
  for (let index = 0; index < 29; index++) room.type(`pc${index}`);
  room.now += roomWindow;
  assert.equal(room.type("pc0"), "4 left");
  assert.equal(shutUntil(room.tries, "lab", millis(room.now)), null);
});

test("a PIN counts from when it is typed: tries at once are no way around the limits", () => {
  let tries: PinTries = noTries;
  let open = 0;
  for (let index = 0; index < 100; index++) {
    const [next, gate] = begin(tries, { pc: `pc${index}`, room: "lab", at: millis(0) });
    tries = next;
    if (gate.state === "open") open++;
  }
  assert.equal(open, triesInRoom);
});

test("whatever is typed and however long is waited, an hour has at most 30 wrong tries in a room, and nothing piles up", () => {
  const step = fc.record({
    pc: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"),
    isRight: fc.boolean().map((is) => is),
    pauseMs: fc.constantFrom(0, 1, 1000, minute, 10 * minute, roomWindow),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const room = new Room();
      const wrongAt: number[] = [];
      for (const { pc, isRight, pauseMs } of steps) {
        room.now += pauseMs;
        const said = room.type(pc, isRight);
        if (said !== "right" && !said.startsWith("not tried")) wrongAt.push(room.now);
        const lately = wrongAt.filter((at) => at > room.now - roomWindow);
        assert(lately.length <= triesInRoom, `${lately.length} in an hour`);
        assert(room.tries.pcs.size <= 8 && room.tries.rooms.size <= 1);
      }
    }),
  );
});
