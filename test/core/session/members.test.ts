/** Members are as a Map has them, whatever is done with them, and what is known of many is what a look at each shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { deadlineOfProof } from "../../../core/session/boot-proof.ts";
import { type Member, newMember, readyLimit } from "../../../core/session/member.ts";
import { Members } from "../../../core/session/members.ts";
import { millis } from "../../../core/units/units.ts";
import { drawn } from "../../property.ts";

const until = fc.integer({ min: 0, max: 1000 }).map(millis);
const phases: fc.Arbitrary<Member["phase"]> = fc.oneof(
  fc
    .tuple(fc.option(until), fc.boolean())
    .map(([at, asked]) => ({ name: "absent", until: at, asked }) as const),
  until.map((heardAt) => ({ name: "ordered", heardAt }) as const),
  fc.constantFrom("ready", "receiving", "verifying").map((name) => ({ name }) as const),
  until.map((at) => ({ name: "lost", until: at, cause: { code: "stopped" } }) as const),
  fc
    .constantFrom("verified", "failed")
    .map((result) => ({ name: "ended", result, cause: null }) as const),
);
const boots: fc.Arbitrary<Member["boot"]> = fc.oneof(
  fc.constant(null),
  until.map((at) => ({ name: "leaving", until: at, latest: at }) as const),
);
const anyMember = fc
  .tuple(phases, boots, fc.nat(2))
  .map(([phase, boot, joins]): Member => ({ ...newMember, phase, boot, joins }));

/** When something follows for it by time alone. */
function dueOf({ phase, boot }: Member): number[] {
  const proof = deadlineOfProof(boot);
  const own =
    phase.name === "lost"
      ? [phase.until]
      : phase.name === "ordered"
        ? [phase.heardAt + readyLimit]
        : [];
  return proof === null ? own : [...own, proof];
}

function mustBe(members: Members, model: ReadonlyMap<string, Member>, now: number): void {
  assert.deepEqual([...members], [...model]);
  assert.deepEqual(JSON.parse(JSON.stringify(members)), Object.fromEntries(model));
  for (const [pc, member] of model) assert.equal(members.get(pc), member);
  assert.equal(members.get("stranger"), undefined);
  const all = [...model.values()];
  const many = (isOne: (member: Member) => boolean): number => all.filter(isOne).length;
  const verified = ({ phase }: Member): boolean =>
    phase.name === "ended" && phase.result === "verified";
  const isAt =
    (...names: Member["phase"]["name"][]) =>
    ({ phase }: Member): boolean =>
      names.includes(phase.name);
  const due = all.flatMap(dueOf);
  const awaited = all.flatMap(({ phase }) => (phase.name === "absent" ? [phase.until ?? -1] : []));
  assert.deepEqual(
    { ...members.census, awaitedUntil: Math.max(-1, members.census.awaitedUntil) },
    {
      all: all.length,
      absent: many(isAt("absent")),
      ready: many(isAt("ready")),
      served: many(isAt("receiving", "verifying")),
      ended: many(isAt("ended")),
      verified: many(verified),
      unproven: many((member) => verified(member) && member.boot === null),
      pending: many(({ boot }) => boot !== null),
      joined: many(({ joins }) => joins > 0),
      dueAt: Math.min(...due),
      awaitedUntil: Math.max(-1, ...awaited),
    },
  );
  // One that is due twice is due by the earlier; that is all that anybody asks after.
  const firstOfEach = all.map((member) => Math.min(...dueOf(member)));
  assert.equal(members.dueAfter(now), Math.min(...firstOfEach.filter((at) => at > now)));
  assert.deepEqual(
    [...members.where(({ ready }) => ready > 0)],
    [...model].filter(([, member]) => isAt("ready")(member)),
  );
}

test("members are found, changed, added and gone through as in a Map, and each value stays as it was", () => {
  fc.assert(
    fc.property(
      fc.nat(600),
      fc.array(fc.tuple(fc.nat(700), anyMember), { maxLength: 60 }),
      fc.nat(1000),
      (count, changes, now) => {
        const model = new Map(Array.from({ length: count }, (_, n) => [`p${n}`, newMember]));
        let members = Members.of(model);
        const earlier: [Members, Map<string, Member>][] = [];
        for (const [index, [number, member]] of changes.entries()) {
          if (index % 10 === 0) earlier.push([members, new Map(model)]);
          members = members.with(`p${number}`, member);
          model.set(`p${number}`, member);
        }
        for (const [before, as] of [...earlier, [members, model] as const]) mustBe(before, as, now);
        // One that is made of its entries is the same, however the other came to be.
        assert.deepEqual(Members.of(model).census, members.census);
        // Two lines that come from the same value know nothing of each other.
        const [before, as] = earlier[0] ?? [members, model];
        const other = before.with("other", newMember);
        mustBe(other, new Map(as).set("other", newMember), now);
        mustBe(members, model, now);
      },
    ),
    { numRuns: drawn(60) },
  );
});
