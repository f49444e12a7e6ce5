import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bootGrace,
  createSession,
  deadlineOf,
  handle,
  readyLimit,
  rejoinGrace,
  type Session,
  type SessionAction,
  type SessionEvent,
  type StartPolicy,
} from "../../../core/session/session.ts";
import { memberView, sessionNotices, sessionState } from "../../../core/session/view.ts";
import { millis } from "../../../core/units/units.ts";
import type { Counters } from "../../../core/wire/control.ts";
import type { DiskView } from "../../../core/wire/views.ts";

const root = "ab".repeat(32);
const disk: DiskView = {
  path: "/dev/sda",
  size: 1e9,
  logicalSector: 512,
  model: "M",
  serial: "S",
  wwn: null,
  transport: "sata",
  rotational: false,
  health: null,
  protection: null,
};
const counters: Counters = {
  bytesWanted: 100,
  bytesReceived: 0,
  bytesWritten: 0,
  bytesVerified: 0,
  chunksKept: 0,
  chunksWritten: 0,
  lossRatio: null,
  writeBps: null,
};

/** A session with a clock, driven by lines of `event`. */
class Room {
  now = 0;
  readonly session: Session;
  readonly said: SessionAction[] = [];

  constructor(pcs: string[], start: StartPolicy = "now", startTimeout: number | null = null) {
    this.session = createSession({
      pcs,
      start,
      startTimeout: startTimeout === null ? null : millis(startTimeout),
      rootHash: root,
      now: millis(0),
    });
  }

  take(event: SessionEvent): SessionAction[] {
    const actions = handle(this.session, event, millis(this.now), `t${this.now}`);
    this.said.push(...actions);
    return actions.filter(({ type }) => type !== "note");
  }

  wait(ms: number): SessionAction[] {
    this.now += ms;
    return this.take({ type: "tick" });
  }

  comeAndGetReady(...pcs: string[]): void {
    for (const pc of pcs) {
      this.take({ type: "connected", pc });
      this.take({ type: "ready", pc, disk, counters });
    }
  }

  verified(pc: string, rootHash = root): SessionAction[] {
    const outcome = "verified";
    return this.take({ type: "result", pc, outcome, reason: null, rootHash, counters, steps: [] });
  }

  resultOf(pc: string): string {
    const member = this.session.members.find((each) => each.pc === pc);
    assert(member !== undefined);
    const view = memberView(member, pc, "idle");
    return view.reason === null ? view.result : `${view.result}: ${view.reason}`;
  }
}

test("a room that is there is served without waiting for a head-count", () => {
  const room = new Room(["a", "b"]);
  assert.deepEqual(room.take({ type: "connected", pc: "a" }), [
    { type: "order", pc: "a", scan: false },
  ]);
  assert.deepEqual(room.take({ type: "ready", pc: "a", disk, counters }), [
    { type: "cast-open" },
    { type: "cast-join", pc: "a" },
  ]);
  room.take({ type: "connected", pc: "b" });
  assert.deepEqual(room.take({ type: "ready", pc: "b", disk, counters }), [
    { type: "cast-join", pc: "b" },
  ]);
  assert.deepEqual(room.verified("a"), [{ type: "cast-leave", pc: "a" }]);
  assert.deepEqual(room.verified("b"), [{ type: "cast-leave", pc: "b" }, { type: "cast-close" }]);
  assert.equal(room.session.phase, "done");
});

test("`all` waits for everyone, and a timeout starts with who is there", () => {
  const room = new Room(["a", "b"], "all", 5000);
  room.comeAndGetReady("a");
  assert.equal(room.session.phase, "gathering");
  assert.equal(deadlineOf(room.session), 5000);
  assert.deepEqual(room.wait(5000), [{ type: "cast-open" }, { type: "cast-join", pc: "a" }]);
});

test("a number starts with that many; an operator may start earlier", () => {
  const room = new Room(["a", "b", "c"], 2);
  room.comeAndGetReady("a");
  assert.equal(room.session.phase, "gathering");
  room.take({ type: "start" });
  assert.equal(room.session.phase, "casting");
  const other = new Room(["a", "b", "c"], 2);
  other.comeAndGetReady("a", "b");
  assert.equal(other.session.phase, "casting");
});

