import assert from "node:assert/strict";
import { test } from "node:test";
import { mapRows } from "../../../client/console/map-rows.ts";
import { emptyModel, type Model, take } from "../../../client/console/model.ts";
import { firstUi, roomMap, type Ui } from "../../../client/console/state.ts";
import { rowText } from "../../../core/screen/row.ts";
import { neighbour } from "../../../core/screen/seat-map.ts";
import { seatGrid } from "../../../core/session/seats.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { memberOf, pcOf, sessionOf, unlocked } from "./fake-lab.ts";

const ui: Ui = { ...firstUi, view: "map", room: "lab-1" };

/** Four columns and three rows, ten PCs in them but for one that has no seat yet. */
function room(): Model {
  const model = emptyModel();
  const seats = seatGrid(4, 3);
  for (let number = 1; number <= 10; number++) {
    const seat = number === 10 ? null : (seats[number - 1]?.name ?? null);
    take(model, { type: "pc", pc: pcOf(number, { seat }) });
  }
  take(model, {
    type: "room",
    room: {
      name: "lab-1",
      pcs: 10,
      online: 10,
      session: null,
      settings: roomDefaults,
      ...unlocked,
      walk: null,
      seats: seats.map((seat, index) => ({ ...seat, pc: index < 9 ? `id${index + 1}` : null })),
    },
  });
  return model;
}

const key = (name: string) => ({ name, text: "" });
const text = (model: Model, shown: Ui, columns = 80, lines = 18): string =>
  mapRows(model, shown, roomMap(model, shown), { columns, lines }).map(rowText).join("\n");

test("arrows lead to the nearest PC that way, over empty seats, and stay at the edge", () => {
  const map = roomMap(room(), ui);
  const walk = (from: string, ...names: string[]): string | null =>
    names.reduce<string | null>((at, name) => neighbour(map, at, key(name)), from);
  assert.equal(walk("id1", "right", "right", "down"), "id7");
  assert.equal(walk("id1", "left"), "id1");
  assert.equal(walk("id1", "up"), "id1");
  assert.equal(walk("id8", "down"), "id9", "A4, B4, then C1: C4 is empty");
  assert.equal(walk("id9", "down"), "id10", "the one without a seat stands below");
  assert.equal(neighbour(map, "gone", key("left")), "gone");
});

test("each PC has its seat, its state in a word, and a bar while it is at work", () => {
  const model = room();
  const members = [
    memberOf(1),
    memberOf(2, { result: "verified", state: "idle" }),
    memberOf(3, { result: "failed", state: "failed", reason: "x" }),
  ];
  take(model, { type: "session", session: sessionOf(members) });
  take(model, { type: "pc", pc: pcOf(4, { seat: "A4", state: "offline" }) });
  const shown = text(model, { ...ui, marked: new Set(["id2"]) });
  const [names, states, bars] = shown.split("\n");
  assert.match(names ?? "", /A1 pc01 +\*A2 pc02 +A3 pc03 +A4 pc04/);
  assert.match(states ?? "", /receiving 40% +VERIFIED +FAILED +off/);
  assert.match(bars ?? "", /^ \[#+-+\] 98\.0 MB\/s +$/);
  const narrow = mapRows(
    model,
    ui,
    { ...roomMap(model, ui), columns: 8 },
    { columns: 80, lines: 18 },
  );
  assert.match(rowText(narrow[2] ?? []), /^ \[#*-+\] 98\.0M/);
  assert.match(shown, /C2 +C3 +C4/);
  assert.match(shown, /empty/);
  assert.match(shown, /\bpc10\b/);
});

test("of a map that is larger than the screen the part around the cursor is shown", () => {
  const model = emptyModel();
  const seats = seatGrid(30, 20);
  for (const [index, seat] of seats.entries())
    take(model, { type: "pc", pc: pcOf(index + 1, { seat: seat.name }) });
  const settings = { settings: roomDefaults, ...unlocked, walk: null };
  const all = seats.map((seat, index) => ({ ...seat, pc: `id${index + 1}` }));
  take(model, {
    type: "room",
    room: { name: "lab-1", pcs: 600, online: 600, session: null, ...settings, seats: all },
  });
  for (const [chosen, seat] of [
    ["id1", "A1 "],
    ["id600", "T30 "],
    ["id315", "K15 "],
  ] as const) {
    for (const [columns, lines] of [
      [80, 18],
      [200, 44],
    ] as const) {
      const rows = mapRows(model, { ...ui, chosen }, roomMap(model, { ...ui, chosen }), {
        columns,
        lines,
      }).map(rowText);
      assert.ok(rows.length <= lines && rows.every((row) => row.length <= columns));
      assert.ok(
        rows.some((row) => row.includes(seat)),
        `${seat} at ${columns}x${lines}`,
      );
    }
  }
});
