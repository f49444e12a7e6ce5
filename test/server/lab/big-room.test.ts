/** What one PC of a session does costs as many looks at its members in a room of 2000 as in one of 50. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Input, PcId } from "../../../core/session/kind.ts";
import type { Member } from "../../../core/session/member.ts";
import { kindNamed } from "../../../core/session/registry.ts";
import { millis } from "../../../core/units/units.ts";
import { anyDisk } from "../../../core/wire/disk-policy.ts";
import { Engine } from "../../../server/lab/engine.ts";
import type { Running } from "../../../server/lab/session.ts";
import { castKeys } from "../../core/cast/keys.ts";
import {
  admit,
  at,
  booting,
  delivery,
  done,
  drop,
  lane,
  liveSpec,
  progress,
  ready,
  restoreSpec,
  root,
} from "../../core/session/play.ts";

/** An engine with one session, whose members are all in the cast, and each of whom counts how often it is looked at. */
class Room {
  /** Since the last time that it was asked. */
  private looks = 0;
  private now = 0;
  /** What the journal was given. */
  facts = 0;
  states = 0;
  readonly pcs: readonly PcId[];
  readonly engine = new Engine({
    settingsOf: () => ({
      ...{ policy: anyDisk, grow: "none" as const, rateLimitBps: null, grant: () => "", castKeys },
    }),
  });

  constructor(kind: "restore" | "cast", count: number) {
    const { engine } = this;
    this.pcs = Array.from({ length: count }, (_, number) => `p${number}`);
    const { pcs } = this;
    for (const pc of [...pcs, "s"]) engine.connected(pc, null, this.stamp);
    const spec = kind === "restore" ? restoreSpec({ pcs, proveBootMs: 60_000 }) : liveSpec({ pcs });
    engine.begin(1, kind, spec, this.stamp);
    this.write();
    if (kind === "cast") this.take({ type: "planned" });
    for (const pc of pcs) this.take(ready(pc));
    this.count(kind);
  }

  get stamp() {
    return { at: millis(++this.now), iso: `t${this.now}` };
  }

  take(input: Input): void {
    this.engine.take("s1", input, this.stamp);
    this.write();
  }

  /** As a turn of the server does. */
  write(): void {
    const { engine } = this;
    for (let batch = engine.toWrite(); batch !== null; batch = engine.toWrite()) {
      this.facts += batch.facts.length;
      this.states += batch.sessions.length;
      for (const { session } of engine.written(millis(this.now)).changed)
        session.kind.wanted(session.durable);
    }
    engine.takeSends();
    engine.deadline(millis(this.now));
  }

  looked(): number {
    const { looks } = this;
    this.looks = 0;
    return looks;
  }

  private count(kind: "restore" | "cast"): void {
    const session = this.engine.get("s1") as Running;
    const counted = (member: Member): Member =>
      new Proxy(member, {
        get: (target, name) => {
          this.looks++;
          return Reflect.get(target, name);
        },
      });
    const stored = JSON.parse(JSON.stringify(session.state));
    const { members } = stored.receivers;
    for (const pc of this.pcs) members[pc] = counted(members[pc]);
    session.state = kindNamed(kind).read(stored);
    session.durable = session.state;
    session.wanted = session.kind.wanted(session.state);
    this.looked();
  }
}

/** What happens to one PC after the other, in turn. */
const events: readonly (readonly [string, (room: Room, pc: PcId) => void])[] = [
  ["a report", (room, pc) => room.engine.reported(pc, at(1), room.stamp)],
  ["progress", (room, pc) => room.take(progress(pc, "receiving"))],
  ["a lane", (room, pc) => room.take(lane(pc, "slow"))],
  ["a delivery", (room, pc) => room.take(delivery(pc, "deaf"))],
  ["a connection that breaks", (room, pc) => room.engine.lost(pc, "gone", room.stamp)],
  [
    "a boot",
    (room, pc) => room.engine.tell(booting(pc) as { type: "booting"; pc: PcId }, room.stamp),
  ],
  ["a connection", (room, pc) => room.engine.connected(pc, at(1), room.stamp)],
  ["readiness", (room, pc) => room.take(ready(pc))],
  ["all received", (room, pc) => room.take(progress(pc, "verifying"))],
  ["an end", (room, pc) => room.engine.reported(pc, done(1, "verified", root), room.stamp)],
  ["its agent gone", (room, pc) => room.engine.lost(pc, "gone", room.stamp)],
  ["the next dropped", (room, pc) => room.take(drop(`p${Number(pc.slice(1)) + 1}`))],
  ["and let in again", (room, pc) => room.take(admit(`p${Number(pc.slice(1)) + 1}`))],
  ["a newcomer", (room, pc) => room.take(admit(`new ${pc}`))],
];

/** Looks at members for each of the events, when they happen to five PCs. */
function looksOf(kind: "restore" | "cast", count: number): Map<string, number> {
  const room = new Room(kind, count);
  const looks = new Map<string, number>();
  for (let number = 0; number < 10; number += 2)
    for (const [name, act] of events) {
      act(room, `p${number}`);
      room.write();
      looks.set(name, (looks.get(name) ?? 0) + room.looked());
    }
  return looks;
}

for (const kind of ["restore", "cast"] as const)
  test(`${kind}: what one PC does costs no look at all the others`, () => {
    const [few, many] = [looksOf(kind, 50), looksOf(kind, 2000)];
    for (const [name, looks] of many)
      assert(
        looks <= (few.get(name) ?? 0) + 20,
        `${name} costs ${looks / 5} looks in a room of 2000, and ${(few.get(name) ?? 0) / 5} in one of 50`,
      );
  });

test("a state of 2000 PCs is stored as often for each of its PCs as one of 100", () => {
  for (const count of [100, 2000]) {
    const { facts, states } = new Room("restore", count);
    assert(facts >= 3 * count, "each is ordered, ready and joined");
    assert(states >= 2, "a start of the server has so much to fold, and no more");
    assert(states <= 1 + facts / count, `${states} times in ${facts} facts of ${count} PCs`);
  }
});