test("a PC that dies is failed at once, stops nobody, and the session ends after the grace", () => {
  const room = new Room(["a", "b"]);
  room.comeAndGetReady("a", "b");
  assert.deepEqual(room.take({ type: "lost", pc: "b", reason: "gone" }), [
    { type: "cast-leave", pc: "b" },
  ]);
  assert.equal(room.resultOf("b"), "failed: gone");
  room.verified("a");
  assert.equal(room.session.phase, "casting");
  assert.equal(deadlineOf(room.session), rejoinGrace);
  assert.deepEqual(room.wait(rejoinGrace), [{ type: "cast-close" }]);
  assert.equal(room.session.phase, "done");
  assert.equal(room.resultOf("b"), "failed: gone");
});

test("a PC that comes back is told to look at its disk first, and finishes", () => {
  const room = new Room(["a"]);
  room.comeAndGetReady("a");
  room.take({ type: "lost", pc: "a", reason: "gone" });
  room.now += 1000;
  assert.deepEqual(room.take({ type: "connected", pc: "a" }), [
    { type: "order", pc: "a", scan: true },
  ]);
  assert.deepEqual(room.take({ type: "ready", pc: "a", disk, counters }), [
    { type: "cast-join", pc: "a" },
  ]);
  room.verified("a");
  assert.equal(room.session.phase, "done");
});

test("a lost PC that boots anew is given the time that a boot takes", () => {
  const room = new Room(["a"]);
  room.comeAndGetReady("a");
  room.take({ type: "lost", pc: "a", reason: "gone" });
  room.take({ type: "booting", pc: "a" });
  room.wait(rejoinGrace);
  assert.equal(room.session.phase, "casting");
  room.wait(bootGrace);
  assert.equal(room.session.phase, "failed");
});

test("a PC that never came is named, and one that is booting is waited for", () => {
  const room = new Room(["a", "b", "c"]);
  room.take({ type: "booting", pc: "c" });
  room.comeAndGetReady("a");
  room.verified("a");
  assert.equal(room.session.phase, "casting");
  room.wait(bootGrace);
  assert.equal(room.session.phase, "done");
  assert.match(room.resultOf("b"), /^failed: the PC was not on/);
  assert.match(room.resultOf("c"), /^failed: the PC asked for its boot files/);
});

test("at the end of the start timeout each PC that is missing is named, and how far it got", () => {
  const room = new Room(["a", "b", "c", "d"], "all", 5000);
  room.comeAndGetReady("a");
  room.take({ type: "booting", pc: "b" });
  room.take({ type: "connected", pc: "c" });
  room.said.length = 0;
  room.wait(5000);
  const notes = room.said.flatMap((each) =>
    each.type === "note" && each.pc !== null ? [`${each.pc} ${each.text}`] : [],
  );
  assert.deepEqual(notes, [
    "b missing at the start: the PC asked for its boot files, but its agent did not come: see its screen",
    "c missing at the start: it is connected, and still choosing or hashing its disk",
    "d missing at the start: the PC was not on, or did not reach the server",
  ]);
});

test("the agent's word is not enough: another root hash is a failure", () => {
  const room = new Room(["a"]);
  room.comeAndGetReady("a");
  room.verified("a", "cd".repeat(32));
  assert.match(room.resultOf("a"), /not this image/);
  assert.equal(room.session.phase, "failed");
});

test("an ordered PC that hangs is given up; one that hashes its disk is not", () => {
  const room = new Room(["a", "b"]);
  room.take({ type: "connected", pc: "a" });
  room.take({ type: "connected", pc: "b" });
  room.now = readyLimit - 1;
  room.take({ type: "progress", pc: "b", phase: "scanning", counters: null, trouble: null });
  room.now = readyLimit;
  assert.deepEqual(room.take({ type: "tick" }), [
    { type: "cancel", pc: "a", reason: "no answer to the order" },
  ]);
  assert.match(room.resultOf("a"), /did not get ready/);
  assert.equal(room.resultOf("b"), "pending");
});

test("stop cancels whoever is at work and closes the cast", () => {
  const room = new Room(["a", "b"]);
  room.comeAndGetReady("a");
  assert.deepEqual(room.take({ type: "stop" }), [
    { type: "cast-leave", pc: "a" },
    { type: "cancel", pc: "a", reason: "stopped by an operator" },
    { type: "cast-close" },
  ]);
  assert.equal(room.session.phase, "stopped");
  assert.deepEqual(room.take({ type: "connected", pc: "b" }), []);
});

