/** The time left of whole rooms, held against how long they really take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TimeLeft } from "../../../core/session/time-left.ts";
import { millis } from "../../../core/units/units.ts";
import type { MemberView, SessionView } from "../../../core/wire/views.ts";
import { type RoomPc, restoringRoom, type Second } from "./restoring-room.ts";

const mb = 1e6;

interface Shown extends Second {
  readonly shown: number | null;
}

function shownIn(pcs: readonly RoomPc[]): Shown[] {
  const left = new TimeLeft();
  return restoringRoom(pcs).map((second, at) => {
    left.note(second.view, millis(at * 1000));
    return { ...second, shown: left.seconds };
  });
}

/** Within a quarter of what is left, and two seconds. */
function assertRight(seconds: readonly Shown[], from: number, to = seconds.length): void {
  for (let second = from; second < to; second++) {
    const { shown, secondsLeft } = seconds[second] as Shown;
    if (secondsLeft === null) continue;
    const most = 2 + secondsLeft / 4;
    const said = `second ${second}: ${shown} s are shown, and ${secondsLeft} s are left`;
    assert(shown !== null && Math.abs(shown - secondsLeft) <= most, said);
  }
}

/**
 * It falls by ten in ten seconds, give or take three and what a change of its pace by 3 % makes; not where PCs come or go
 * meanwhile.
 */
function assertCountsDown(seconds: readonly Shown[], from: number): void {
  for (let second = from; second + 10 < seconds.length; second++) {
    const [before, after] = [seconds[second] as Shown, seconds[second + 10] as Shown];
    if (servedIn(before.view) !== servedIn(after.view)) continue;
    const fell = (before.shown as number) - (after.shown as number);
    const most = 3 + 0.03 * (before.secondsLeft as number);
    assert(Math.abs(fell - 10) <= most, `second ${second}: it falls by ${fell} s in ten`);
  }
}

const servedIn = ({ members }: SessionView): string =>
  members.flatMap(({ pc, lane }) => (lane === null ? [] : [pc, lane])).join();

/** A pace that differs by a tenth from second to second. */
const about = (bps: number): fc.Arbitrary<(second: number) => number> =>
  fc
    .array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 1, maxLength: 8 })
    .map((factors) => (second) => bps * (factors[second % factors.length] as number));

/** PCs of one kind: what the link brings each, and what its disk does, in MB/s. */
const roomOf = (
  link: readonly [number, number],
  disk: (linkMbps: number) => readonly [number, number],
  extra: Partial<RoomPc> = {},
): fc.Arbitrary<RoomPc[]> =>
  fc.integer({ min: link[0], max: link[1] }).chain((linkMbps) => {
    const [min, max] = disk(linkMbps);
    const pc = fc
      .record({
        chunks: fc.constant(linkMbps * 80),
        linkBps: about(linkMbps * mb),
        diskBps: fc.integer({ min: Math.ceil(min), max: Math.floor(max) }).map((each) => each * mb),
      })
      .map((each) => ({ ...each, ...extra }));
    return fc.array(pc, { minLength: 1, maxLength: 6 });
  });

const rooms = {
  "the link is slower than the disks": roomOf([5, 60], (link) => [link * 3, link * 8]),
  "the disks are slower than the link": roomOf([20, 60], (link) => [link / 3, link * 0.85]),
  "the disks read back what they have time for": roomOf([20, 60], (link) => [
    link * 1.2,
    link * 1.9,
  ]),
  "nothing is read back": roomOf([5, 60], (link) => [link * 3, link * 8], { isReadBack: false }),
  "a part was there before": roomOf([20, 60], (link) => [link * 3, link * 8], { kept: 700 }),
  "the PCs wait for the start": roomOf([20, 60], (link) => [link * 3, link * 8], { servedAt: 40 }),
};

for (const [what, room] of Object.entries(rooms)) {
  test(`${what}: it is right from the tenth second on, and counts down from the twentieth`, () => {
    fc.assert(
      fc.property(room, (pcs) => {
        const seconds = shownIn(pcs);
        const from = 10 + (pcs[0]?.servedAt ?? 0);
        assertRight(seconds, from);
        assertCountsDown(seconds, from + 10);
      }),
      { numRuns: 25 },
    );
  });
}

