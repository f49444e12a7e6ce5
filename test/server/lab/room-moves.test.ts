/** What is in a room leaves one lab and comes to another: who is who there, and what is told. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { pinOf } from "../../../core/node/pin.ts";
import { readRoomRecord, withoutHostKeys } from "../../../core/wire/room-record.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { Agents, Login } from "../../../server/lab/agents.ts";
import type { Lab } from "../../../server/lab/lab.ts";
import type { PcRecord } from "../../../server/state/records.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { hello, loginOf } from "./hello.ts";

/** The agents of one lab: who is connected, and what each was told. */
class FakeAgents implements Agents {
  readonly online = new Set<string>();
  readonly told = new Map<string, ServerMessage[]>();
  readonly refusedLogins = new Map<string, number>();
  isConnected = (pc: string): boolean => this.online.has(pc);
  send(pc: string, message: ServerMessage): boolean {
    this.told.set(pc, [...(this.told.get(pc) ?? []), message]);
    return this.isConnected(pc);
  }
  sendBytes(): void {}
  disconnect(pc: string): void {
    this.online.delete(pc);
  }
  notices(pc: string): string[] {
    return (this.told.get(pc) ?? []).flatMap((each) => (each.type === "notice" ? [each.text] : []));
  }
}

interface Site {
  readonly api: TestApi;
  readonly lab: Lab;
  readonly agents: FakeAgents;
}

