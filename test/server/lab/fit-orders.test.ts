/** Orders to rooms whose disks are smaller than the image's, and what becomes of them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import type { Manifest } from "../../../core/image/types.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { ImageView, SessionView } from "../../../core/wire/views.ts";
import type { FitEvents, FitOrder } from "../../../server/lab/fits.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { draftOf, entryOf, mib, write } from "../store/write-image.ts";
import { helloOf, loginOf } from "./hello.ts";

let api: TestApi;
let image: Manifest;
const online = new Set<string>();
const notices: string[] = [];
/** What PCs were told to restore. */
const orders: string[] = [];
let works: (FitOrder & { readonly events: FitEvents; isStopped: boolean })[] = [];

beforeEach(async () => {
  online.clear();
  notices.length = 0;
  orders.length = 0;
  works = [];
  api = await openApi("local", {
    agents: {
      isConnected: (pc) => online.has(pc),
      send(pc: string, message: ServerMessage) {
        if (message.type === "notice") notices.push(`${pc}: ${message.text}`);
        if (message.type === "restore") orders.push(message.image);
        return true;
      },
      sendBytes() {},
      disconnect() {},
      refusedLogins: new Map(),
    },
    startFit: () => (order, events) => {
      const work = { ...order, events, isStopped: false };
      works.push(work);
      return {
        async stop() {
          work.isStopped = true;
        },
      };
    },
  });
  image = await write(
    api.images,
    Array.from({ length: 8 }, () => new Uint8Array(randomBytes(mib))),
    "lab",
    {
      ...{ partitionTable: "mbr", usedBytes: 2 * mib },
      partitions: [
        {
          ...{ index: 1, type: "0x83", fs: "ext4", label: null, uuid: null, mode: "used" },
          ...{ start: mib, size: 7 * mib, usedBytes: 2 * mib },
        },
      ],
    },
  );
  join(1, 6);
  join(2, 64);
});
afterEach(() => api.close());

/** A PC with a disk of so many MiB is there, newly or again. */
function join(number: number, sizeMib: number): string {
  const disks = [{ ...diskOf(number), size: sizeMib * mib }];
  const said = helloOf(`52:54:00:00:00:0${number}`, { disks });
  const login = loginOf(said, { kind: "tpm" });
  const { pc } = api.lab.connections.login(login);
  online.add(pc);
  api.lab.connections.connected(pc, login);
  api.lab.pcs.set(pc, { name: `pc${number}`, room: "default" }, "ann");
  return pc;
}

const ask = (pcs: string[], more: object = {}) => {
  const body = { kind: "restore", image: "lab", pcs, overwrite: pcs.join(), ...more };
  return api.call("POST", "/sessions", body);
};
const begun = async (pcs: string[], more: object = {}): Promise<SessionView> => {
  const { status, body } = await ask(pcs, more);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const show = async (id: string): Promise<SessionView> =>
  (await api.call("GET", `/sessions/${id}`)).body;

/** The program has stored the version that it was to make. */
async function make(at: number): Promise<void> {
  const { size, events } = works[at] ?? assert.fail("nothing is made");
  const writer = api.images.beginFitted(image, size);
  const data = new Uint8Array(mib).fill(9);
  const entry = entryOf(0, data);
  await writer.put(entry, data);
  const index = encodeIndex([entry]);
  const partitions = image.partitions.map((each) => ({ ...each, size: 5 * mib }));
  const shape = { partitionTable: "mbr" as const, partitions, diskBytes: 6 * mib };
  await writer.commit({ ...draftOf(index, 1), ...shape }, index);
  events.ended(null);
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); await sleep(10))
    assert(Date.now() < end, "it does not come");
}

test("whoever is there is told to wait; once there is a version that fits, all are ordered", async () => {
  const [small, large] = [join(1, 6), join(2, 64)];
  const { id } = await begun(["pc1", "pc2"]);
  assert.deepEqual(
    works.map(({ imageId, size }) => [imageId, size]),
    [[image.id, `${6 * mib}`]],
  );
  const text = "lab@1 is made to fit the disks of this room first: please wait";
  assert.deepEqual(notices.toSorted(), [`${small}: ${text}`, `${large}: ${text}`].toSorted());
  api.lab.connections.lost(large, "gone");
  join(2, 64);
  assert.equal(notices.length, 3, "who comes back is told again");
  assert.deepEqual(orders, []);
  await make(0);
  await until(() => orders.length === 2);
  assert.deepEqual(new Set(orders), new Set([`lab@1-fit-${6 * mib}`]));
  assert.equal((await show(id)).fit?.state, "fitted");
});

