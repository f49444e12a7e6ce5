/** A session is tried again with the PCs that its view says, whatever became of the others. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { triedAgain } from "../../../core/screen/again.ts";
import type { PcView, SessionView } from "../../../core/wire/views.ts";
import { openApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, loginOf } from "./hello.ts";

test("a session is tried again after one of the PCs that failed in it was forgotten", async (t) => {
  const api = await openApi("local");
  t.after(() => api.close());
  await write(api.images, [new Uint8Array(randomBytes(mib))], "lab", {});
  for (const number of [1, 2, 3]) {
    const login = loginOf(helloOf(`52:54:00:00:00:0${number}`), { kind: "tpm" });
    const { pc } = api.lab.connections.login(login);
    api.lab.pcs.set(pc, { name: `pc${number}`, room: "default" }, "ann");
  }
  const ask = async <T>(method: "GET" | "POST" | "DELETE", path: string, body?: object) => {
    const answer = await api.call(method, path, body);
    assert(answer.status < 300, JSON.stringify(answer.body));
    return answer.body as T;
  };
  const order = { kind: "restore", image: "lab", room: "default", fit: "never", disk: "/dev/sdb" };
  const { id } = await ask<SessionView>("POST", "/sessions", { ...order, overwrite: "default" });
  await ask("POST", `/sessions/${id}/stop`);
  await ask("DELETE", "/pcs/pc2");
  const session = await ask<SessionView>("GET", `/sessions/${id}`);
  const pcs = await ask<PcView[]>("GET", "/pcs");
  const again = triedAgain(session, (each) => pcs.find((pc) => pc.id === each));
  const overwrite = again.map(({ name }) => name).join(",");
  assert.equal(overwrite, "pc1,pc3");
  const next = await ask<SessionView>("POST", `/sessions/${id}/retry`, { overwrite });
  assert.equal(next.disk, "/dev/sdb", "it takes the same disk");
});
