import assert from "node:assert/strict";
import { test } from "node:test";
import { planRepairs } from "../../../core/cast/coding.ts";
import { chunkBytes } from "../../../core/units/units.ts";
import { memberLimit, symbolCountOf } from "../../../core/wire/cast.ts";
import { seeded } from "../../sim/random.ts";

const symbolLimit = symbolCountOf(chunkBytes);

/** What each of `count` receivers lacks when every symbol is lost at `loss` at each of them. */
function losses(seed: number, count: number, loss: number): Uint16Array[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () =>
    Uint16Array.from(
      Array.from({ length: symbolLimit }, (_, symbol) => symbol).filter(() => random() < loss),
    ),
  );
}

function check(lacking: readonly Uint16Array[], sets: readonly (readonly number[])[]): void {
  const sent = sets.flat();
  assert.equal(new Set(sent).size, sent.length, "a symbol is in one set");
  assert.deepEqual(new Set(sent), new Set(lacking.flatMap((symbols) => [...symbols])));
  for (const members of sets) {
    assert(members.length <= memberLimit);
    assert(
      members.every((member, place) => member > (members[place - 1] ?? -1)),
      "ascending",
    );
    for (const symbols of lacking)
      assert(members.filter((member) => symbols.includes(member)).length <= 1, "solved at once");
  }
}

test("nobody lacks two of a set, and every symbol that anybody lacks is in exactly one", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const count = 1 + (seed % 40);
    const lacking = losses(seed, count, [0.001, 0.01, 0.05, 0.4][seed % 4] as number);
    check(lacking, planRepairs(lacking, symbolLimit));
  }
});

test("a room's repair costs little more than its worst receiver lost", () => {
  for (const [count, loss, most] of [
    [8, 0.01, 1.25],
    [50, 0.01, 1.5],
    [8, 0.05, 1.25],
  ] as const) {
    let sets = 0;
    let worst = 0;
    let union = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const lacking = losses(seed, count, loss);
      sets += planRepairs(lacking, symbolLimit).length;
      worst += Math.max(...lacking.map(({ length }) => length));
      union += new Set(lacking.flatMap((symbols) => [...symbols])).size;
    }
    assert(sets <= worst * most, `${count} at ${loss}: ${sets} sets, the worst lost ${worst}`);
    assert(sets < union / 2, "resending would cost the union");
  }
});

test("one receiver: each symbol alone; nobody lacks anything: nothing", () => {
  assert.deepEqual(planRepairs([Uint16Array.of(3, 9)], symbolLimit), [[3], [9]]);
  assert.deepEqual(planRepairs([new Uint16Array(), new Uint16Array()], symbolLimit), []);
  assert.deepEqual(planRepairs([], symbolLimit), []);
});

test("receivers beyond the 32nd and the 64th are told apart like the others", () => {
  const lacking = Array.from({ length: 70 }, (_, index) => Uint16Array.of(index));
  const sets = planRepairs(lacking, symbolLimit);
  check(lacking, sets);
  assert.equal(sets.length, Math.ceil(70 / memberLimit));
  const same = Array.from({ length: 70 }, () => Uint16Array.of(1, 2));
  assert.deepEqual(planRepairs(same, symbolLimit), [[1], [2]]);
});
