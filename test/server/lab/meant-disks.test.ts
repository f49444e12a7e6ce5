/** What a disk's name means is settled when the work is ordered, whatever the kernel calls the PC's disks in its next boot. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Order } from "../../../core/session/kind.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { DiskView, SessionView } from "../../../core/wire/views.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, loginOf } from "./hello.ts";

const counters = {
  ...{ bytesWanted: mib, bytesReceived: 0, bytesWritten: 0, bytesVerified: 0 },
  ...{ chunksKept: 0, chunksWritten: 0, forgedPackets: 0, lossRatio: null, writeBps: null },
};
const system: DiskView = { ...diskOf(1), path: "/dev/sda", serial: "SYSTEM" };
const data: DiskView = { ...diskOf(2), path: "/dev/sdb", serial: "DATA" };
const swapped = [
  { ...data, path: "/dev/sda" },
  { ...system, path: "/dev/sdb" },
];
const online = new Set<string>();
let orders: [pc: string, order: Order][];
let api: TestApi;
let pcs: string[];

beforeEach(async () => {
  online.clear();
  orders = [];
  const agents = {
    isConnected: (pc: string) => online.has(pc),
    send(pc: string, message: ServerMessage) {
      const { type } = message;
      if (type === "restore" || type === "cast" || type === "wipe" || type === "capture")
        orders.push([pc, message]);
      return true;
    },
    sendBytes() {},
    disconnect() {},
    refusedLogins: new Map<string, number>(),
  };
  api = await openApi("local", { agents });
  await write(api.images, [new Uint8Array(mib).fill(7)]);
  pcs = [1, 2].map((number) => boot(number, [system, data]));
});
afterEach(() => api.close());

/** The PC starts, and its agent shows these disks. */
function boot(number: number, disks: DiskView[]): string {
  const said = helloOf(`52:54:00:00:00:0${number}`, { disks, instance: `${Math.random()}` });
  const login = loginOf(said, { kind: "tpm" });
  const { pc } = api.lab.connections.login(login);
  online.add(pc);
  api.lab.connections.connected(pc, login);
  api.lab.pcs.set(pc, { name: `pc${number}`, room: "default" }, "ann");
  return pc;
}

function off(number: number): void {
  const pc = pcs[number - 1] ?? assert.fail();
  online.delete(pc);
  api.lab.connections.lost(pc, "gone");
}

async function call(path: string, body: object): Promise<SessionView> {
  const answer = await api.call("POST", path, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}
const restore = (names: string[], disk: string | null): Promise<SessionView> =>
  call("/sessions", { kind: "restore", image: "lab", pcs: names, overwrite: names.join(), disk });

/** The serial number of the disk that the newest of these orders is for; null: it is for none. */
async function meant(type: Order["type"], session: string, attempt = 1): Promise<string | null> {
  const is = ([, order]: [string, Order]) =>
    order.type === type && order.session === session && order.attempt === attempt;
  for (let tries = 0; !orders.some(is); tries++) {
    assert(tries < 500, "it is not ordered");
    await sleep(10);
  }
  return orders.findLast(is)?.[1].meant?.serial ?? null;
}

test("a PC that was off when its restore was ordered takes the disk that it had by this name then", async () => {
  off(1);
  const { id } = await restore(["pc1"], "sda");
  boot(1, swapped);
  assert.equal(await meant("restore", id), "SYSTEM");
});

test("without a name the room's policy chooses, and what it chose is what a retry takes, in this session or a new one", async () => {
  const [pc = ""] = pcs;
  const { id } = await restore(["pc1"], null);
  assert.equal(await meant("restore", id), null);
  const at = { session: id, attempt: 1 };
  api.lab.connections.message(pc, { type: "ready", ...at, disk: system, counters });
  off(1);
  boot(1, swapped);
  assert.equal(await meant("restore", id, 2), "SYSTEM");
  await call(`/sessions/${id}/stop`, {});
  const again = await call(`/sessions/${id}/retry`, { overwrite: "pc1" });
  assert.notEqual(again.id, id);
  assert.equal(await meant("restore", again.id), "SYSTEM");
  await call(`/sessions/${again.id}/stop`, {});
  const third = await call(`/sessions/${again.id}/retry`, { overwrite: "pc1" });
  assert.equal(await meant("restore", third.id), "SYSTEM", "though it took none in the second");
});

test("a PC that is let in is held to what the session's name means on it then", async () => {
  off(2);
  const { id } = await restore(["pc1"], "sda");
  await call(`/sessions/${id}/admit`, { pc: "pc2", overwrite: "pc2" });
  boot(2, swapped);
  for (let tries = 0; !orders.some(([pc]) => pc === pcs[1]); tries++) {
    assert(tries < 500, "it is not ordered");
    await sleep(10);
  }
  assert.equal(orders.findLast(([pc]) => pc === pcs[1])?.[1].meant?.serial, "SYSTEM");
});

test("a wipe, a capture and the source of a live cast are bound, by whichever name", async () => {
  const wipe = { pc: "pc1", method: "zero", disk: "sda", failingDisks: [] } as const;
  const { id: wiped } = api.lab.orders.wipe(wipe, { operator: "ann", shown: null });
  assert.equal(await meant("wipe", wiped), "SYSTEM");
  await call(`/sessions/${wiped}/stop`, {});
  const captured = await call("/captures", { pc: "pc1", name: "new", disk: "serial:DATA" });
  assert.equal(await meant("capture", captured.id), "DATA");
  assert.equal(captured.members[0]?.disk?.path, "/dev/sdb");
  await call(`/sessions/${captured.id}/stop`, {});
  const cast = await call("/sessions", {
    ...{ kind: "cast", sender: "pc1", pcs: ["pc2"], overwrite: "pc2" },
    sourceDisk: "sda",
  });
  assert.equal(await meant("cast", cast.id), "SYSTEM");
  await call(`/sessions/${cast.id}/stop`, {});
  const again = await call(`/sessions/${cast.id}/retry`, { overwrite: "pc2" });
  assert.equal(await meant("cast", again.id), "SYSTEM");
  await call(`/sessions/${again.id}/stop`, {});
});

test("what is asked for at the menu names the disk by its serial number, which a yes that comes later keeps", async () => {
  const [pc = ""] = pcs;
  const want = { action: "restore", image: "lab", disk: "/dev/sda" } as const;
  api.lab.connections.message(pc, { type: "ask", want });
  const [asked] = api.lab.requests.list();
  const { id } = await call(`/requests/${asked?.id}/yes`, { overwrite: "pc1" });
  assert.equal(await meant("restore", id), "SYSTEM");
  assert.equal(orders.at(-1)?.[1].disk, "serial:SYSTEM");
});
