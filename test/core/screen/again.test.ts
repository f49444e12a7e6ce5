import assert from "node:assert/strict";
import { test } from "node:test";
import { triedAgain } from "../../../core/screen/again.ts";
import { rejoinGrace } from "../../../core/session/member.ts";
import { pcOf } from "../../client/console/fake-lab.ts";
import { connected, lost, Played, ready, restoreSpec, verified } from "../session/play.ts";

test("whom a session is tried again with: those that ended unverified and are known, and nobody that is only lost", () => {
  const played = new Played("restore", restoreSpec());
  const names = (known: readonly string[]): string[] =>
    triedAgain(played.view, (id) =>
      known.includes(id) ? pcOf(1, { id, name: `now-${id}` }) : undefined,
    ).map(({ name }) => name);
  for (const input of [connected("a"), connected("b"), ready("a"), ready("b"), lost("b")])
    played.take(input);
  const b = played.view.members.find(({ pc }) => pc === "b");
  assert.equal(b?.result, "failed", "so it is shown meanwhile");
  assert.deepEqual(names(["a", "b"]), []);
  played.take(verified("a"));
  played.wait(rejoinGrace);
  assert.equal(played.view.state, "done");
  assert.deepEqual(names(["a", "b"]), ["now-b"]);
  assert.deepEqual(names(["a"]), []);
});
