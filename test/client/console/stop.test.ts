/** What is asked before a session is stopped: it names what the session is of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyModel } from "../../../client/console/model.ts";
import { pressSession } from "../../../client/console/session-keys.ts";
import { firstUi } from "../../../client/console/state.ts";
import type { MemberView, SessionView } from "../../../core/wire/views.ts";
import { memberOf, pcOf, sessionOf } from "./fake-lab.ts";

function asked(members: readonly MemberView[], changes: Partial<SessionView> = {}) {
  const model = emptyModel();
  model.pcs.set("id9", pcOf(9));
  const { page } = pressSession(model, firstUi, sessionOf(members, changes), "s").ui;
  assert(page.name === "confirm");
  return { question: page.question, warnings: page.warnings };
}

test("a session without an image is named by the PC whose disk it wipes or casts", () => {
  const none = { image: null, room: null };
  assert.equal(
    asked([memberOf(1)], { ...none, kind: "wipe" }).question,
    "Stop session s1a2b (wipe of pc01)?",
  );
  assert.equal(
    asked([memberOf(1)], { ...none, kind: "cast", sender: "id9" }).question,
    "Stop session s1a2b (cast of pc09)?",
  );
  assert.deepEqual(asked([memberOf(1)]).warnings, [
    "The disk of 1 PC will be incomplete until it is restored again.",
  ]);
  assert.equal(asked([memberOf(1)]).question, "Stop session s1a2b (restore of win11-lab@4)?");
});
