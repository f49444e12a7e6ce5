/** `image fetch`, and where `image list` says an image of a campus is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FetchView, ImageView } from "../../../core/wire/views.ts";
import { imageOf } from "../console/fake-lab.ts";
import { ran } from "./run-command.ts";

const away: ImageView = { ...imageOf(3, { name: "win11" }), here: false, server: "library" };
const own = `/images/${away.id}/fetch`;
const how = (state: FetchView["state"], reason: string | null = null): FetchView => ({
  ...{ state, reason, chunksDone: 5, chunksTotal: 20 },
});

test("it comes in the background, or is waited for; a failure says why", async () => {
  const answers = (after: ImageView) => ({ "/images/win11": away, [own]: after });
  const begun = await ran(
    ["image", "fetch", "win11"],
    answers({ ...away, fetch: how("fetching") }),
  );
  assert.match(begun.said.join(), /win11@\d+ is on its way/);
  const come = await ran(
    ["image", "fetch", "win11", "--wait"],
    answers({ ...away, here: true, fetch: null }),
  );
  assert.match(come.said.join(), /win11@\d+ is here/);
  const failed = await ran(
    ["image", "fetch", "win11", "--wait"],
    answers({ ...away, fetch: how("failed", "the storage has lost it") }),
  );
  assert.match(String(failed.error), /was not fetched: the storage has lost it/);
  const stopped = await ran(["image", "fetch", "win11", "--stop"], answers(away));
  assert.match(stopped.said.join(), /is not fetched any more/);
});

test("a list has the column only where there is a campus", async () => {
  const status = { storedBytes: 1e9, freeBytes: 2e9 };
  const listed = async (images: ImageView[]) =>
    (await ran(["image", "list"], { "/images": images, "/status": status })).said.join("\n");
  assert.doesNotMatch(await listed([imageOf(3)]), /HERE/);
  const text = await listed([
    { ...away, id: "1" },
    { ...away, id: "2", here: true },
    { ...away, id: "3", here: true, server: null },
    { ...away, id: "4", fetch: how("fetching") },
    { ...away, id: "5", fetch: how("failed", "no") },
  ]);
  assert.match(text, /HERE/);
  assert.deepEqual(text.match(/no, from library|yes|only here|25 %|failed/g), [
    ...["no, from library", "yes", "only here", "25 %", "failed"],
  ]);
});