test("disks that read faster than they write: it is right once that has shown, and leaps then alone", () => {
  const pc = { chunks: 2000, linkBps: () => 60 * mb, diskBps: 30 * mb, readBps: 90 * mb };
  const seconds = shownIn([pc, pc, pc]);
  const written = seconds.findIndex(({ view }) => view.members[0]?.state === "verifying");
  assertRight(seconds, written + 4);
  const leaps = seconds.flatMap(({ shown }, second) => {
    const before = seconds[second - 1]?.shown ?? null;
    return before === null || shown === null || before - shown <= 3 ? [] : [second - written];
  });
  assert(leaps.length === 1 && (leaps[0] as number) <= 4, leaps.join());
});

test("PCs that join late, and others that end early: it is right ten seconds after each has come", () => {
  const arrival = fc.record({
    joinsAt: fc.integer({ min: 0, max: 60 }),
    chunks: fc.integer({ min: 1000, max: 3000 }),
  });
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 6 }), (arrivals) => {
      const pcs = arrivals.map((each) => ({
        ...each,
        linkBps: () => 30 * mb,
        diskBps: 150 * mb,
      }));
      const seconds = shownIn(pcs);
      for (let second = 0; second < seconds.length; second++)
        if (!arrivals.some(({ joinsAt }) => joinsAt <= second && second < joinsAt + 10))
          assertRight(seconds, second, second + 1);
    }),
    { numRuns: 40 },
  );
});

test("who is served after the others is measured when it is, however little it got before", () => {
  const main = { chunks: 1000, linkBps: () => 30 * mb, diskBps: 150 * mb };
  const straggler = {
    ...main,
    linkBps: (second: number) => (second < 5 ? 10 * mb : second < 36 ? 1000 : 30 * mb),
    lane: () => "catch-up" as const,
  };
  const seconds = shownIn([main, main, straggler]);
  const alone = seconds.findIndex(({ view }) => !view.members.some(({ lane }) => lane === "main"));
  assertRight(seconds, 10, alone);
  assertRight(seconds, alone + 5);
});

test("a PC that stood still is measured anew: it is right five seconds after it goes on", () => {
  const pc: RoomPc = {
    chunks: 3000,
    linkBps: (second) => (second < 30 ? 60 * mb : second < 100 ? 0 : 30 * mb),
    diskBps: 150 * mb,
  };
  const seconds = shownIn([pc]);
  assertRight(seconds, 105);
  const unknown = seconds.flatMap(({ shown }, second) => (shown === null ? [second] : []));
  assert.deepEqual([unknown[3], unknown[4], unknown.at(-1)], [3, 60, 102]);
});

/** Three or more PCs whose pace stalls now and then, and one that is put into the other lane and back. */
const flipping = fc.integer({ min: 0, max: 0xffff }).chain((phase) =>
  fc.record({
    steady: fc.integer({ min: 3, max: 7 }),
    flipEvery: fc.integer({ min: 1, max: 12 }),
    stall: fc.integer({ min: 2, max: 7 }),
    phase: fc.constant(phase),
  }),
);

test("a straggler that goes from lane to lane moves it no further than to the next of the others", () => {
  fc.assert(
    fc.property(flipping, ({ steady, flipEvery, stall, phase }) => {
      const lane = (second: number): MemberView["lane"] =>
        Math.floor(second / flipEvery) % 2 === 0 ? "main" : "catch-up";
      const pcs: RoomPc[] = Array.from({ length: steady + 1 }, (_, index) => ({
        chunks: 3000,
        linkBps: (second) =>
          (second * (index + 3) + phase) % (11 + index) < stall ? mb / 10 : 30 * mb,
        diskBps: 150 * mb,
        ...(index === steady ? { lane } : {}),
      }));
      const room = new TimeLeft();
      const alone = pcs.map(() => new TimeLeft());
      for (const [second, { view }] of restoringRoom(pcs).entries()) {
        const now = millis(second * 1000);
        room.note(view, now);
        if (view.members.some(({ result }) => result !== "pending")) break;
        const others = view.members.slice(0, steady).flatMap((member, index) => {
          const own = alone[index] as TimeLeft;
          own.note({ ...view, members: [member] }, now);
          return own.seconds ?? [];
        });
        if (others.length < steady) continue;
        others.sort((one, other) => one - other);
        const least = others[((steady + 1) >> 1) - 1] as number;
        const most = others[(steady + 1) >> 1] as number;
        const said = `second ${second}: ${room.seconds} is not among ${others.join()}`;
        assert(room.seconds !== null && room.seconds >= least && room.seconds <= most, said);
      }
    }),
    { numRuns: 40 },
  );
});