test("a dropped PC is stopped; the others go on; it can be let in again", () => {
  const room = new Room(["a", "b"]);
  room.comeAndGetReady("a", "b");
  room.take({ type: "drop", pc: "a" });
  assert.equal(room.resultOf("a"), "stopped: taken out by an operator");
  assert.deepEqual(room.take({ type: "admit", pc: "a", connected: true }), [
    { type: "order", pc: "a", scan: true },
  ]);
  assert.equal(room.resultOf("a"), "pending");
});

test("a newcomer to the room is admitted in mid-session", () => {
  const room = new Room(["a"]);
  room.comeAndGetReady("a");
  assert.deepEqual(room.take({ type: "admit", pc: "z", connected: true }), [
    { type: "order", pc: "z", scan: false },
  ]);
  room.take({ type: "ready", pc: "z", disk, counters });
  room.verified("a");
  assert.equal(room.session.phase, "casting");
  room.verified("z");
  assert.equal(room.session.phase, "done");
});

test("after a restart of the server everyone is waited for, and the cast opens again", () => {
  const before = new Room(["a", "b"]);
  before.comeAndGetReady("a", "b");
  before.verified("a");
  const after = new Room([]);
  Object.assign(after.session, JSON.parse(JSON.stringify(before.session)));
  assert.deepEqual(after.take({ type: "server-restarted" }), [{ type: "cast-open" }]);
  assert.deepEqual(after.take({ type: "connected", pc: "b" }), [
    { type: "order", pc: "b", scan: true },
  ]);
  after.take({ type: "ready", pc: "b", disk, counters });
  after.verified("b");
  assert.equal(after.session.phase, "done");
  assert.equal(after.resultOf("a"), "verified");
});

test("a broken cast fails everyone that had not ended, with the cause", () => {
  const room = new Room(["a", "b"]);
  room.comeAndGetReady("a", "b");
  room.verified("a");
  room.take({ type: "cast-broken", reason: "chunk 7 is damaged" });
  assert.equal(room.session.phase, "failed");
  assert.equal(room.resultOf("a"), "verified");
  assert.equal(room.resultOf("b"), "failed: chunk 7 is damaged");
});

test("the contract's states follow from the members and what was sent", () => {
  const room = new Room(["a"]);
  const stats = {
    rateBps: 1,
    bytesSent: 0,
    parityBytes: 0,
    repairBytes: 0,
    passes: 1,
    entriesOpen: 1,
    framesIgnored: 0,
    receivers: [],
  };
  assert.equal(sessionState(room.session, null, 100), "gathering");
  room.comeAndGetReady("a");
  assert.equal(sessionState(room.session, stats, 100), "casting");
  assert.equal(sessionState(room.session, { ...stats, bytesSent: 120 }, 100), "repairing");
  room.take({ type: "progress", pc: "a", phase: "verifying", counters, trouble: null });
  assert.equal(sessionState(room.session, stats, 100), "verifying");
  room.verified("a");
  assert.equal(sessionState(room.session, stats, 100), "done");
});

test("any order of events keeps the invariants: one end each, no cast left open", () => {
  for (let seed = 1; seed <= 400; seed++) {
    let state = seed * 2654435761;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const pcs = ["a", "b", "c"];
    const room = new Room(pcs, (["now", "all", 2] as const)[below(3)], 50_000);
    for (let step = 0; step < 60; step++) {
      room.now += below(20_000);
      const pc = pcs[below(3)] as string;
      const events: SessionEvent[] = [
        { type: "connected", pc },
        { type: "booting", pc },
        { type: "lost", pc, reason: "gone" },
        { type: "ready", pc, disk, counters },
        { type: "progress", pc, phase: "verifying", counters, trouble: null },
        {
          type: "result",
          pc,
          outcome: "verified",
          reason: null,
          rootHash: root,
          counters,
          steps: [],
        },
        { type: "admit", pc, connected: below(2) === 0 },
        { type: "drop", pc },
        { type: "server-restarted" },
        { type: "tick" },
      ];
      room.take(events[below(events.length)] as SessionEvent);
    }
    room.take({ type: "stop" });
    const opened = room.said.filter(({ type }) => type === "cast-open").length;
    const closed = room.said.filter(({ type }) => type === "cast-close").length;
    assert(closed === Math.min(1, opened), `seed ${seed}: ${opened} opened, ${closed} closed`);
    for (const member of room.session.members) {
      assert.equal(member.phase.name, "ended", `seed ${seed}`);
    }
    assert.equal(deadlineOf(room.session), undefined);
  }
});

