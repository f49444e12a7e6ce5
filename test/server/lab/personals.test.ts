/** What each PC is given as its own: by its seat, its room and its key, and nobody another's. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Value } from "typebox/value";
import { type HostKey, Personal } from "../../../core/wire/personal.ts";
import type { GateRow } from "../../../server/gate/table.ts";
import { gateRows } from "../../../server/gate/table.ts";
import type { SeatPersonal } from "../../../server/lab/personal.ts";
import type { NamedRestore } from "../../../server/lab/session-orders.ts";
import { type Granted, openGranted } from "../gate/granted.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, loginOf } from "./hello.ts";

let lab: Granted;
beforeEach(async () => {
  lab = await openGranted();
});
afterEach(() => lab.close());

const by = { operator: "ann", shown: null };
const sshKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbjbvlf95E7BJUoyGorqVdj7/spJxqLrs94I3dyFToz ann";
const row = gateRows.find(({ role }) => role === "personal") as GateRow;

async function asked(
  grant = lab.grant("personal"),
): Promise<{ status: number; body: Personal; headers: Record<string, unknown> }> {
  const answer = await lab.api.app.inject({
    ...{ method: "GET", url: lab.pathOf(row) },
    headers: { authorization: `Bearer ${grant}` },
  });
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
}

const history = async (): Promise<string[]> =>
  lab.api.state
    .events({ session: lab.restore, limit: 100 })
    .map(({ text }) => text)
    .filter((text) => text.startsWith("gave "));

test("a PC gets what its seat and its room say, once told in the history, and nothing keeps it", async () => {
  const { lab: core } = lab.api;
  await core.sshKeys.add("ann", sshKey, "root");
  await core.rooms.create("lab1");
  await core.rooms.set("lab1", {
    ...{ domain: "lab.example.org", sshKeys: ["ann"], bootFirst: "disk" },
    ...{ address: "static", dns: ["10.77.0.3"] },
  });
  const { id } = core.inventory.find("pc4");
  core.pcs.set(
    "pc4",
    {
      name: "lab1-a4",
      room: "lab1",
      seat: "a4",
      address: "10.77.0.34/24",
      fields: { asset: "4711" },
    },
    "ann",
  );
  core.steps.add(lab.imageId, { name: "one.sh", script: "#!/bin/sh\n" }, "root");
  const { status, body, headers } = await asked();
  assert.equal(status, 200);
  assert.equal(headers["cache-control"], "no-store");
  assert(Value.Check(Personal, body), "as the agent checks it");
  const { hostKeys, ...rest } = body;
  assert.deepEqual(rest, {
    ...{ name: "lab1-a4", domain: "lab.example.org", room: "lab1", seat: "a4" },
    address: {
      ...{ kind: "static", address: "10.77.0.34", prefix: 24, gateway: "10.77.0.254" },
      ...{ dns: ["10.77.0.3"], mac: "52:54:00:00:00:04" },
    },
    ...{ sshKeys: [sshKey], fields: { asset: "4711" }, bootFirst: "disk" },
    steps: [{ name: "one.sh", script: "#!/bin/sh\n" }],
    windows: null,
  });
  assert.deepEqual(
    hostKeys?.map(({ type }) => type),
    ["ed25519", "ecdsa", "rsa"],
  );
  assert.deepEqual((await asked()).body.hostKeys, hostKeys, "the same keys each time");
  assert.deepEqual(lab.api.state.hostKeys(id), hostKeys);
  assert.deepEqual(await history(), ["gave lab1-a4 its host keys"]);
});

/** Those that a PC with such a key is given. */
async function keysOf(
  kind: "tpm" | "file" | "memory",
  secrets: "proven" | "unproven",
): Promise<readonly HostKey[] | null> {
  const { lab: core } = lab.api;
  await core.rooms.set("default", { secrets });
  const login = loginOf(helloOf("52:54:00:00:00:09"), { kind });
  const { pc } = core.connections.login(login);
  lab.online.add(pc);
  core.connections.connected(pc, login);
  core.pcs.admit(pc, null, "ann");
  const [{ hostKeys: given }, twice] = (await Promise.all(
    [1, 2].map(() => core.personals.give(pc, lab.restore)),
  )) as [SeatPersonal, SeatPersonal];
  assert.deepEqual(twice.hostKeys, given, "asked twice at once");
  lab.online.delete(pc);
  core.connections.lost(pc, "gone");
  core.pcs.forget(pc);
  assert.equal(lab.api.state.hostKeys(pc), null, "they are gone with the PC");
  return given;
}

