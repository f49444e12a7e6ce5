/** What is said of the disks of PCs that get into a session again, or into another one after it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { press } from "../../../client/console/keys.ts";
import { emptyModel, type Model, take } from "../../../client/console/model.ts";
import { rows } from "../../../client/console/rows.ts";
import { firstUi, type Ui } from "../../../client/console/state.ts";
import { rowText } from "../../../core/screen/row.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import type { PcView, SessionView } from "../../../core/wire/views.ts";
import { diskOf, memberOf, pcOf, sessionOf, unlocked } from "./fake-lab.ts";

const end = { endedAt: "2026-11-22T09:15:00Z" };
const failed = { ...end, result: "failed", state: "failed", reason: "x" } as const;
const nvme = { ...diskOf(9), path: "/dev/nvme0n1", transport: "nvme" };
/** Their room takes the first disk, and their session was ordered with the second one. */
const twoDisks = { disks: [nvme, { ...diskOf(2), health: "failed: worn out" }] };
const named = { disk: "/dev/sda", failingDisks: [diskOf(2).serial ?? ""] };

/** What the console shows once a key is pressed at a PC, or on the page of its session. */
function after(key: string, pcs: readonly PcView[], session: SessionView) {
  const model: Model = emptyModel();
  const disk = { ...roomDefaults.disk, transports: ["nvme"] };
  const settings = { ...roomDefaults, disk };
  const room = { name: "lab-1", pcs: 2, online: 2, session: null, seats: [], walk: null, settings };
  take(model, { type: "connection", state: "up", detail: "" });
  take(model, { type: "room", room: { ...room, ...unlocked } });
  for (const pc of pcs) take(model, { type: "pc", pc });
  take(model, { type: "session", session });
  take(model, { type: "ready" });
  const page: Ui["page"] =
    session.endedAt === null ? { name: "list" } : { name: "session", id: session.id, from: 0 };
  const ui: Ui = { ...firstUi, room: "lab-1", chosen: pcs[0]?.id ?? null, page };
  const next = press(model, ui, { name: key, text: key }, 10).ui;
  const shown = rows(model, next, { columns: 120, lines: 20 }).map(rowText).join("\n");
  return { page: next.page, shown };
}

test("a new try shows the disk that the session was ordered for, and not the one that the room chooses", () => {
  const pcs = [pcOf(1), pcOf(2, twoDisks)];
  const verified = memberOf(1, { ...end, result: "verified", state: "idle" });
  const members = [verified, memberOf(2, failed)];
  const { shown } = after("t", pcs, sessionOf(members, { ...end, ...named, state: "done" }));
  assert.match(shown, /EVERYTHING ON THIS DISK WILL BE LOST/);
  assert.match(shown, /pc02 +\/dev\/sda /);
  assert.doesNotMatch(shown, /nvme|WILL REFUSE/);
});

test("so does letting a PC in again", () => {
  const pcs = [pcOf(2, twoDisks), pcOf(1)];
  const { shown } = after("a", pcs, sessionOf([memberOf(1), memberOf(2, failed)], named));
  assert.match(shown, /pc02 +\/dev\/sda /);
  assert.doesNotMatch(shown, /nvme|WILL REFUSE/);
});

test("nothing is said to be lost where nothing is tried again", () => {
  for (const kind of ["capture", "wipe"] as const) {
    const session = sessionOf([memberOf(1, failed)], { ...end, kind, state: "failed" });
    const { page, shown } = after("t", [pcOf(1)], session);
    assert.equal(page.name, "session");
    assert.match(shown, /only restores and casts are tried again/);
  }
});

test("a PC that was forgotten or is lost is left out, in what is shown, in the word and in what is sent", () => {
  const members = [
    memberOf(1, failed),
    memberOf(2, failed),
    memberOf(3, { state: "offline", result: "failed" }),
  ];
  const session = sessionOf(members, { ...end, state: "done" });
  const { page } = after("t", [pcOf(1), pcOf(3)], session);
  assert(page.name === "word");
  assert.equal(page.facts.length, 1);
  assert.equal(page.word, "pc01");
  assert.deepEqual(page.calls, [
    { method: "post", path: "/sessions/s1a2b/retry", body: { overwrite: "pc01" } },
  ]);
  assert.match(after("t", [pcOf(3)], session).shown, /no PC is left to try again with/);
});
