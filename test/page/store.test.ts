/** What the page makes of the server's events, without a browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { effect } from "@preact/signals";
import { matches } from "../../client/page/room-view.ts";
import { EventQueue, Store } from "../../client/page/store.ts";
import { speak } from "../../client/page/words.ts";
import { memberOf, pcOf, sessionOf } from "../client/console/fake-lab.ts";
import { restoringRoom } from "./scenes.ts";

test("a whole state that comes again drops what it no longer has, and nothing before it is whole", () => {
  const store = new Store();
  const { state } = restoringRoom(3, 2);
  store.take([...state, { type: "ready" }]);
  assert.equal(store.pcs.keys.size, 7);
  assert.equal(store.isComplete.value, true);
  const kept = state.filter((event) => event.type !== "pc" || event.pc.id === "id1");
  store.take([{ type: "reset" }, ...kept]);
  assert.equal(store.pcs.keys.size, 7, "until it is whole, the last state stays");
  store.take([{ type: "ready" }]);
  assert.deepEqual([...store.pcs.keys], ["id1"]);
});

test("a change of one PC draws that PC's cell, and no other", () => {
  const store = new Store();
  const members = [memberOf(1), memberOf(2)];
  store.take([
    { type: "pc", pc: pcOf(1) },
    { type: "pc", pc: pcOf(2) },
    { type: "session", session: sessionOf(members) },
    { type: "ready" },
  ]);
  store.settle();
  const drawn = { id1: 0, id2: 0 };
  for (const id of ["id1", "id2"] as const) {
    effect(() => {
      store.pcs.get(id);
      store.parts.get(id);
      drawn[id]++;
    });
  }
  const next = [memberOf(1, { bytesWritten: 12_000_000_000 }), memberOf(2)];
  store.take([{ type: "session", session: sessionOf(next, { rateBps: 99_000_000 }) }]);
  store.settle();
  assert.deepEqual(drawn, { id1: 2, id2: 1 });
  store.take([{ type: "session", session: sessionOf(next, { state: "repairing" }) }]);
  store.settle();
  assert.deepEqual(drawn, { id1: 3, id2: 2 }, "the session's own state is every cell's");
});

test("a PC is shown in the latest session that it was in", () => {
  const store = new Store();
  const earlier = sessionOf([memberOf(1, { result: "failed" })], {
    ...{ id: "s1", startedAt: "2026-11-21T09:00:00Z", endedAt: "2026-11-21T09:10:00Z" },
  });
  store.take([
    { type: "session", session: sessionOf([memberOf(1)]) },
    { type: "session", session: earlier },
  ]);
  store.settle();
  assert.equal(store.parts.get("id1")?.session.id, "s1a2b");
});

test("of one thing only its last event waits for the frame, and `ready` stays behind what it is about", () => {
  const queue = new EventQueue();
  for (let round = 0; round < 1000; round++) {
    queue.push({ type: "pc", pc: pcOf(1, { ip: `10.0.0.${round % 250}` }) });
    queue.push({ type: "pc", pc: pcOf(2) });
    if (round === 500) queue.push({ type: "ready" });
  }
  queue.push({ type: "pc-gone", id: "id2" });
  queue.push({ type: "ready" });
  const events = queue.drain();
  assert.deepEqual(
    events.map(({ type }) => type),
    ["pc", "pc-gone", "ready"],
  );
  queue.push({ type: "pc", pc: pcOf(1) });
  queue.push({ type: "reset" });
  assert.deepEqual(queue.drain(), [{ type: "reset" }]);
});

test("cells are drawn some at a time, with the newest that is known, until all are", () => {
  const store = new Store();
  const far = (bytesWritten: number) =>
    sessionOf([1, 2, 3, 4, 5].map((number) => memberOf(number, { bytesWritten })));
  store.take([{ type: "session", session: far(1e9) }]);
  assert.equal(store.settle(2), true);
  assert.equal(store.parts.keys.size, 2);
  store.take([{ type: "session", session: far(2e9) }]);
  assert.equal(store.settle(4), true);
  assert.equal(store.settle(4), false);
  const shown = [...store.parts.keys].map((pc) => store.parts.get(pc)?.member.bytesWritten);
  assert.deepEqual(shown, [2e9, 2e9, 2e9, 2e9, 2e9]);
});

test("PCs are found by the word that they are shown with, in the reader's language and without its accents", async () => {
  const store = new Store();
  const identity = { kind: "tpm", state: "waiting", code: "402917", level: "waiting" } as const;
  const pcs = [pcOf(1), pcOf(2, { state: "booting" }), pcOf(3, { identity })];
  const found = (filter: string) =>
    pcs.filter((pc) => matches(store, pc, filter)).map(({ name }) => name);
  for (const [typed, name] of [
    ["ready", "pc01"],
    ["Starting", "pc02"],
    ["new", "pc03"],
  ] as const)
    assert.deepEqual(found(typed), [name]);
  await speak("fr", ["fr"]);
  assert.deepEqual(["prêt", "pret", "DÉMARRE"].map(found), [["pc01"], ["pc01"], ["pc02"]]);
  await speak("en", ["en"]);
});