test("host keys are for PCs with a lasting key, or for all that are placed where the room says so", async () => {
  assert.equal(await keysOf("memory", "proven"), null);
  const made = [
    await keysOf("tpm", "proven"),
    await keysOf("file", "proven"),
    await keysOf("memory", "unproven"),
  ].map((keys) => keys?.[0]?.privateKey);
  assert(made.every((key) => key !== undefined));
  assert.equal(new Set(made).size, 3, "a PC that was forgotten gets new ones");
  const texts = await history();
  assert(
    texts.some((text) => /no host keys: it has not proven/.test(text)),
    texts.join(),
  );
});

test("which PC asks is what its grant says: another's task or grant gets nothing", async () => {
  const { app, grants } = lab.api;
  const [first = ""] = lab.pcs;
  const own = lab.grant("personal");
  const other = grants.seal({
    role: "personal",
    pc: first,
    session: lab.restore,
    attempt: 1,
    object: lab.restore,
  });
  assert.equal((await asked(other)).status, 403);
  const url = `/gate/v2/personal/${lab.cast}?pc=${first}`;
  const { statusCode } = await app.inject({
    method: "GET",
    url,
    headers: { authorization: `Bearer ${own}` },
  });
  assert.equal(statusCode, 403);
  lab.api.lab.sessions.stop(lab.restore);
  assert.equal((await asked(own)).status, 403, "it is over");
});

async function windows(): Promise<string> {
  const partition = {
    ...{ index: 1, type: "basic", fs: "ntfs", label: null, uuid: null },
    ...{ start: 0, size: mib, usedBytes: mib, mode: "used" as const },
  };
  const bytes = new Uint8Array(mib).fill(9);
  const image = await write(lab.api.images, [bytes], "win11", { partitions: [partition] });
  return image.id;
}

const usual = {
  ...{ room: null, disk: null, failingDisks: [], delta: false },
  ...{ start: "now", startTimeoutSeconds: null, verify: "read-back", afterwards: "stay" },
  ...{ proveBootSeconds: null, canary: null, fit: "never" as const },
} as const satisfies Partial<NamedRestore>;

test("names that the image's systems do not take are refused before a session begins", async () => {
  const { lab: core } = lab.api;
  core.sessions.stop(lab.restore);
  core.sessions.stop(lab.capture);
  const image = await windows();
  const restore = (personalise: "auto" | "none") =>
    core.orders.restore(
      { ...usual, image, personalise, pcs: ["p1", "p4"].flatMap((ref) => names.get(ref) ?? []) },
      by,
    );
  const names = new Map([
    ["p1", "lecturehall-2-left"],
    ["p4", "lecturehall-2-leftmost"],
  ]);
  core.pcs.set("pc1", { name: "lecturehall-2-left" }, "ann");
  core.pcs.set("pc4", { name: "lecturehall-2-leftmost" }, "ann");
  const before = core.sessions.views().length;
  assert.throws(
    () => restore("auto"),
    /lecturehall-2-left and lecturehall-2-leftmost are one name for Windows/,
  );
  assert.equal(core.sessions.views().length, before);
  const { id } = restore("none");
  core.sessions.stop(id);
  const casting = {
    sender: "pc2",
    saveAs: null,
    sourceDisk: null,
    raw: false,
    personalise: "auto" as const,
  };
  core.sessions.stop(lab.cast);
  core.pcs.set("pc3", { name: "lab_3" }, "ann");
  assert.throws(
    () => core.orders.cast({ ...usual, ...casting, pcs: ["lab_3"] }, by),
    /lab_3 cannot be a host name/,
  );
});

