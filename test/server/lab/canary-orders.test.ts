/** How operators ask for canaries and boot proofs, and what is refused. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import type { Canary } from "../../../core/session/canary.ts";
import type { RestoreState } from "../../../core/session/kinds/restore.ts";
import type { SessionView } from "../../../core/wire/views.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, register } from "./hello.ts";

let api: TestApi;
beforeEach(async () => {
  api = await openApi("local");
  for (const number of [1, 2, 3]) register(api.lab.inventory, helloOf(`52:54:00:00:00:0${number}`));
  await write(api.images, [new Uint8Array(randomBytes(mib))]);
});
afterEach(() => api.close());

const ask = (more: object) => {
  const pcs = ["pc1", "pc2", "pc3"];
  return api.app.inject({
    ...{ method: "POST", url: "/api/v1/sessions", headers: { host: "localhost" } },
    payload: { kind: "restore", image: "lab", pcs, overwrite: "pc1,pc2,pc3", ...more },
  });
};

const begun = async (more: object): Promise<RestoreState> => {
  const answer = await ask(more);
  assert.equal(answer.statusCode, 200, answer.body);
  const { id } = answer.json<SessionView>();
  const { state } = api.lab.sessions.session(id);
  api.lab.sessions.stop(id);
  return state as RestoreState;
};

const refusal = async (more: object): Promise<string> => {
  const answer = await ask(more);
  assert(answer.statusCode >= 400, answer.body);
  assert.deepEqual(
    api.lab.sessions.views().filter(({ endedAt }) => endedAt === null),
    [],
  );
  return answer.json<{ message: string }>().message;
};

test("who restarts is waited for, unless somebody says otherwise", async () => {
  const wait = async (more: object) => (await begun(more)).receivers.proveBootMs;
  assert.equal(await wait({}), null);
  assert.equal(await wait({ afterwards: "poweroff" }), null);
  assert.equal(await wait({ afterwards: "reboot" }), 300_000);
  assert.equal(await wait({ afterwards: "boot-disk" }), 300_000);
  assert.equal(await wait({ afterwards: "reboot", proveBoot: null }), null);
  assert.equal(await wait({ proveBoot: 60 }), 60_000);
});

test("a canary is a PC, or so many of them", async () => {
  const first = async (canary: string | number): Promise<readonly Canary[]> =>
    (await begun({ canary })).receivers.canary;
  const named = (...names: string[]) =>
    names.map((name) => ({ name, pc: api.lab.inventory.find(name).id }));
  assert.deepEqual(await first("pc2"), named("pc2"));
  assert.deepEqual(await first(2), named("pc1", "pc2"));
});

test("what makes no sense is refused, and nothing is begun", async () => {
  assert.match(await refusal({ canary: 3 }), /nobody is left to wait/);
  assert.match(await refusal({ afterwards: "poweroff", proveBoot: 60 }), /goes off is not seen/);
  const cast = { kind: "cast", sender: "pc1", image: undefined };
  assert.match(await refusal({ ...cast, canary: "pc2" }), /a live cast has no canary/);
});

test("a session that waits for its canary is not started without it", async () => {
  const { id } = (await ask({ canary: "pc2" })).json<SessionView>();
  assert.throws(() => api.lab.sessions.start(id), { code: "conflict" });
});