test("two orders share what is made, and the last to be stopped ends it", async () => {
  const [one, other] = [await begun(["pc1"]), await begun(["pc2"], { fit: "never" })];
  join(3, 6);
  const third = await begun(["pc3"]);
  assert.equal(works.length, 1);
  await api.call("POST", `/sessions/${one.id}/stop`);
  assert.equal(works[0]?.isStopped, false);
  const { status, body } = await api.call("DELETE", "/images/lab?overwrite=lab@1");
  assert.deepEqual([status, body.code], [409, "conflict"], "what is made to fit is in use");
  await api.call("POST", `/sessions/${third.id}/stop`);
  assert.equal(works[0]?.isStopped, true);
  assert.equal(other.fit, null);
});

test("a failure ends the session with its reason; a retry has it made again, unless `never` was said", async () => {
  const { id } = await begun(["pc1"]);
  works[0]?.events.ended("no space");
  await until(async () => (await show(id)).endedAt !== null);
  const { state, members, fit } = await show(id);
  assert.deepEqual([state, fit?.state], ["failed", "failed"]);
  assert.equal(members[0]?.reason, "the image could not be made to fit: no space");
  const again = await api.call("POST", `/sessions/${id}/retry`, { overwrite: "pc1" });
  assert.equal(again.body.fit.state, "fitting");
  await api.call("POST", `/sessions/${again.body.id}/stop`);
  const never = await begun(["pc1"], { fit: "never" });
  await api.call("POST", `/sessions/${never.id}/stop`);
  const third = await api.call("POST", `/sessions/${never.id}/retry`, { overwrite: "pc1" });
  assert.equal(third.body.fit, null);
});

test("a disk that is too small for anything is refused, by the number that is known", async () => {
  await api.images.noteLeastDisk(image.id, 7 * mib);
  const { status, body } = await ask(["pc1", "pc2"]);
  assert.equal(status, 403);
  assert.equal(
    body.message,
    "the smallest this image can be is 7.3 MB, and the disk of pc1 has 6.3 MB",
  );
  assert.equal((await begun(["pc2"])).fit, null);
});

test("a schedule has the room's version made, where one is needed", async () => {
  const { signal } = new AbortController();
  const order = { image: "lab", room: "default" };
  const ready = api.lab.fitOrders.fit(order, signal);
  assert(ready !== null);
  await make(0);
  await ready;
  assert.equal(api.lab.fitOrders.fit(order, signal), null, "it is there");
  await api.images.noteLeastDisk(image.id, 7 * mib);
  join(1, 5);
  assert.throws(() => api.lab.fitOrders.fit(order, signal), /the smallest this image can be is/);
});

interface Line {
  readonly progress?: object;
  readonly result?: ImageView;
  readonly error?: object;
}

/** The lines of an answer that comes while the work goes on. */
async function orderFit(diskBytes: number): Promise<Line[]> {
  const url = "/api/v1/images/lab/fit";
  const { body } = await api.app.inject({ method: "POST", url, payload: { diskBytes } });
  return body
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

test("an order makes a version for a size, tells how far it is, and answers one that is there", async () => {
  const asked = orderFit(6 * mib);
  await until(() => works.length === 1);
  works[0]?.events.progress("reading", 50, 100);
  await make(0);
  const told = await asked;
  assert(told.some(({ progress }) => progress !== undefined));
  assert.equal(told.at(-1)?.result?.fitSize, `${6 * mib}`);
  const [again] = await orderFit(6 * mib);
  assert.equal(again?.result?.fitSize, `${6 * mib}`);
  assert.equal(works.length, 1, "nothing is made twice");
});

test("an order whose caller goes away is stopped, and what cannot be is refused", async () => {
  const leaving = new AbortController();
  const asked = api.lab.fitOrders.fitTo("lab", 6 * mib, { signal: leaving.signal, progress() {} });
  await until(() => works.length === 1);
  leaving.abort(new Error("gone"));
  await assert.rejects(asked, /gone/);
  assert.equal(works[0]?.isStopped, true);
  assert.deepEqual(await orderFit(mib), [
    {
      error: {
        code: "refused",
        message: "lab@1 needs 2.1 MB, and cannot be made to fit 1.0 MB",
        next: "choose a larger size, or free space on the master and capture it again",
      },
    },
  ]);
});
