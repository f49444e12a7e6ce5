/** What a bar is on in the console while images, rooms and disks come and go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { press } from "../../../client/console/keys.ts";
import { emptyModel, type Model, take } from "../../../client/console/model.ts";
import { rows } from "../../../client/console/rows.ts";
import { firstUi, type Ui } from "../../../client/console/state.ts";
import { rowText } from "../../../core/screen/row.ts";
import { diskOf, imageOf, pcOf } from "./fake-lab.ts";

const come = (model: Model, name: string, version: number): void =>
  take(model, { type: "image", image: imageOf(version, { name }) });
const go = (model: Model, version: number): void =>
  take(model, { type: "image-gone", id: `image${version}` });

function lab(): Model {
  const model = emptyModel();
  take(model, { type: "pc", pc: pcOf(1) });
  come(model, "debian", 2);
  come(model, "win10", 3);
  return model;
}

const pressed = (model: Model, ui: Ui, ...names: readonly string[]): Ui =>
  names.reduce(
    (before, name) => press(model, before, { name, text: name.length === 1 ? name : "" }, 10).ui,
    ui,
  );
/** The row that the bar is on. */
const barOf = (model: Model, ui: Ui): string =>
  rowText(
    rows(model, ui, { columns: 80, lines: 24 }).find(([span]) => span?.style === "chosen") ?? [],
  ).trim();
const imageOfPage = ({ page }: Ui): string | null =>
  page.name === "overwrite" ? page.image.name : null;

test("an image stays chosen while another is captured, whether a key has moved the bar or not", () => {
  const model = lab();
  const first = pressed(model, firstUi, "r");
  const second = pressed(model, first, "down");
  come(model, "exam", 4);
  assert.match(barOf(model, first), /^win10@3/);
  assert.equal(imageOfPage(pressed(model, first, "enter")), "win10");
  assert.match(barOf(model, second), /^debian@2/);
  assert.equal(imageOfPage(pressed(model, second, "enter")), "debian");
  assert.match(barOf(model, pressed(model, first, "up")), /^exam@4/);
});

test("where the image is gone, the bar stays at its place", () => {
  const model = lab();
  come(model, "exam", 4);
  const middle = pressed(model, firstUi, "r", "down");
  go(model, 3);
  assert.match(barOf(model, middle), /^debian@2/);
  go(model, 2);
  assert.match(barOf(model, middle), /^exam@4/);
  go(model, 4);
  assert.equal(barOf(model, middle), "");
  assert.equal(pressed(model, middle, "enter").page.name, "images");
});

test("so it is where images are deleted, written of, and restored at another server", () => {
  const model = lab();
  const store = pressed(model, firstUi, "i", "down");
  const elsewhere: Ui = {
    ...firstUi,
    page: { name: "elsewhere", room: "hall", server: "beta", chosen: { id: "image2", at: 1 } },
  };
  come(model, "exam", 4);
  const asked = pressed(model, store, "d").page;
  assert.equal(asked.name === "word" ? asked.word : null, "debian@2");
  const noted = pressed(model, store, "n", "C-s");
  assert.match(barOf(model, noted), /^debian@2/);
  const { effect } = press(model, elsewhere, { name: "enter", text: "" }, 10);
  assert.match(effect?.type === "command" ? effect.line : "", /restore debian@2 /);
});

test("a disk stays chosen for a capture while another is plugged in", () => {
  const model = lab();
  const [inner, other] = [diskOf(1), { ...diskOf(2), path: "/dev/sdb" }];
  take(model, { type: "pc", pc: pcOf(1, { disks: [inner, other] }) });
  const ui = pressed(model, firstUi, "c");
  const stick = { ...diskOf(3), path: "/dev/sdc" };
  take(model, { type: "pc", pc: pcOf(1, { disks: [stick, inner, other] }) });
  const { page } = pressed(model, ui, "enter");
  assert.equal(page.name === "prompt" ? page.disk?.path : null, "/dev/sda");
});
