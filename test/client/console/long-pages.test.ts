/** Before a word or a yes, all disks and all codes can be read, and the field is on the screen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { press } from "../../../client/console/keys.ts";
import { emptyModel, type Model, take } from "../../../client/console/model.ts";
import { asShown, pageLines, rows } from "../../../client/console/rows.ts";
import { firstUi, type Ui } from "../../../client/console/state.ts";
import type { Effect } from "../../../client/console/step.ts";
import { rowText, type ScreenSize } from "../../../core/screen/row.ts";
import { type RoomSettings, roomDefaults } from "../../../core/wire/rooms.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import { imageOf, pcOf, unlocked } from "./fake-lab.ts";

const numbers = Array.from({ length: 30 }, (_, index) => index + 1);
const codeOf = (number: number): string => String(100_000 + number * 1111);
const shownCode = (number: number): string => codeOf(number).replace(/^.../, "$& ");

const sizes: readonly ScreenSize[] = [
  { columns: 80, lines: 24 },
  { columns: 64, lines: 20 },
  { columns: 40, lines: 12 },
];

/** A room of 30 PCs, of which nobody has placed some. */
function lab(
  admit: RoomSettings["admit"],
  isNew: (number: number) => boolean,
  image: Partial<ImageView> = {},
): Model {
  const model = emptyModel();
  const room = { name: "lab-1", pcs: 30, online: 30, session: null, walk: null, seats: [] };
  take(model, {
    type: "room",
    room: { ...room, ...unlocked, settings: { ...roomDefaults, admit } },
  });
  for (const number of numbers) {
    const code = codeOf(number);
    const identity = { kind: "memory", state: "waiting", code, level: "waiting" } as const;
    take(model, { type: "pc", pc: pcOf(number, isNew(number) ? { identity } : {}) });
  }
  take(model, { type: "image", image: imageOf(4, image) });
  return model;
}

const inRoom: Ui = { ...firstUi, room: "lab-1" };
const allMarked: Ui = { ...inRoom, marked: new Set(numbers.map((number) => `id${number}`)) };

/** Keys, one after the other, as on a screen of this size. */
function pressed(
  model: Model,
  ui: Ui,
  size: ScreenSize,
  keys: readonly string[],
): { ui: Ui; effect: Effect | null } {
  let effect: Effect | null = null;
  for (const name of keys) {
    const key = { name, text: name.length === 1 ? name : "" };
    ({ ui, effect } = press(model, asShown(model, ui, size), key, pageLines(model, ui, size)));
  }
  return { ui, effect };
}

const screenOf = (model: Model, ui: Ui, size: ScreenSize): string =>
  rows(model, ui, size).map(rowText).join("\n");

/** All that is on the screen while somebody reads on by pages; each has to have `field`. */
function readAll(model: Model, start: Ui, size: ScreenSize, field: RegExp): string {
  const all: string[] = [];
  let ui = start;
  for (let pages = 0; pages < 100; pages++) {
    const screen = screenOf(model, ui, size);
    assert.match(screen, field);
    all.push(screen);
    if (!/more lines?( below, \d+ above)?:/.test(screen)) return all.join("\n");
    ({ ui } = pressed(model, ui, size, ["pagedown"]));
  }
  throw new Error("it never ends");
}

const callsOf = (effect: Effect | null) => (effect?.type === "calls" ? effect.calls : []);