const viewOf = (room: Room, pc: string) => {
  const member = room.session.members.find((each) => each.pc === pc);
  assert(member !== undefined);
  return memberView(member, pc, "receiving");
};
const notesOf = (room: Room): string[] =>
  room.said.flatMap((action) => (action.type === "note" ? [`${action.pc}: ${action.text}`] : []));

test("who lags or hears no multicast is shown with the reason, and each change is an event once", () => {
  const room = new Room(["a", "b", "c"]);
  room.comeAndGetReady("a", "b", "c");
  assert.deepEqual([viewOf(room, "a").lane, viewOf(room, "a").reason], ["main", null]);
  room.take({ type: "lane", pc: "a", laggard: "disk writes 18 MB/s" });
  room.take({ type: "lane", pc: "a", laggard: "disk writes 19 MB/s" });
  const lagging = viewOf(room, "a");
  assert.deepEqual(
    [lagging.lane, lagging.laneReason, lagging.reason, lagging.result],
    ["catch-up", "disk writes 19 MB/s", "disk writes 19 MB/s", "pending"],
  );
  room.take({ type: "fallback", pc: "a", reason: "no multicast" });
  assert.deepEqual([viewOf(room, "a").lane, viewOf(room, "a").reason], ["http", "no multicast"]);
  assert.deepEqual(sessionNotices(room.session), []);
  room.take({ type: "fallback", pc: "b", reason: "no multicast" });
  assert.match(sessionNotices(room.session)[0] ?? "", /only 1 of the 3 PCs.*IGMP querier/);
  room.take({ type: "fallback", pc: "c", reason: "no multicast" });
  assert.match(sessionNotices(room.session)[0] ?? "", /none of the 3 PCs/);
  room.take({ type: "fallback", pc: "a", reason: null });
  room.take({ type: "lane", pc: "a", laggard: null });
  assert.equal(viewOf(room, "a").lane, "main");
  assert.deepEqual(
    notesOf(room).filter((note) => note.startsWith("a: ")),
    [
      "a: in the catch-up lane: disk writes 18 MB/s",
      "a: gets its chunks over HTTP: no multicast",
      "a: multicast reaches it again",
      "a: keeps up again, back in the main lane",
    ],
  );
  room.verified("b");
  assert.deepEqual([viewOf(room, "b").lane, viewOf(room, "b").reason], ["http", null]);
});

test("a PC that comes back starts in no lane", () => {
  const room = new Room(["a", "b"]);
  room.comeAndGetReady("a", "b");
  room.take({ type: "fallback", pc: "a", reason: "no multicast" });
  room.take({ type: "lost", pc: "a", reason: "gone" });
  room.take({ type: "connected", pc: "a" });
  assert.equal(viewOf(room, "a").lane, null);
  room.take({ type: "ready", pc: "a", disk, counters });
  assert.equal(viewOf(room, "a").lane, "main");
});

/** A live cast of one PC. */
function liveRoom(archives: boolean): Room {
  const room = new Room(["a"]);
  room.session.rootHash = null;
  room.session.archive = archives ? "pending" : "none";
  room.comeAndGetReady("a");
  return room;
}

test("a live cast verifies against the hash that was sealed, and nobody before", () => {
  const early = liveRoom(false);
  early.verified("a");
  assert.equal(viewOf(early, "a").result, "failed");
  const room = liveRoom(false);
  room.take({ type: "sealed", rootHash: root });
  room.verified("a");
  assert.deepEqual([viewOf(room, "a").result, room.session.phase], ["verified", "done"]);
});

test("a live cast that is to be stored is over when it is; without the image it has failed", () => {
  for (const isStored of [true, false]) {
    const room = liveRoom(true);
    room.take({ type: "sealed", rootHash: root });
    room.verified("a");
    assert.equal(room.session.phase, "casting");
    const actions = room.take({ type: "archived", isStored });
    assert.deepEqual(actions, [{ type: "cast-close" }]);
    assert.equal(room.session.phase, isStored ? "done" : "failed");
    assert.equal(viewOf(room, "a").result, "verified");
  }
});
