/** A restore to smaller disks in the console: what is said before the word, and while the image is made to fit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { press } from "../../../client/console/keys.ts";
import { emptyModel, type Model } from "../../../client/console/model.ts";
import { rows } from "../../../client/console/rows.ts";
import { firstUi, type Ui } from "../../../client/console/state.ts";
import { rowText } from "../../../core/screen/row.ts";
import { diskOf, imageOf, memberOf, pcOf, sessionOf } from "./fake-lab.ts";

const size = { columns: 140, lines: 40 };
const shown = (model: Model, ui: Ui): string =>
  rows(model, ui, size).map(rowText).join("\n").replaceAll(/\s+/g, " ");

function pressed(model: Model, keys: readonly string[]): { ui: Ui; effect: unknown } {
  let ui = firstUi;
  let effect: unknown = null;
  for (const name of keys) ({ ui, effect } = press(model, ui, { name, text: name } as never, 10));
  return { ui, effect };
}

const gb = 1e9;
function lab(leastDiskBytes: number | null): Model {
  const model = emptyModel();
  const image = imageOf(4, {
    ...{ diskBytes: 256 * gb, usedBytes: 60 * gb, leastDiskBytes },
    partitions: [
      {
        ...{ index: 1, type: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", fs: "ntfs", label: null },
        ...{ uuid: null, mode: "used", start: 2 ** 20, size: 250 * gb, usedBytes: 60 * gb },
      },
    ],
  });
  model.images.set(image.id, image);
  const small = pcOf(1, { disks: [{ ...diskOf(1), size: 240 * gb }] });
  for (const pc of [small, pcOf(2)]) model.pcs.set(pc.id, pc);
  model.complete = true;
  return model;
}

test("before the word it says that the image is made to fit; f has it be never", () => {
  const model = lab(null);
  const { ui } = pressed(model, ["r", "enter"]);
  assert.match(shown(model, ui), /1 of 1 disk is smaller than the image's \(256.0 GB\): the image/);
  const never = pressed(model, ["r", "f", "enter"]);
  assert(!shown(model, never.ui).includes("smaller"));
  assert.match(shown(model, pressed(model, ["r"]).ui), /f fit the image to the smallest disk/);
  assert.match(shown(model, pressed(model, ["r", "f"]).ui), /f fit never/);
});

test("what cannot be made so small is refused before there is a word to type", () => {
  const model = lab(245 * gb);
  const { ui } = pressed(model, ["r", "enter"]);
  assert.equal(ui.page.name, "images");
  assert.match(ui.said?.text ?? "", /the smallest this image can be is 245.0 GB/);
});

test("a session that waits for its image says how far that is", () => {
  const model = lab(null);
  const fit = { state: "fitting" as const, diskBytes: 1, fraction: 0.34, secondsLeft: 120 };
  const waiting = "waits for the image to be made to fit";
  const member = memberOf(1, { state: "idle", reason: waiting, lane: null, disk: null });
  const session = sessionOf([member], { state: "gathering", rateBps: null, fit });
  model.sessions.set(session.id, session);
  const text = "fitting 34 %, about 2 min left";
  assert(shown(model, firstUi).includes(`${text}: win11-lab@4 for lab-1, 1 of 1 PCs online`));
  const page = { name: "session", id: session.id, from: 0 } as const;
  assert(shown(model, { ...firstUi, page }).includes(`Progress ${text}`));
});