for (const size of sizes) {
  const on = `on ${size.columns}x${size.lines}`;

  test(`every code that a yes admits can be read ${on}, and what is not seen yet is counted`, () => {
    const model = lab("placed", () => true);
    const { ui } = pressed(model, allMarked, size, ["A"]);
    assert.match(screenOf(model, ui, size), /\d+ more lines: Down/);
    const read = readAll(model, ui, size, /y: yes/);
    for (const number of numbers) assert.ok(read.includes(shownCode(number)), `${number}`);
    const { effect } = pressed(model, ui, size, ["end", "y"]);
    assert.deepEqual(
      callsOf(effect).map(({ body }) => body),
      numbers.map((number) => ({ code: codeOf(number) })),
    );
  });

  test(`every disk and code that a wipe's word is for can be read ${on}, above the field`, () => {
    const model = lab("on-order", () => true);
    const { ui } = pressed(model, allMarked, size, ["z", "1"]);
    const read = readAll(model, ui, size, /Type 30 PCs and press Enter: _/);
    assert.match(read.replaceAll(/\s+/g, " "), /30 PCs were never seen before: compare each code/);
    for (const number of numbers) {
      assert.ok(read.includes(shownCode(number)), `${number}`);
      assert.ok(read.includes(`S3Z9NB0K${String(number).padStart(4, "0")}`), `${number}`);
    }
    const typed = pressed(model, ui, size, ["end", ..."30 PCs"]);
    assert.match(screenOf(model, typed.ui, size), /Enter: 30 PCs_/);
    const calls = callsOf(pressed(model, typed.ui, size, ["enter"]).effect);
    assert.equal(calls.length, 30);
    const { shown } = (calls[0]?.body ?? {}) as { shown?: unknown[] };
    assert.equal(shown?.length, 30);
  });

  test(`a restore shows each disk with its code, and whom it leaves out, ${on}`, () => {
    const model = lab("on-order", () => true);
    const placing = readAll(
      model,
      pressed(model, inRoom, size, ["r", "enter"]).ui,
      size,
      /Type lab-1/,
    );
    for (const number of numbers) assert.ok(placing.includes(shownCode(number)), `${number}`);
    const some = lab("placed", (number) => number > 20);
    const { ui } = pressed(some, inRoom, size, ["r", "enter"]);
    const first = screenOf(some, ui, size);
    assert.match(first, /pc01/);
    assert.match(first.replaceAll(/\s+/g, " "), /10 PCs are left out: why is said below the disks/);
    const read = readAll(some, ui, size, /Type lab-1 and press Enter: _/).replaceAll(/\s+/g, " ");
    for (const number of numbers.slice(20)) {
      assert.ok(read.includes(`left out: nobody has placed pc${number} yet`), `${number}`);
    }
    assert.match(read, /Written: win11-lab@4/);
  });

  test(`names of several PCs are typed where they are seen ${on}`, () => {
    const model = lab("placed", () => false);
    const marked = { ...inRoom, marked: new Set(["id1", "id2", "id3"]) };
    const { ui } = pressed(model, marked, size, ["r", "enter", ..."pc01,pc02,pc03"]);
    assert.match(screenOf(model, ui, size), /pc01,pc02,pc03_/);
    const wrong = screenOf(model, pressed(model, ui, size, ["x", "enter"]).ui, size);
    assert.match(wrong.replaceAll(/\s+/g, " "), /That was not pc01,pc02,pc03/);
    assert.match(wrong, /pc01 +\/dev\/sda/);
    const how = screenOf(model, pressed(model, allMarked, size, ["z"]).ui, size);
    assert.match(how, /30 PCs wiped\?/);
    assert.match(how, /3 Secure erase/);
  });
}

test("the sender of a cast that the word places is told with its code", () => {
  const model = lab("on-order", (number) => number === 1);
  const size = { columns: 80, lines: 24 };
  const { ui } = pressed(model, inRoom, size, ["k", "enter"]);
  const screen = screenOf(model, ui, size);
  assert.match(screen, /1 PC was never seen before/);
  assert.match(screen, /pc01 NEW \(code 101 111\)/);
  assert.match(screen, /THESE 29 DISKS/);
});

test("what is written stands below the disks, and after them where it is long", () => {
  const step = { bytes: 300, by: "root", addedAt: "2026-11-28T07:00:00Z" };
  const steps = Array.from({ length: 20 }, (_, index) => ({ ...step, name: `${index}-step.sh` }));
  const size = { columns: 80, lines: 24 };
  const model = lab("placed", () => false, { steps });
  const { ui } = pressed(model, inRoom, size, ["r", "enter"]);
  const first = screenOf(model, ui, size);
  assert.match(first, /pc12 +\/dev\/sda/);
  assert.ok(!first.includes("Written"));
  assert.match(readAll(model, ui, size, /Type lab-1/), /19-step\.sh, 300 B, added by root/);
  const short = lab("placed", () => false);
  const shown = screenOf(short, pressed(short, inRoom, size, ["r", "enter"]).ui, size);
  assert.match(shown, /Written: win11-lab@4/);
});