let a: Site;
let b: Site;
const open = async (folder: string): Promise<Site> => {
  const agents = new FakeAgents();
  const api = await openApi("local", { agents, folder });
  return { api, lab: api.lab, agents };
};
let folders: string[] = [];
beforeEach(async () => {
  folders = ["a", "b"].map((name) => mkdtempSync(join(tmpdir(), `roomcast-move-${name}-`)));
  [a, b] = (await Promise.all(folders.map(open))) as [Site, Site];
});
afterEach(async () => {
  for (const { api } of [a, b]) await api.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const mac = (number: number): string => `52:54:00:00:00:${number.toString(16).padStart(2, "0")}`;
const uuid = (number: number): string =>
  `00000000-0000-0000-0000-${number.toString().padStart(12, "0")}`;

/** The login of the PC of this number; `key`: another number is another key. */
function login(number: number, kind: Login["key"]["kind"] = "file", key = number): Login {
  const bytes = new Uint8Array(91).fill(key);
  const spki = Buffer.from(bytes).toString("base64");
  return {
    ...loginOf(hello(mac(number), uuid(number), `pc-${number}`)),
    key: { fingerprint: pinOf(bytes), kind, spki },
    pcrDigest: kind === "tpm" ? "ab".repeat(32) : null,
  };
}

function connect({ lab, agents }: Site, said: Login): PcRecord {
  const { pc } = lab.connections.login(said);
  agents.online.add(pc);
  lab.connections.connected(pc, said);
  return lab.inventory.get(pc) as PcRecord;
}

function leave({ lab, agents }: Site, { id }: PcRecord): void {
  agents.online.delete(id);
  lab.connections.lost(id, "off");
}

/** The room of `a` with three PCs: by TPM, by file and by memory, placed on seats. */
async function fullRoom(): Promise<PcRecord[]> {
  await a.lab.rooms.create("lab1");
  await a.lab.rooms.set("lab1", { pin: "1234", grow: "none", naming: "lab1-{seat}" });
  const pcs = (["tpm", "file", "memory"] as const).map((kind, at) => {
    const pc = connect(a, login(at + 1, kind));
    const fields = { asset: `${at}` };
    return a.lab.pcs.set(pc.id, { room: "lab1", seat: `s${at + 1}`, fields }, "ada");
  });
  return pcs;
}

/** Through the text, as the database has it. */
function move(from: Site, to: Site, name = "lab1", epoch = 7): readonly string[] {
  const read = readRoomRecord(JSON.stringify(from.lab.moves.record(name)));
  assert(read.ok, read.ok ? "" : read.reason);
  assert.equal(from.lab.moves.refusal(name), null);
  from.lab.moves.leave(name, "b");
  return to.lab.moves.take(read.value, name, epoch);
}

const shown = ({ lab }: Site): string[] =>
  lab.inventory
    .pcs()
    .map(({ id, name, room, seat }) => {
      const { state, kind } = lab.admissions.identity(id) ?? { state: "no key", kind: "" };
      return `${name} ${room} ${seat} ${kind} ${state}`;
    })
    .sort();

test("a room comes as it was, and its PCs are known there by their keys", async () => {
  const [, second] = await fullRoom();
  a.lab.pcs.keepFromDisk(second?.id ?? "");
  assert.deepEqual(move(a, b), []);
  const there = [
    "lab1-s1 lab1 s1 tpm placed",
    "lab1-s2 lab1 s2 file placed",
    "lab1-s3 lab1 s3 memory placed",
  ];
  assert.deepEqual(shown(b), there);
  const { settings, pin, seats } = b.lab.inventory.room("lab1");
  assert.deepEqual([settings.grow, settings.naming, seats.length], ["none", "lab1-{seat}", 3]);
  assert.equal(pin?.hash.length, 64);
  const unbootable = b.lab.inventory.pcs().filter(({ halfWritten }) => halfWritten === true);
  assert.deepEqual(
    unbootable.map(({ name }) => name),
    ["lab1-s2"],
  );
  // The PC with the TPM is attested by what was placed at the other server.
  const first = connect(b, login(1, "tpm"));
  assert.equal(b.lab.admissions.standing(first.id).level, "attested");
  assert.equal(first.name, "lab1-s1");
  assert.deepEqual(first.fields, { asset: "0" });
  // One without a TPM has another key after each start.
  assert.equal(connect(b, login(3, "memory", 33)).name, "lab1-s3");
  assert.deepEqual(shown(b), there);
  // Another key with the marks of the PC that has a TPM is asked about.
  leave(b, first);
  const stranger = connect(b, login(1, "memory", 99));
  assert.deepEqual(stranger.doubt, [first.id]);
});

test("who was left keeps nothing but where the room went, and its PCs are told so", async () => {
  const [first, second] = await fullRoom();
  assert(first !== undefined && second !== undefined);
  move(a, b);
  assert.deepEqual(shown(a), []);
  assert(!a.lab.inventory.hasRoom("lab1"));
  assert.deepEqual(a.api.state.pcs(), []);
  assert.deepEqual(a.api.state.keys(), []);
  assert.equal(a.agents.online.size, 0);
  const text =
    "Room lab1 of this PC is at the server b now. If this PC is to be used here, an operator of this server has to place it.";
  assert.deepEqual(a.agents.notices(first.id), [text]);
  // It comes back, as nobody.
  const back = connect(a, login(1, "tpm"));
  assert.equal(back.unplaced, true);
  assert.deepEqual(a.agents.notices(back.id), [text]);
  assert.deepEqual(a.lab.pcView(back).moved, { room: "lab1", server: "b" });
  // Of another key with its MAC the server's line says it, and not the screen: it may be anybody.
  const other = connect(a, login(2, "memory", 44));
  assert.deepEqual(a.agents.notices(other.id), []);
  assert.deepEqual(a.lab.pcView(other).moved, { room: "lab1", server: "b" });
  assert.equal(a.lab.pcView(connect(a, login(9))).moved, undefined);
});

test("it comes back by the same way, and what came is remembered across a restart", async () => {
  await fullRoom();
  move(a, b);
  assert(b.lab.moves.hasTaken("lab1", 7));
  assert(!b.lab.moves.hasTaken("lab1", 8));
  const visitor = connect(a, login(2));
  move(b, a, "lab1", 8);
  assert.deepEqual(shown(b), []);
  assert.equal(a.lab.inventory.get(visitor.id)?.name, "lab1-s2");
  assert.equal(a.lab.admissions.standing(visitor.id).level, "placed");
  assert.equal(a.lab.pcView(visitor).moved, undefined);
  assert.equal(shown(a).length, 3);
  await a.api.close();
  a = await open(a.api.folder);
  assert.equal(shown(a).length, 3);
  assert(a.lab.moves.hasTaken("lab1", 8));
  a.lab.rooms.delete("lab1");
  assert(!a.lab.moves.hasTaken("lab1", 8));
});

test("a PC that was seen before its room came is one PC, and keeps its connection", async () => {
  await fullRoom();
  const visitor = connect(b, login(2));
  assert.equal(b.lab.admissions.standing(visitor.id).level, "waiting");
  move(a, b);
  assert.equal(b.lab.inventory.get(visitor.id)?.name, "lab1-s2");
  assert.equal(b.lab.admissions.standing(visitor.id).level, "placed");
  const placed = b.agents.told.get(visitor.id)?.findLast(({ type }) => type === "placed");
  assert(placed?.type === "placed");
  assert.deepEqual([placed.room, placed.seat, placed.level], ["lab1", "s2", "placed"]);
  assert.equal(shown(b).length, 3);
});

test("the same marks with another key are a doubt, which a human settles", async () => {
  await fullRoom();
  // Here it was placed with the key that it had before its TPM was cleared.
  const known = connect(b, login(1, "tpm", 71));
  b.lab.pcs.set(known.id, { name: "old" }, "ada");
  b.lab.admissions.place(known, "ada");
  leave(b, known);
  const visitor = connect(b, login(3, "memory", 73));
  const told = move(a, b);
  assert.deepEqual(told, [
    "it is not known whether lab1-s1 is old: say which with `roomcast pc identify`",
  ]);
  const [came] = b.lab.inventory.pcs().filter(({ name }) => name === "lab1-s1");
  assert.deepEqual(came?.doubt, [known.id]);
  assert.equal(b.lab.admissions.identity(came?.id ?? "")?.state, "doubt");
  // And the visitor, whose key lasts for one start, is asked about.
  const [third] = b.lab.inventory.pcs().filter(({ name }) => name === "lab1-s3");
  assert.deepEqual(visitor.doubt, [third?.id]);
  b.lab.pcs.identify("lab1-s1", "old", "ada");
  assert.equal(b.lab.admissions.keyWith(login(1, "tpm").key.fingerprint)?.pc, known.id);
});

test("who was placed in another room stays there, a name that is taken is told, and revoked is revoked", async () => {
  await fullRoom();
  await b.lab.rooms.create("hall");
  const [moved, namesake, revoked] = [
    connect(b, login(1, "tpm")),
    connect(b, login(8)),
    connect(b, login(3, "memory")),
  ];
  b.lab.pcs.set(moved.id, { room: "hall", name: "desk" }, "ada");
  b.lab.pcs.set(namesake.id, { room: "hall", name: "LAB1-S2", address: "10.77.0.31/24" }, "ada");
  b.lab.pcs.revoke(revoked.id, "ada");
  a.lab.pcs.set("lab1-s2", { address: "10.77.0.31/24" }, "ada");
  const told = move(a, b);
  assert.deepEqual(told, [
    "lab1-s1 is desk of the room hall of this server, and stays there",
    "lab1-s2 is lab1-s2-2 here: another PC has its name",
    "lab1-s2 has no address here: 10.77.0.31/24 is LAB1-S2's",
    "the key of lab1-s3 was revoked on this server",
  ]);
  assert.deepEqual(shown(b), [
    "LAB1-S2 hall null file placed",
    "desk hall null tpm placed",
    "lab1-s2-2 lab1 s2 file placed",
    "lab1-s3 lab1 s3 memory revoked",
  ]);
});

test("schedules come with new numbers, SSH keys that are not stored here do not, and host keys do", async () => {
  const [, second] = await fullRoom();
  assert(second !== undefined);
  await write(a.api.images, [new Uint8Array(mib)], "win");
  await write(b.api.images, [new Uint8Array(mib)], "win");
  const cron = { cron: "30 6 * * 1-5", room: "lab1", image: "win" };
  a.lab.schedule.add(cron, "ada");
  await b.lab.rooms.create("hall");
  b.lab.schedule.add({ ...cron, room: "hall" }, "bob");
  const key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbjbvlf95E7BJUoyGorqVdj7/spJxqLrs94I3dyFToz ann@desk";
  for (const name of ["ann", "eve"]) a.lab.sshKeys.add(name, key, "root");
  b.lab.sshKeys.add("ann", key, "root");
  await a.lab.rooms.set("lab1", { sshKeys: ["ann", "eve"] });
  const hostKeys = [{ type: "ed25519" as const, privateKey: "private", publicKey: "public" }];
  a.api.state.saveHostKeys(second.id, hostKeys);
  assert.equal(
    readRoomRecord(JSON.stringify(withoutHostKeys(a.lab.moves.record("lab1")))).ok,
    true,
  );
  assert.doesNotMatch(JSON.stringify(withoutHostKeys(a.lab.moves.record("lab1"))), /"private"/);
  const told = move(a, b);
  assert.deepEqual(told, [
    "the SSH key eve is not stored on this server: the room does without it",
  ]);
  assert.deepEqual(b.lab.inventory.room("lab1").settings.sshKeys, ["ann"]);
  assert.deepEqual(
    b.lab.schedule.list().map(({ id, room, operator, run }) => [id, room, operator, run]),
    [
      ["t1", "hall", "bob", null],
      ["t2", "lab1", "ada", null],
    ],
  );
  assert.deepEqual(a.lab.schedule.list(), []);
  assert.deepEqual(a.api.state.schedule(), []);
  assert.deepEqual(b.api.state.hostKeys(second.id), hostKeys);
  assert.equal(a.api.state.hostKeys(second.id), null);
});

test("a copy of the room takes what comes, and keeps its own PCs", async () => {
  await fullRoom();
  await b.lab.rooms.create("LAB1");
  const own = connect(b, login(8));
  b.lab.pcs.set(own.id, { room: "LAB1", seat: "s2", name: "own" }, "ada");
  const told = move(a, b);
  assert.deepEqual(told, ["this server had a room LAB1 of its own: 1 PCs of that stay in it"]);
  assert.deepEqual(shown(b), [
    "lab1-s1 LAB1 s1 tpm placed",
    "lab1-s2 LAB1 s2 file placed",
    "lab1-s3 LAB1 s3 memory placed",
    "own LAB1 null file placed",
  ]);
});

test("a room does not leave while something waits in it", async () => {
  await fullRoom();
  a.lab.rooms.walk("lab1", true);
  assert.equal(a.lab.moves.refusal("LAB1"), "room lab1 is in its seat walk");
  a.lab.rooms.walk("lab1", false);
  const capture = a.lab.orders.capture(
    { pc: "lab1-s2", name: "win", disk: null, raw: false },
    { operator: "ada", shown: null },
  );
  assert.equal(a.lab.moves.refusal("lab1"), `session ${capture.id} is at work in room lab1`);
});