test("who comes late with such a name is refused, or left out of the room's session and told", async () => {
  const { lab: core } = lab.api;
  for (const id of [lab.restore, lab.capture, lab.cast]) core.sessions.stop(id);
  await core.rooms.create("lab1");
  core.pcs.set("pc4", { room: "lab1" }, "ann");
  const image = await windows();
  const { id } = core.orders.restore(
    { ...usual, image, personalise: "auto", pcs: null, room: "lab1" },
    by,
  );
  core.pcs.set("pc1", { name: "0815", room: "lab1" }, "ann");
  const session = core.sessions.find(id);
  assert.deepEqual(
    session.members.map(({ name }) => name),
    ["pc4"],
  );
  const texts = lab.api.state.events({ session: id, limit: 50 }).map(({ text }) => text);
  assert(
    texts.some((text) => /left out: 0815 cannot be a host name of Windows/.test(text)),
    texts.join("\n"),
  );
  assert.throws(
    () => core.orders.admit(id, [core.inventory.find("0815")], by),
    /0815 cannot be a host name/,
  );
  core.pcs.set("0815", { name: "lab1-1" }, "ann");
  // It joins by what is written in this turn.
  await turn();
  assert.deepEqual(
    core.sessions
      .find(id)
      .members.map(({ name }) => name)
      .sort(),
    ["lab1-1", "pc4"],
  );
  core.sessions.stop(id);
});

test("in a room of static addresses each PC needs one, before a session begins", async () => {
  const { lab: core } = lab.api;
  core.sessions.stop(lab.restore);
  const image = await windows();
  await core.rooms.set("default", { address: "static" });
  const order = { ...usual, image, personalise: "auto" as const, pcs: ["pc4"] };
  assert.throws(
    () => core.orders.restore(order, by),
    /pc4 has no address, and the addresses of room default are static/,
  );
  core.pcs.set("pc4", { address: "10.77.0.34" }, "ann");
  assert.equal(core.inventory.find("pc4").address, "10.77.0.34/24", "the room's prefix");
  core.sessions.stop(core.orders.restore(order, by).id);
});

