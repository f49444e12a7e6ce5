/** Keys and records: who is who, what an operator makes of a key, and what is remembered of strangers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { unplacedKept, unplacedLimit } from "../../../core/trust/admission.ts";
import { millis } from "../../../core/units/units.ts";
import { Admissions } from "../../../server/lab/admissions.ts";
import type { Login } from "../../../server/lab/agents.ts";
import { Inventory } from "../../../server/lab/inventory.ts";
import type { PcRecord } from "../../../server/state/records.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { hello, loginOf, register } from "./hello.ts";

const a = "52:54:00:00:00:0a";
const b = "52:54:00:00:00:0b";

let folder = "";
let store: StateStore;
let inventory: Inventory;
let admissions: Admissions;
let now = 0;
const online = new Set<string>();

/** A process of the server: what is in its memory is new, what it stored is there. */
function start(): void {
  online.clear();
  inventory = new Inventory(store);
  admissions = new Admissions({
    inventory,
    store,
    isConnected: (pc) => online.has(pc),
    now: () => millis(now),
    isoTime: () => `t${now}`,
    changed: () => {},
    merged: () => {},
  });
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-admissions-"));
  store = openStateStore(folder);
  now = 0;
  start();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function connect(login: Login): PcRecord {
  const pc = admissions.arrive(login);
  online.add(pc.id);
  admissions.arrived(pc.id, login);
  return pc;
}
function leave(pc: PcRecord): void {
  online.delete(pc.id);
  admissions.lost(pc);
}
const stateOf = (pc: PcRecord): string | undefined => admissions.identity(pc.id)?.state;
const anna = hello(a, "ua");
const bert = hello(b, "ub");
const conflict = (next: RegExp) => (error: unknown) =>
  error instanceof RoomcastError && error.code === "conflict" && next.test(error.next);

test("a new PC waits with its code, and is placed by an operator", () => {
  const pc = connect(loginOf(anna, { code: "004711" }));
  assert.deepEqual(admissions.identity(pc.id), {
    kind: "memory",
    state: "waiting",
    code: "004711",
    level: "waiting",
  });
  assert.equal(pc.room, "default");
  admissions.place(pc, "ann");
  assert.deepEqual(admissions.standing(pc.id), { level: "unproven", code: null });
  assert.deepEqual(
    store.keys().map(({ state, by, since }) => [state, by, since]),
    [["placed", "ann", "t0"]],
  );
});

test("nothing of a PC that nobody placed is stored", () => {
  connect(loginOf(anna));
  connect(loginOf(bert, { kind: "tpm" }));
  assert.deepEqual([store.pcs(), store.keys()], [[], []]);
});

test("a placed key is that PC after a restart of the server, whatever its address says", () => {
  const login = loginOf(anna, { kind: "tpm", key: "k" });
  const pc = connect(login);
  admissions.place(pc, "ann");
  start();
  const again = connect(loginOf(hello(b, "ua"), { kind: "tpm", key: "k" }));
  assert.deepEqual([again.id, again.macs], [pc.id, [b, a]]);
  assert.equal(admissions.standing(pc.id).level, "placed");
});

test("a PC without a TPM is itself after a reboot, placed as it was; its last key is forgotten", () => {
  const pc = connect(loginOf(anna, { key: "k1" }));
  admissions.place(pc, "ann");
  leave(pc);
  const again = connect(loginOf(anna, { key: "k2" }));
  assert.deepEqual([again.id, stateOf(again)], [pc.id, "placed"]);
  assert.deepEqual(
    store.keys().map(({ fingerprint }) => fingerprint),
    ["sha256:k2"],
  );
});

test("a second PC with the marks of one that is online is in doubt, and takes nothing from it", () => {
  const pc = connect(loginOf(anna, { kind: "tpm", key: "k1" }));
  admissions.place(pc, "ann");
  const rogue = connect(loginOf(anna, { key: "k2" }));
  assert.notEqual(rogue.id, pc.id);
  assert.deepEqual([rogue.doubt, stateOf(rogue), stateOf(pc)], [[pc.id], "doubt", "placed"]);
  assert.equal(admissions.standing(rogue.id).level, "waiting");
  admissions.place(rogue, "ann");
  assert.equal(stateOf(rogue), "doubt", "no order settles a doubt");
  assert.deepEqual([rogue.unplaced, store.pcs().map(({ id }) => id)], [true, [pc.id]]);
  assert.throws(
    () => admissions.requireOrder([rogue], { operator: "ann", shown: null }),
    /it may be pc1/,
  );
  assert.throws(() => admissions.admit(rogue, "ann"), conflict(/choose one that is off/));
});

test("a cleared TPM or a new board is let in by its own name or by the PC's, and the old key is nobody's", () => {
  for (const name of ["pc1", "pc2"]) {
    start();
    for (const each of inventory.pcs()) admissions.forget(each);
    const pc = connect(loginOf(anna, { kind: "tpm", key: "old" }));
    admissions.place(pc, "ann");
    leave(pc);
    const cleared = connect(loginOf(anna, { kind: "tpm", key: "new" }));
    assert.equal(stateOf(cleared), "doubt");
    const admitted = admissions.admit(inventory.find(name), "bea");
    assert.deepEqual([admitted.id, stateOf(admitted)], [pc.id, "placed"]);
    assert.equal(inventory.get(cleared.id), undefined);
    assert.deepEqual(
      store.keys().map(({ fingerprint, by }) => [fingerprint, by]),
      [["sha256:new", "bea"]],
    );
    leave(cleared);
    assert.equal(connect(loginOf(anna, { kind: "tpm", key: "new" })).id, pc.id);
  }
});

test("two that may be one PC are not told apart by guessing", () => {
  const pc = connect(loginOf(anna, { kind: "tpm", key: "k" }));
  admissions.place(pc, "ann");
  leave(pc);
  connect(loginOf(anna, { kind: "file", key: "one" }));
  connect(loginOf(anna, { kind: "file", key: "two" }));
  assert.throws(() => admissions.admit(pc, "ann"), conflict(/pc identify PC --as pc1/));
});

test("one that may be two is asked about by name, and --new makes it a PC of its own", () => {
  const [first, second] = [a, b].map((mac) => {
    const pc = register(inventory, hello(mac, "u1"));
    return pc;
  }) as [PcRecord, PcRecord];
  const third = connect(loginOf(hello("52:54:00:00:00:0c", "u1")));
  assert.deepEqual([...(third.doubt ?? [])].sort(), [first.id, second.id].sort());
  assert.throws(() => admissions.admit(third, "ann"), conflict(/pc identify pc3 --as PC/));
  assert.equal(admissions.settle(third, null, "ann"), third);
  assert.deepEqual([third.doubt, stateOf(third)], [undefined, "placed"]);
});

test("a known key with other hardware stops for a human, and keeps what was known until then", () => {
  const pc = connect(loginOf(anna, { kind: "file", key: "k" }));
  admissions.place(pc, "ann");
  leave(pc);
  const copied = loginOf(bert, { kind: "file", key: "k", code: "999999" });
  assert.equal(connect(copied).id, pc.id);
  assert.deepEqual([stateOf(pc), pc.macs, pc.hello.identity.uuid], ["doubt", [a], "ua"]);
  assert.equal(admissions.standing(pc.id).code, "999999");
  admissions.admit(pc, "ann");
  assert.deepEqual([stateOf(pc), pc.macs, pc.hello.identity.uuid], ["placed", [b], "ub"]);
  leave(pc);
  connect(copied);
  assert.equal(stateOf(pc), "placed");
});

test("a revoked key gets nothing, also of a PC that was forgotten, until it is admitted", () => {
  const login = loginOf(anna, { kind: "tpm", key: "k" });
  const pc = connect(login);
  admissions.place(pc, "ann");
  admissions.revoke(pc, "ann");
  leave(pc);
  assert.throws(() => admissions.arrive(login), /was revoked/);
  const other = connect(loginOf(anna, { key: "k2" }));
  assert.equal(stateOf(other), "doubt", "its marks lead nobody into its place");
  leave(other);
  admissions.forget(other);
  admissions.admit(pc, "ann");
  assert.equal(connect(login).id, pc.id);
  admissions.revoke(pc, "ann");
  leave(pc);
  admissions.forget(pc);
  start();
  assert.throws(() => admissions.arrive(login), /was revoked/);
});

test("the first key of a PC from an older server waits as that PC, and is stored", () => {
  const pc = register(inventory, anna);
  const login = loginOf(anna, { kind: "tpm" });
  assert.equal(connect(login).id, pc.id);
  assert.equal(stateOf(pc), "waiting");
  start();
  assert.equal(connect(login).id, pc.id);
  leave(inventory.find(pc.id));
  now = unplacedKept * 2;
  assert.deepEqual(admissions.sweep(), [], "it was known before");
});

test("attested is what the TPM said when it was placed; pc admit says that it may be another now", () => {
  const login = (pcrDigest: string) => loginOf(anna, { kind: "tpm", key: "k", pcrDigest });
  const pc = connect(login("aa"));
  admissions.place(pc, "ann");
  assert.equal(admissions.standing(pc.id).level, "attested");
  admissions.place(pc, "ann");
  connect(login("bb"));
  admissions.place(pc, "ann");
  assert.equal(admissions.standing(pc.id).level, "placed", "placing once more changes nothing");
  admissions.admit(pc, "ann");
  assert.equal(admissions.standing(pc.id).level, "attested");
});

test("PCs that nobody placed are forgotten an hour after they left, and connected ones are not", () => {
  const pc = connect(loginOf(anna));
  const stays = connect(loginOf(bert));
  leave(pc);
  now = unplacedKept - 1;
  assert.deepEqual(admissions.sweep(), []);
  now = unplacedKept;
  assert.deepEqual(admissions.sweep(), [pc.id]);
  assert.equal(inventory.get(pc.id), undefined);
  assert.equal(inventory.get(stays.id), stays);
});

test("there are at most 200 of them: the first that left gives way, and nobody who is connected", () => {
  const come = (number: number): PcRecord => {
    now += 5000;
    const mac = `52:54:00:00:${(number >> 8).toString(16).padStart(2, "0")}:${(number & 255).toString(16).padStart(2, "0")}`;
    return connect(loginOf(hello(mac, `u${number}`)));
  };
  const all = Array.from({ length: unplacedLimit }, (_, number) => come(number));
  assert.throws(() => come(500), /200 PCs that nobody has placed/);
  leave(all[3] as PcRecord);
  leave(all[2] as PcRecord);
  come(501);
  assert.equal(inventory.get((all[3] as PcRecord).id), undefined);
  assert.equal(inventory.get((all[2] as PcRecord).id), all[2]);
});

test("an order places those that were shown with their codes, and no others", () => {
  const pc = connect(loginOf(anna, { code: "111111" }));
  const late = connect(loginOf(bert, { code: "222222" }));
  const shown = new Map([[pc.id, "111111"]]);
  const by = { operator: "ann", shown };
  assert.equal(admissions.orderFault(pc, by), null);
  assert.match(admissions.orderFault(late, by)?.what ?? "", /was not there with this code/);
  assert.equal(admissions.orderFault(late, { operator: "ann", shown: null }), null);
  const stale = { operator: "ann", shown: new Map([[pc.id, "333333"]]) };
  assert.match(admissions.orderFault(pc, stale)?.what ?? "", /code/);
  assert.match(admissions.orderFault(pc, null)?.what ?? "", /nobody has placed/);
});
