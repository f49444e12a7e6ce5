/** What every list of what all servers have alike does, whatever keeps it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SharedEntry } from "../../../core/campus/shared-list.ts";
import type { SharedTables } from "../../../server/campus/shared-tables.ts";
import { until } from "./registry-contract.ts";

/** Two servers of a new campus. */
export interface TwoShared extends AsyncDisposable {
  readonly one: SharedTables;
  readonly other: SharedTables;
}

const entry = (
  name: string,
  revision: number,
  record: string | null,
  more: Partial<SharedEntry> = {},
): SharedEntry => ({ kind: "operator", name, since: "1", revision, record, ...more });
const shown = ({ kind, name, since, revision, record }: SharedEntry): string =>
  `${kind} ${name} of ${since}, ${revision}: ${record}`;

export function sharedTablesContract(kind: string, open: () => Promise<TwoShared>): void {
  const contract = (title: string, work: (tables: TwoShared) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      await using tables = await open();
      await work(tables);
    });
  };
  const listOf = async (tables: SharedTables, after = 0): Promise<string[]> =>
    (await tables.writtenAfter(after)).entries.map(shown).sort();

  contract(
    "what one writes the other reads, and later only what is new",
    async ({ one, other }) => {
      assert.deepEqual(await other.writtenAfter(0), { entries: [], changed: 0 });
      assert(await one.write(entry("ann", 1, 'admin "ü"')));
      const first = await other.writtenAfter(0);
      assert.deepEqual(first.entries, [entry("ann", 1, 'admin "ü"')]);
      assert(await one.write(entry("bob", 1, "viewer")));
      assert(await one.write(entry("ann", 1, "a key", { kind: "ssh-key" })));
      assert.deepEqual(await listOf(other, first.changed), [
        "operator bob of 1, 1: viewer",
        "ssh-key ann of 1, 1: a key",
      ]);
      const last = await other.writtenAfter(first.changed);
      assert.deepEqual(await other.writtenAfter(last.changed), { ...last, entries: [] });
    },
  );

  contract(
    "of two changes to one revision one is taken, and that is done again without harm",
    async ({ one, other }) => {
      assert(await one.write(entry("ann", 1, "admin")));
      const changes = [
        one.write(entry("ann", 2, "by one")),
        other.write(entry("ann", 2, "by other")),
      ];
      const taken = await Promise.all(changes);
      assert.deepEqual(taken.toSorted(), [false, true]);
      const winner = taken[0] ? "by one" : "by other";
      assert.deepEqual(await listOf(other), [`operator ann of 1, 2: ${winner}`]);
      const { changed } = await one.writtenAfter(0);
      assert(await one.write(entry("ann", 2, winner)));
      assert.equal((await one.writtenAfter(0)).changed, changed);
    },
  );

  contract("a name is one record's at a time, whoever makes it first", async ({ one, other }) => {
    const made = await Promise.all([
      one.write(entry("ann", 1, "by one", { since: "1" })),
      other.write(entry("ann", 1, "by other", { since: "2" })),
    ]);
    assert.deepEqual(made.toSorted(), [false, true]);
  });

  contract("what is removed stays so, and its name may be another's", async ({ one, other }) => {
    assert(await one.write(entry("ann", 1, "admin")));
    assert(await other.write(entry("ann", 2, null)));
    assert(await one.write(entry("ann", 7, null)));
    assert.equal(await one.write(entry("ann", 3, "admin")), false);
    await one.handOn([entry("ann", 9, "admin")]);
    assert(await one.write(entry("ann", 1, "viewer", { since: "2" })));
    assert.deepEqual(await listOf(other), [
      "operator ann of 1, 2: null",
      "operator ann of 2, 1: viewer",
    ]);
  });

  contract(
    "what is handed on is taken where it is lacking or newer, the rest is left out",
    async ({ one, other }) => {
      await one.handOn([
        entry("ann", 1, "admin"),
        entry("bob", 3, "viewer"),
        entry("eve", 2, "admin"),
      ]);
      await other.handOn([
        entry("eve", 4, null),
        entry("eve", 1, "anew", { since: "2" }),
        entry("ann", 1, "another"),
        entry("ann", 1, "another", { since: "2" }),
        entry("bob", 5, "admin"),
      ]);
      assert.deepEqual(await listOf(one), [
        "operator ann of 1, 1: admin",
        "operator bob of 1, 5: admin",
        "operator eve of 1, 4: null",
        "operator eve of 2, 1: anew",
      ]);
      const { changed } = await one.writtenAfter(0);
      await other.handOn([entry("ann", 1, "another"), entry("eve", 3, "admin")]);
      assert.equal((await one.writtenAfter(0)).changed, changed);
    },
  );

  contract("the other gets a hint of what is new, and of nothing else", async ({ one, other }) => {
    const hints: boolean[] = [];
    using _ = other.onHint((isThereAgain) => void hints.push(isThereAgain));
    assert(await one.write(entry("ann", 1, "admin")));
    await until(() => hints.length === 1);
    assert(await one.write(entry("ann", 1, "admin")));
    assert(await one.write(entry("ann", 2, "viewer")));
    await until(() => hints.length === 2);
    assert.deepEqual(hints, [false, false]);
  });
}
