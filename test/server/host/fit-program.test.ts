/** A restore to smaller disks, with the program that makes a version of its image that fits, and a disk of ext4 and swap. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../../client/api/client.ts";
import { importImage } from "../../../client/transfer/import.ts";
import type { ImageView, SessionView } from "../../../core/wire/views.ts";
import { startFitProgram } from "../../../server/host/fit-program.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { mib } from "../../imaging/capture/disks.ts";
import { openDiskMaker } from "../../imaging/fit/made-disks.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { helloOf, register } from "../lab/hello.ts";

const maker = openDiskMaker("fit-program");
const folder = mkdtempSync(join(tmpdir(), "roomcast-fit-program-"));
const work = join(folder, "fitting");
let api: TestApi;
let client: ApiClient;
before(async () => {
  await start();
  const script = "label: gpt\nsize=34M, type=linux\nsize=4M, type=swap";
  const path = maker.disk({ name: "lab", sizeMib: 40, script, fs: { 1: "ext4", 2: "swap" } });
  const { signal } = new AbortController();
  const how = { raw: false, disk: null, without: [], diskSize: null, progress() {}, log() {} };
  for (const name of ["lab", "tight"]) await importImage({ client, path, name, signal, ...how });
  // The last one has a disk that is larger than the image's.
  for (const [at, size] of [30, 28, 27, 17, 64].entries()) {
    const disks = [{ ...diskOf(at), size: size * mib }];
    register(api.lab.inventory, helloOf(`52:54:00:00:00:0${at}`, { disks }));
  }
});
after(async () => {
  await api.close();
  maker[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  const reachable = Promise.withResolvers<void>();
  api = await openApi("local", {
    folder,
    startFit: (dataFolder) => (order, events) =>
      startFitProgram({
        ...{ ...order, ...events, dataFolder, reachable: reachable.promise },
        log() {},
      }),
  });
  const socketPath = join(folder, "roomcast.sock");
  rmSync(socketPath, { force: true });
  await api.app.listen({ path: socketPath });
  reachable.resolve();
  client = new ApiClient({ socketPath });
}

const restore = (pcs: string[], more: object = {}): Promise<SessionView> =>
  client.post("/sessions", { kind: "restore", image: "lab", pcs, overwrite: pcs.join(), ...more });
const show = (id: string): Promise<SessionView> => client.get(`/sessions/${id}`);
const versions = async (): Promise<string[]> =>
  (await client.get<ImageView[]>("/images")).flatMap(({ fitSize }) => fitSize ?? []);

async function until<T>(look: () => T | Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  for (const end = Date.now() + 60_000; ; await sleep(20)) {
    const seen = await look();
    if (holds(seen)) return seen;
    assert(Date.now() < end, `it is still ${JSON.stringify(seen)}`);
  }
}

const isAtWork = (): boolean =>
  existsSync(work) && readdirSync(work).some((name) => readdirSync(join(work, name)).length > 0);
const isTidy = (): boolean => readdirSync(work).length === 0;

test("a version is made for the smallest disk, all PCs get it, and it is used again", async () => {
  const begun = await restore(["pc1", "pc5"]);
  assert.deepEqual(
    [begun.state, begun.image, begun.fit?.state, begun.fit?.diskBytes],
    ["gathering", "lab@1", "fitting", 30 * mib],
  );
  const other = await restore(["pc2"], { fit: "never" });
  assert.deepEqual([other.image, other.fit], ["lab@1", null]);
  await client.post(`/sessions/${other.id}/stop`);
  await assert.rejects(
    client.post(`/sessions/${begun.id}/start`),
    /waits for its image to be made/,
  );
  const seen: SessionView[] = [];
  const fitted = await until(
    async () => {
      const view = await show(begun.id);
      seen.push(view);
      return view;
    },
    ({ fit }) => fit?.state !== "fitting",
  );
  assert.deepEqual([fitted.fit?.state, fitted.image], ["fitted", `lab@1-fit-${30 * mib}`]);
  assert(
    seen.some(({ fit }) => (fit?.fraction ?? 0) > 0),
    "progress is shown",
  );
  assert.equal(seen[0]?.members[0]?.reason, "waits for the image to be made to fit");
  assert.deepEqual(await versions(), [`${30 * mib}`]);
  await client.post(`/sessions/${begun.id}/stop`);
  const again = await restore(["pc1"]);
  assert.deepEqual([again.image, again.fit], [`lab@1-fit-${30 * mib}`, null]);
  await client.post(`/sessions/${again.id}/stop`);
  await until(isTidy, (tidy) => tidy);
});

test("stopping the session ends the program, and nothing of it is left", async () => {
  const { id } = await restore(["pc2"]);
  await until(isAtWork, (atWork) => atWork);
  await client.post(`/sessions/${id}/stop`);
  await until(isTidy, (tidy) => tidy);
  assert.deepEqual(await versions(), [`${30 * mib}`]);
  const { state, fit, members } = await show(id);
  assert.deepEqual([state, fit?.state, members[0]?.result], ["stopped", "failed", "stopped"]);
});

test("a server that is started anew goes on with it", async () => {
  const { id } = await restore(["pc2"]);
  await until(isAtWork, (atWork) => atWork);
  await api.close();
  assert(isTidy(), "the program ended with its server");
  await start();
  assert.equal((await show(id)).fit?.state, "fitting");
  const { image } = await until(
    () => show(id),
    ({ fit }) => fit?.state !== "fitting",
  );
  assert.equal(image, `lab@1-fit-${28 * mib}`);
  await client.post(`/sessions/${id}/stop`);
});

test("a program whose server was killed ends by itself, and leaves nothing", async () => {
  const parent = join(import.meta.dirname, "fit-parent.ts");
  const child = spawn(process.execPath, [parent, folder, "lab", String(27 * mib)]);
  await until(isAtWork, (atWork) => atWork);
  child.kill("SIGKILL");
  await once(child, "close");
  await until(isTidy, (tidy) => tidy);
  assert(!(await versions()).includes(`${27 * mib}`));
});

test("what cannot be made so small fails in words; from then on it is refused before a word", async () => {
  const { id } = await restore(["pc4", "pc5"], { image: "tight" });
  const failed = await until(
    () => show(id),
    ({ endedAt }) => endedAt !== null,
  );
  assert.deepEqual([failed.state, failed.fit?.state], ["failed", "failed"]);
  for (const { reason } of failed.members)
    assert.match(
      reason ?? "",
      /could not be made to fit: .*the smallest this image can be is .* MB/,
    );
  await assert.rejects(restore(["pc4", "pc5"], { image: "tight" }), {
    code: "refused",
    message: /^the smallest this image can be is .* MB, and the disk of pc4 has 17.8 MB$/,
  });
  const never = await restore(["pc4"], { image: "tight", fit: "never" });
  await client.post(`/sessions/${never.id}/stop`);
});

test("a live cast is not made to fit, and says so", async () => {
  const cast = { kind: "cast", sender: "pc5", pcs: ["pc1"], overwrite: "pc1", fit: "auto" };
  await assert.rejects(
    client.post("/sessions", cast),
    /a live cast is not fitted to smaller disks/,
  );
});
