/** What the console says goes with what is deleted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { press } from "../../../client/console/keys.ts";
import { emptyModel } from "../../../client/console/model.ts";
import { firstUi } from "../../../client/console/state.ts";
import { pressAtStore } from "../../../client/console/store-keys.ts";
import { imageOf, pcOf } from "./fake-lab.ts";

test("with an image go its fitted versions and its own scripts", () => {
  const model = emptyModel();
  const step = { name: "printer.sh", bytes: 9, by: "ann", addedAt: "2026-11-21T09:00:00Z" };
  const image = imageOf(4, { steps: [step] });
  const fitted = imageOf(4, { id: "fitted", fitOf: image.id, fitSize: "240GB" });
  for (const each of [image, fitted]) model.images.set(each.id, each);
  const at = { name: "store", chosen: { id: null, at: 1 } } as const;
  const { page } = pressAtStore(model, firstUi, at, { name: "d", text: "d" }).ui;
  assert(page.name === "word");
  const facts = page.facts.join("\n");
  assert.match(facts, /win11-lab@4 \(.*\n.*win11-lab@4-fit-240GB \(.*\n.*printer\.sh/);
});

test("with a PC go its keys and its place, and not its history", () => {
  const model = emptyModel();
  model.pcs.set("id1", pcOf(1));
  const { page } = press(model, { ...firstUi, chosen: "id1" }, { name: "f", text: "f" }, 10).ui;
  assert(page.name === "confirm");
  assert.match(page.warnings.join("\n"), /SSH host keys.*\n.*history stays/);
});
