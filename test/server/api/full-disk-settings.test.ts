/** Of what operators set while the disk is full nothing is said to be done, and nothing is there that is not on the disk. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { helloOf, loginOf } from "../lab/hello.ts";
import { type SmallDisk, smallDisk } from "../small-disk.ts";
import { mib, write } from "../store/write-image.ts";
import { type Method, openApi, type TestApi } from "./open-api.ts";

let small: SmallDisk;
let api: TestApi;

beforeEach(async () => {
  small = smallDisk();
  api = await openApi("local", {
    folder: small.folder,
    agents: {
      isConnected: () => true,
      refusedLogins: new Map(),
      send: () => true,
      sendBytes() {},
      disconnect() {},
    },
  });
  await write(api.images, [new Uint8Array(randomBytes(mib))], "img");
  for (const number of [1, 2, 3]) {
    const login = loginOf(helloOf(`52:54:00:00:00:0${number}`), { kind: "file" });
    const { pc } = api.lab.connections.login(login);
    api.lab.connections.connected(pc, login);
  }
});
afterEach(async () => {
  await api.close();
  small[Symbol.dispose]();
});

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEr1wWuvL7nJqGsYI4hgPuuvkVbfsYRZqMyJ1DQzSyxZ a@b";
type Call = readonly [Method, string, object?];

/** What is there before. */
const prepared: readonly Call[] = [
  ["POST", "/pcs/pc1/admit", {}],
  ["POST", "/pcs/pc2/admit", {}],
  ["POST", "/rooms", { name: "lab1" }],
  ["POST", "/rooms", { name: "lab2" }],
  ["PUT", "/rooms/lab1/seats", { seats: [{ name: "A1", column: 0, row: 0 }] }],
  ["PATCH", "/pcs/pc1", { room: "lab1", seat: "A1", fields: { tag: "7" } }],
  ["POST", "/schedule", { cron: "30 6 * * 1-5", room: "lab1", image: "img", overwrite: "lab1" }],
  ["POST", "/ssh-keys", { name: "ann", text: key }],
  ["POST", "/images/img/steps", { name: "one", script: "#!/bin/sh\n" }],
  ["POST", "/operators", { name: "bob", role: "operator" }],
  ["POST", "/rooms/lab1/wall-link"],
];

const calls: readonly Call[] = [
  ["PATCH", "/pcs/pc1", { name: "other" }],
  ["PATCH", "/pcs/pc1", { room: "lab2" }],
  ["PATCH", "/pcs/pc1", { room: "lab2", seat: "B7", name: "x1" }],
  ["PATCH", "/pcs/pc1", { seat: null, fields: { tag: "8" } }],
  ["PATCH", "/pcs/pc3", { room: "lab1" }],
  ["POST", "/pcs/pc3/admit", {}],
  ["POST", "/pcs/pc1/admit", {}],
  ["POST", "/pcs/pc1/revoke"],
  ["POST", "/pcs/pc1/power", { action: "boot-disk" }],
  ["POST", "/rooms", { name: "lab3" }],
  ["PATCH", "/rooms/lab1", { shell: false, pin: "123456" }],
  ["PUT", "/rooms/lab1/seats", { seats: [{ name: "A2", column: 1, row: 0 }] }],
  ["POST", "/rooms/lab1/walk", { on: true }],
  ["POST", "/rooms/lab1/import", { csv: "mac,name\r\n52:54:00:00:00:02,imported\r\n" }],
  ["DELETE", "/rooms/lab1"],
  ["POST", "/schedule", { cron: "30 7 * * 1-5", room: "lab1", image: "img", overwrite: "lab1" }],
  ["DELETE", "/schedule/t1"],
  ["POST", "/ssh-keys", { name: "eve", text: key }],
  ["DELETE", "/ssh-keys/ann"],
  ["POST", "/images/img/steps", { name: "two", script: "#!/bin/sh\n" }],
  ["DELETE", "/images/img/steps/one"],
  ["PATCH", "/images/img", { notes: "new" }],
  ["POST", "/operators", { name: "dan", role: "operator" }],
  ["PATCH", "/operators/bob", { role: "viewer" }],
  ["DELETE", "/operators/bob"],
  ["POST", "/rooms/lab1/wall-link"],
  ["DELETE", "/rooms/lab1/wall-link"],
];

async function shown(): Promise<unknown> {
  const paths = ["/pcs", "/rooms", "/schedule", "/ssh-keys", "/images", "/operators"];
  const all = [];
  for (const path of [...paths, "/rooms/lab1/wall-link"])
    all.push((await api.call("GET", path)).body);
  return JSON.parse(JSON.stringify(all, (name, value) => (name === "lastSeen" ? null : value)));
}

test("each is refused, and all is as before", async () => {
  for (const call of prepared) {
    const { status, body } = await api.call(...call);
    assert(status < 300, `${call[1]}: ${JSON.stringify(body)}`);
  }
  const before = await shown();
  const wrong: string[] = [];
  for (const call of calls) {
    const name = `${call[0]} ${call[1]} ${JSON.stringify(call[2] ?? {})}`;
    small.fill();
    const { status, body } = await api.call(...call);
    const isSame = isDeepStrictEqual(await shown(), before);
    if (status !== 507) wrong.push(`${name} is answered ${status} ${JSON.stringify(body)}`);
    if (!isSame) wrong.push(`${name} is there, and not on the disk`);
    small.free();
  }
  assert.deepEqual(wrong, []);
});
