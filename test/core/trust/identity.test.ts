import assert from "node:assert/strict";
import { test } from "node:test";
import { type Known, type Marks, recognise } from "../../../core/trust/identity.ts";

const pc = (uuid: string | null, serials: string[], macs: string[]): Marks => ({
  uuid,
  serials,
  macs,
});
const known = (id: string, marks: Marks, isOnline = false): Known => ({ id, ...marks, isOnline });

const anna = pc("ua", ["sa"], ["01"]);
const bert = pc("ub", ["sb"], ["02"]);
const both = [known("a", anna), known("b", bert)];
const is = (id: string) => ({ kind: "known", id });

const cases: readonly [string, Marks, readonly Known[], unknown][] = [
  ["the same again", anna, both, is("a")],
  ["nobody like it", pc("uc", ["sc"], ["03"]), both, { kind: "new" }],
  ["a changed network card", pc("ua", ["sa"], ["09"]), both, is("a")],
  [
    "a changed card, and only a UUID",
    pc("ua", [], ["09"]),
    [known("a", pc("ua", [], ["01"]))],
    is("a"),
  ],
  [
    "a shared dock: another PC with the first one's address",
    pc("uc", ["sc"], ["01"]),
    both,
    { kind: "new" },
  ],
  ["a shared dock: a known PC with another's address", pc("ub", ["sb"], ["01"]), both, is("b")],
  [
    "a dock that both were seen with",
    pc("ub", ["sb"], ["0d"]),
    [known("a", pc("ua", ["sa"], ["01", "0d"])), known("b", pc("ub", ["sb"], ["02", "0d"]))],
    is("b"),
  ],
  [
    "an address alone, where nobody says more",
    pc(null, [], ["01"]),
    [known("a", pc(null, [], ["01"]))],
    is("a"),
  ],
  ["an address alone, of a PC that says more", pc(null, [], ["01"]), both, is("a")],
  [
    "a repaired board: new UUID, same serial and card",
    pc("ux", ["sa"], ["01"]),
    both,
    { kind: "doubt", ids: ["a"] },
  ],
  [
    "two boards of one series, a card that neither had",
    pc("u", [], ["09"]),
    [known("a", pc("u", [], ["01"])), known("b", pc("u", [], ["02"]))],
    { kind: "doubt", ids: ["a", "b"] },
  ],
  [
    "two boards of one series, told apart by their cards",
    pc("u", [], ["02"]),
    [known("a", pc("u", [], ["01"])), known("b", pc("u", [], ["02"]))],
    is("b"),
  ],
  [
    "a dock that two PCs without any other mark were seen with",
    pc(null, [], ["0d"]),
    [known("a", pc(null, [], ["01", "0d"])), known("b", pc(null, [], ["02", "0d"]))],
    { kind: "doubt", ids: ["a", "b"] },
  ],
  [
    "a twin of a PC that is on",
    pc("u", [], ["02"]),
    [known("a", pc("u", [], ["01"]), true)],
    { kind: "new" },
  ],
  ["a PC that is on, started anew", anna, [known("a", anna, true), known("b", bert)], is("a")],
];

for (const [name, marks, inventory, expected] of cases) {
  test(name, () => assert.deepEqual(recognise(marks, inventory), expected));
}

test("the order of the inventory decides nothing", () => {
  for (const [name, marks, inventory] of cases) {
    const [one, other] = [recognise(marks, inventory), recognise(marks, [...inventory].reverse())];
    if (one.kind === "doubt" && other.kind === "doubt") {
      assert.deepEqual([...one.ids].sort(), [...other.ids].sort(), name);
    } else assert.deepEqual(one, other, name);
  }
});
