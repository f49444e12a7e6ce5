/** What operators can say to a live cast whose sender still maps its disk. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { liveSpec } from "../../core/session/play.ts";
import { openApi } from "../api/open-api.ts";
import { helloOf, register } from "./hello.ts";

test("a live cast is not started before its sender knows what it sends", async () => {
  await using api = await openApi("local");
  const { inventory, sessions } = api.lab;
  for (const number of [1, 2]) register(inventory, helloOf(`52:54:00:00:00:0${number}`));
  const { id } = sessions.cast({
    ...{ ...liveSpec(), startTimeoutSeconds: null, proveBootSeconds: null },
    ...{ sender: inventory.find("pc1"), pcs: [inventory.find("pc2")] },
  });
  assert.throws(() => sessions.start(id), {
    code: "conflict",
    message: `session ${id} waits for pc1 to map its disk, whoever is ready`,
    next: `start it once \`roomcast history --session ${id}\` says that pc1 sends, or stop it`,
  });
  assert.equal(sessions.find(id).state, "gathering");
});
