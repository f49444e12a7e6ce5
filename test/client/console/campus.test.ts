/** The rooms of the campus in the console: how they are shown, and what is ordered of other servers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CampusWatch, type SeenCampus } from "../../../client/console/campus-watch.ts";
import { press } from "../../../client/console/keys.ts";
import { emptyModel, type Model } from "../../../client/console/model.ts";
import { rows } from "../../../client/console/rows.ts";
import { firstUi, type Ui } from "../../../client/console/state.ts";
import type { Effect } from "../../../client/console/step.ts";
import { rowText } from "../../../core/screen/row.ts";
import type { CampusRoomView } from "../../../core/wire/campus.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { FakeLab, imageOf, unlocked } from "./fake-lab.ts";

const told: CampusRoomView = {
  ...{ name: "lab-1", pcs: 30, online: 12, session: null, settings: roomDefaults, seats: [] },
  ...{ walk: null, ...unlocked, running: null, server: "alpha", owner: "alpha", since: null },
};
const seen: readonly CampusRoomView[] = [
  told,
  {
    ...{ ...told, name: "hall", server: "beta", owner: "beta" },
    ...{ session: "s7", running: "27 of 28 verified so far." },
  },
  { ...told, name: "attic", owner: "beta" },
  {
    ...told,
    ...{ name: "cellar", server: "gamma", owner: "gamma" },
    since: "2026-11-22T08:00:00Z",
  },
];
const size = { columns: 100, lines: 30 };

function campusModel(rooms: readonly CampusRoomView[] | null = seen): Model {
  const model = emptyModel();
  model.images.set("image4", imageOf(4));
  model.campus = rooms === null ? null : { rooms, trouble: null };
  return model;
}

/** Presses one key after the other; answers where that leads, and what it asks for. */
function pressed(model: Model, ...keys: readonly string[]): { ui: Ui; effects: Effect[] } {
  let ui = firstUi;
  const effects: Effect[] = [];
  for (const name of keys) {
    const step = press(model, ui, { name, text: name.length === 1 ? name : "" }, 10);
    ui = step.ui;
    if (step.effect !== null) effects.push(step.effect);
  }
  return { ui, effects };
}

const shown = (model: Model, ...keys: readonly string[]): string =>
  rows(model, pressed(model, ...keys).ui, size)
    .map(rowText)
    .join("\n");

test("the rooms of all servers are listed with their servers, and the chosen one with what is known of it", () => {
  const model = campusModel();
  const page = shown(model, "C", "down");
  assert.match(page, /Room +Server +On +Session/);
  assert.match(page, /lab-1 +alpha +12 of 30/);
  assert.match(page, /hall +beta +12 of 30 +s7\n/);
  assert.match(page, /27 of 28 verified so far/);
  assert.match(shown(model, "C", "down", "down"), /the room is the server beta's/);
  const away = shown(model, "C", "end");
  assert.match(away, /gamma is away since 2026-11-22 08:00 UTC: this is how the room was then/);
  assert.match(shown(campusModel(null), "C"), /Asking/);
  assert.match(shown(campusModel([{ ...told, server: null }]), "C"), /belongs to no campus/);
  assert.match(shown(model, "?"), /rooms of all servers of the campus/);
});

test("a room of another server is woken there, and its session stopped after a question", () => {
  const model = campusModel();
  const { effects } = pressed(model, "C", "down", "w");
  assert.deepEqual(effects, [
    {
      type: "calls",
      calls: [{ method: "post", path: "/rooms/hall/wake", body: { timeout: 0 }, server: "beta" }],
      done: "sent wake-on-LAN packets to hall (beta)",
    },
  ]);
  const { ui } = pressed(model, "C", "down", "s");
  assert(ui.page.name === "confirm");
  assert.equal(ui.page.question, "Stop s7, hall (beta)?");
  assert.deepEqual(ui.page.calls, [
    { method: "post", path: "/sessions/s7/stop", body: {}, server: "beta" },
  ]);
  assert.match(pressed(model, "C", "s").ui.said?.text ?? "", /no session is running/);
});

test("the bar stays on its room while rooms come and go", () => {
  const model = campusModel();
  const { ui } = pressed(model, "C", "down");
  model.campus = { rooms: [{ ...told, name: "annex" }, ...seen], trouble: null };
  const { effect } = press(model, ui, { name: "w", text: "w" }, 10);
  assert.equal(effect?.type === "calls" ? effect.calls[0]?.path : null, "/rooms/hall/wake");
});

test("a restore there is ordered by the command line, which shows the disks and asks for the word", () => {
  const model = campusModel();
  assert.match(shown(model, "C", "down", "r"), /Restore to room hall of the server beta/);
  const { effects, ui } = pressed(model, "C", "down", "r", "enter");
  const line = "--server-name beta restore win11-lab@4 --room hall";
  assert.deepEqual(effects, [{ type: "command", line }]);
  assert.equal(ui.page.name, "list");
});

test("the rooms are asked for while the page is open, and what was seen stays when nobody answers", async () => {
  const lab = new FakeLab();
  lab.answers.set("/campus/rooms", seen);
  const heard: SeenCampus[] = [];
  const come = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const watch = new CampusWatch(lab, (each) => void heard.push(each));
  watch.set(true);
  watch.set(true);
  await come();
  watch.set(false);
  lab.answers.delete("/campus/rooms");
  watch.set(true);
  await come();
  watch.set(false);
  await come();
  assert.deepEqual(
    heard.map(({ rooms, trouble }) => [rooms.length, trouble]),
    [
      [4, null],
      [4, "pc01 is not connected"],
    ],
  );
});
