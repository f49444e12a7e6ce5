import assert from "node:assert/strict";
import { test } from "node:test";
import type { SentRun } from "../../../core/wire/sent-run.ts";
import { Hearing } from "../../../initrd/agent/tasks/hearing.ts";

type Heard = { readonly generation: number; readonly sequence: number } | null;
const of = (generation: number, sequence: number) => ({ generation, sequence });
const sent = (generation: number, from: number): SentRun => ({ generation, from });

/** Each look finds the counts anew. */
const look = (hearing: Hearing, heard: Heard): boolean => hearing.isDeaf({ heard });

test("a PC is deaf when nothing of what was sent has come, at the second look", () => {
  const hearing = new Hearing();
  assert.equal(look(hearing, null), false);
  assert.equal(look(hearing, null), false, "nobody says that anything was sent");
  hearing.sent(sent(7, 100));
  assert.equal(look(hearing, null), false, "it may be on its way");
  assert.equal(look(hearing, null), true);
  assert.equal(look(hearing, of(7, 100)), false, "it comes again");
});

test("it is deaf to what was sent after the last packet that came, and not before", () => {
  const hearing = new Hearing();
  hearing.sent(sent(7, 100));
  for (let turn = 0; turn < 9; turn++) assert.equal(look(hearing, of(7, 100)), false);
  hearing.sent(sent(7, 101));
  assert.equal(look(hearing, of(7, 100)), false);
  assert.equal(look(hearing, of(7, 100)), true);
});

test("a PC that takes older packets has no processor for the newer ones, and is not deaf", () => {
  const hearing = new Hearing();
  for (let sequence = 0; sequence < 900; sequence += 100) {
    hearing.sent(sent(7, sequence + 1000));
    assert.equal(look(hearing, of(7, sequence)), false);
  }
  assert.equal(look(hearing, of(7, 800)), false, "it may be taking the next");
  assert.equal(look(hearing, of(7, 800)), true, "nothing comes any more");
});

test("a word that comes late, or again, says nothing of what was sent since", () => {
  const hearing = new Hearing();
  hearing.sent(sent(7, 100));
  for (let turn = 0; turn < 9; turn++) assert.equal(look(hearing, of(7, 150)), false);
  hearing.sent(null);
  assert.equal(look(hearing, of(7, 150)), false);
});

test("sequences begin again at 0", () => {
  const hearing = new Hearing();
  hearing.sent(sent(7, 5));
  assert.equal(look(hearing, of(7, 0xffff_fff0)), false);
  assert.equal(look(hearing, of(7, 0xffff_fff0)), true);
  const other = new Hearing();
  other.sent(sent(7, 0xffff_fff0));
  for (let turn = 0; turn < 3; turn++) assert.equal(look(other, of(7, 5)), false);
});

test("a generation that was heard and is over is no reason; one that was never heard is", () => {
  const hearing = new Hearing();
  look(hearing, of(7, 100));
  look(hearing, of(8, 3));
  hearing.sent(sent(7, 200));
  for (let turn = 0; turn < 3; turn++) assert.equal(look(hearing, of(8, 3)), false);
  hearing.sent(sent(9, 1));
  assert.equal(look(hearing, of(8, 3)), false);
  assert.equal(look(hearing, of(8, 3)), true);
});

test("counts that have not been taken anew are no second look", () => {
  const hearing = new Hearing();
  hearing.sent(sent(7, 100));
  const counts = { heard: null };
  for (let turn = 0; turn < 9; turn++) assert.equal(hearing.isDeaf(counts), false);
});