test("an address that cannot be the PC's is refused in words", async () => {
  const { lab: core, state } = lab.api;
  core.pcs.set("pc1", { address: "10.77.0.31/24" }, "ann");
  const soon = Date.now() + 60_000;
  state.saveLease("x", { mac: "52:54:00:00:00:77", address: "10.77.0.200", expiresAt: soon });
  state.saveLease("y", { mac: "52:54:00:00:00:04", address: "10.77.0.201", expiresAt: soon });
  state.saveLease("z", {
    mac: "52:54:00:00:00:77",
    address: "10.77.0.202",
    expiresAt: soon - 120_000,
  });
  const cases: readonly [string, RegExp | null][] = [
    ["10.77.0.31", /pc4 cannot have 10\.77\.0\.31\/24: it is pc1's/],
    ["10.77.0.1/24", /this server's own/],
    ["10.77.0.254/24", /the gateway's/],
    ["10.77.0.255/24", /the network's own/],
    ["10.77.1.34/24", /not of the room's network 10\.77\.0\.0\/24/],
    ["10.77.0.34/16", /not of the room's network/],
    ["10.77.0.15/24", /given to 52:54:00:00:0f:0f by the server's configuration/],
    ["10.77.0.200/24", /leased to 52:54:00:00:00:77/],
    ["10.77.0.300/24", /no IPv4 address/],
    ["lab1", /no IPv4 address/],
    ["10.77.0.201/24", null],
    ["10.77.0.202/24", null],
  ];
  for (const [address, fault] of cases) {
    const set = () => core.pcs.set("pc4", { address }, "ann");
    if (fault === null) assert.equal(set().address, address);
    else assert.throws(set, fault, address);
  }
  // The room's network is no other's.
  await assert.rejects(
    core.rooms.set("default", { prefix: 30 }),
    /pc1 has 10\.77\.0\.31\/24, which is not of/,
  );
  state.saveLease("w", { mac: "52:54:00:00:00:77", address: "10.77.0.31", expiresAt: soon });
  await core.rooms.set("default", { shell: false });
  await assert.rejects(core.rooms.set("default", { address: "reserved" }), /pc1 has .*leased to/);
  await core.rooms.create("lab2");
  await core.rooms.set("lab2", { gateway: "10.88.0.1", prefix: 16 });
  assert.throws(
    () => core.pcs.set("pc4", { room: "lab2" }, "ann"),
    /not of the room's network 10\.88\.0\.0\/16/,
  );
  core.pcs.set("pc4", { room: "lab2", address: "10.88.3.4" }, "ann");
  assert.equal(core.inventory.find("pc4").address, "10.88.3.4/16");
});

test("DHCP is told of a PC by its seat, unless several have its MAC, or nobody placed it", async () => {
  const { lab: core } = lab.api;
  const { dhcpSeats: seats } = core;
  const of = (number: number) =>
    seats.of(`52:54:00:00:00:0${number}` as Parameters<typeof seats.of>[0]);
  core.pcs.set("pc1", { address: "10.77.0.31" }, "ann");
  assert.deepEqual(of(1), { name: "pc1", domain: null, address: null }, "the room gives any");
  assert.equal(seats.isKept("10.77.0.31"), false);
  for (const address of ["reserved", "static"] as const) {
    await core.rooms.set("default", { address, domain: "lab.example.org" });
    assert.deepEqual(of(1), { name: "pc1", domain: "lab.example.org", address: "10.77.0.31" });
    assert.equal(seats.isKept("10.77.0.31"), true);
  }
  core.pcs.set("pc1", { name: "pc_1", address: null }, "ann");
  assert.deepEqual(of(1), { name: null, domain: "lab.example.org", address: null });
  assert.equal(seats.isKept("10.77.0.31"), false);
  const stranger = loginOf(helloOf("52:54:00:00:00:08"));
  core.connections.login(stranger);
  assert.equal(of(8), null);
  const pc2 = core.inventory.find("pc2");
  core.inventory.describe(pc2, helloOf("52:54:00:00:00:01"), "t");
  assert.equal(of(1), null);
  assert.equal(of(2)?.name, "pc2");
});

test("who is given a seat is named as the room says, unless a name comes along or another PC has that", async () => {
  const { lab: core } = lab.api;
  await core.rooms.create("lab1");
  await core.rooms.create("lab2");
  for (const room of ["lab1", "lab2"]) await core.rooms.set(room, { naming: `${room}-{seat}` });
  const seated = (reference: string, change: { room?: string; seat: string; name?: string }) =>
    core.pcs.set(reference, change, "ann").name;
  assert.equal(seated("pc1", { room: "lab1", seat: "a1" }), "lab1-a1");
  assert.equal(seated("lab1-a1", { seat: "a1" }), "lab1-a1");
  assert.equal(seated("pc2", { room: "lab2", seat: "a1", name: "lab1-a2" }), "lab1-a2");
  assert.equal(seated("pc3", { room: "lab1", seat: "a2" }), "pc3", "that name is another's");
  assert.throws(
    () => seated("lab1-a2", { room: "lab1", seat: "a1" }),
    /seat a1 of room lab1 is lab1-a1's/,
  );
  assert.equal(seated("lab1-a1", { room: "lab2", seat: "b1" }), "lab2-b1");
});
