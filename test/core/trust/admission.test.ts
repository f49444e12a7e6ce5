/** Which PC a key is, and whose orders go out: the rules as a table. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Arrival,
  arrivalOf,
  type KeyLogin,
  type KnownPc,
  Newcomers,
  newcomersPerMinute,
  orderVerdict,
} from "../../../core/trust/admission.ts";
import type { Marks } from "../../../core/trust/identity.ts";
import { mayHaveSecrets } from "../../../core/trust/level.ts";
import { millis } from "../../../core/units/units.ts";
import type { IdentityView } from "../../../core/wire/views.ts";

const anna: Marks = { uuid: "ua", serials: ["sa", "sb"], macs: ["01", "02"] };
const bert: Marks = { uuid: "ub", serials: ["sc"], macs: ["03"] };

const pc = (id: string, marks: Marks, more: Partial<KnownPc> = {}): KnownPc => ({
  id,
  ...marks,
  isOnline: false,
  key: { kind: "memory", state: "placed" },
  isUnplaced: false,
  isExpected: false,
  ...more,
});
const memory = (marks: Marks): KeyLogin => ({ kind: "memory", marks, known: null });
const tpm = (marks: Marks): KeyLogin => ({ kind: "tpm", marks, known: null });
const known = (
  login: KeyLogin,
  of: string,
  state: "placed" | "waiting" | "doubt" | "revoked" = "placed",
) => ({
  ...login,
  known: { pc: of, state },
});
const again = (id: string, state: "placed" | "waiting" | "doubt" = "placed"): Arrival => ({
  kind: "again",
  id,
  state,
});
const doubt = (...ids: string[]): Arrival => ({ kind: "doubt", ids, id: null });

const cases: readonly [string, KeyLogin, readonly KnownPc[], Arrival][] = [
  ["a known key", known(tpm(anna), "a"), [pc("a", anna)], { kind: "own", id: "a" }],
  [
    "a known key, while its own older connection is there",
    known(tpm(anna), "a"),
    [pc("a", anna, { isOnline: true })],
    { kind: "own", id: "a" },
  ],
  [
    "a known key with another's hardware",
    known(memory(bert), "a"),
    [pc("a", anna)],
    { kind: "contradicted", id: "a" },
  ],
  [
    "a known key with a new card",
    known(tpm({ ...anna, macs: ["09"] }), "a"),
    [pc("a", anna)],
    { kind: "own", id: "a" },
  ],
  ["a revoked key", known(tpm(anna), "a", "revoked"), [pc("a", anna)], { kind: "revoked" }],
  [
    "a revoked key of a PC that was forgotten",
    { ...tpm(anna), known: { pc: null, state: "revoked" } },
    [],
    { kind: "revoked" },
  ],
  ["an unknown key that is like nobody", tpm(bert), [pc("a", anna)], { kind: "new" }],
  ["a PC without a TPM after a reboot", memory(anna), [pc("a", anna)], again("a")],
  [
    "the same, with another dock",
    memory({ ...anna, macs: ["01", "0d"] }),
    [pc("a", anna)],
    again("a"),
  ],
  [
    "the same, which waited",
    memory(anna),
    [pc("a", anna, { key: { kind: "memory", state: "waiting" } })],
    again("a", "waiting"),
  ],
  [
    "one with its marks while the PC is online",
    memory(anna),
    [pc("a", anna, { isOnline: true })],
    doubt("a"),
  ],
  [
    "one that knows the address and not the serials",
    memory({ uuid: null, serials: [], macs: ["01"] }),
    [pc("a", anna)],
    doubt("a"),
  ],
  [
    "one that knows all but one serial",
    memory({ ...anna, serials: ["sa"] }),
    [pc("a", anna)],
    doubt("a"),
  ],
  ["one with none of its cards", memory({ ...anna, macs: ["09"] }), [pc("a", anna)], doubt("a")],
  [
    "a key in memory with the marks of a PC that has a TPM",
    memory(anna),
    [pc("a", anna, { key: { kind: "tpm", state: "placed" } })],
    doubt("a"),
  ],
  [
    "a key in memory with the marks of a host with a key file",
    memory(anna),
    [pc("a", anna, { key: { kind: "file", state: "placed" } })],
    doubt("a"),
  ],
  [
    "another TPM key: a cleared TPM, a new board",
    tpm(anna),
    [pc("a", anna, { key: { kind: "tpm", state: "placed" } })],
    doubt("a"),
  ],
  ["a TPM where there was none", tpm(anna), [pc("a", anna)], doubt("a")],
  [
    "a new key with the marks of a PC whose key was revoked",
    memory(anna),
    [pc("a", anna, { key: { kind: "memory", state: "revoked" } })],
    doubt("a"),
  ],
  [
    "the first key of a PC from an older server",
    tpm(anna),
    [pc("a", anna, { key: null })],
    again("a", "waiting"),
  ],
  [
    "the same, while that PC is online",
    tpm(anna),
    [pc("a", anna, { key: null, isOnline: true })],
    doubt("a"),
  ],
  [
    "a new PC without a TPM after a reboot",
    memory(anna),
    [pc("v", anna, { isUnplaced: true, key: { kind: "memory", state: "waiting" } })],
    again("v", "waiting"),
  ],
  [
    "one like a visitor that is online raises no doubt",
    memory(anna),
    [
      pc("v", anna, {
        isUnplaced: true,
        isOnline: true,
        key: { kind: "memory", state: "waiting" },
      }),
    ],
    { kind: "new" },
  ],
  [
    "one in doubt that comes again is asked about once",
    memory(anna),
    [
      pc("a", anna, { key: { kind: "tpm", state: "placed" } }),
      pc("v", anna, { isUnplaced: true, key: { kind: "memory", state: "doubt" } }),
    ],
    { kind: "doubt", ids: ["a"], id: "v" },
  ],
];

for (const [what, login, pcs, expected] of cases)
  test(`${what}: ${expected.kind}`, () => assert.deepEqual(arrivalOf(login, pcs), expected));

const identity = (
  kind: IdentityView["kind"],
  state: IdentityView["state"],
  code: string | null = null,
): IdentityView => ({ kind, state, code, level: null });

const verdicts = [
  ["on-order", null, "places"],
  ["placed", null, "may-not"],
  ["on-order", identity("memory", "waiting"), "places"],
  ["placed", identity("tpm", "waiting"), "may-not"],
  ["proven", identity("tpm", "waiting"), "may-not"],
  ["placed", identity("memory", "placed"), "may"],
  ["proven", identity("memory", "placed"), "may-not"],
  ["proven", identity("file", "placed"), "may"],
  ["proven", identity("tpm", "placed"), "may"],
  ["on-order", identity("tpm", "doubt"), "may-not"],
  ["on-order", identity("tpm", "revoked"), "may-not"],
] as const;

for (const [admit, of, kind] of verdicts) {
  const what = of === null ? "one that proved no key" : `${of.kind} ${of.state}`;
  test(`in a room that admits ${admit}, an order to ${what}: ${kind}`, () => {
    const doubts = of?.state === "doubt" ? [{ id: "p-1", name: "lab1-a3" }] : null;
    const verdict = orderVerdict(
      { name: "pc4", identity: of, doubt: doubts, lastSeen: "t" },
      { name: "lab1", admit },
    );
    assert.equal(verdict.kind, kind);
    if (verdict.kind !== "may-not") return;
    assert.match(verdict.what, /pc4/);
    assert.match(verdict.next, /roomcast/, "it says what to do");
  });
}

test("an address brings twenty new PCs a minute, and others theirs", () => {
  const newcomers = new Newcomers();
  for (let count = 0; count < newcomersPerMinute; count++)
    assert.equal(newcomers.take("10.0.0.1", millis(count * 100)), true);
  assert.equal(newcomers.take("10.0.0.1", millis(59_999)), false);
  assert.equal(newcomers.take("10.0.0.2", millis(59_999)), true);
  assert.equal(newcomers.take("10.0.0.1", millis(60_000)), true);
  assert.equal(newcomers.take("10.0.0.1", millis(60_000)), false);
});

test("a thousand addresses are counted, and not a million", () => {
  const newcomers = new Newcomers();
  let taken = 0;
  for (let address = 0; address < 3000; address++)
    if (newcomers.take(`10.0.${address >> 8}.${address & 255}`, millis(0))) taken++;
  assert.equal(taken, 1000);
  assert.equal(newcomers.take("10.9.9.9", millis(60_000)), true);
});

test("a PC that a list names is who comes first with its MAC and UUID, and still waits", () => {
  const listed = (uuid: string | null): KnownPc =>
    pc("listed", { uuid, serials: [], macs: ["01"] }, { key: null, isExpected: true });
  for (const login of [memory, tpm]) {
    assert.deepEqual(arrivalOf(login(anna), [listed(null)]), again("listed", "waiting"));
    assert.deepEqual(arrivalOf(login(anna), [listed("ua")]), again("listed", "waiting"));
    assert.equal(arrivalOf(login(anna), [listed("other")]).kind === "again", false);
    assert.deepEqual(arrivalOf(login(bert), [listed(null)]), { kind: "new" });
  }
  const both = [listed(null), pc("known", { ...anna, macs: ["01"] })];
  assert.notDeepEqual(
    arrivalOf(tpm(anna), both),
    again("listed", "waiting"),
    "another is likelier",
  );
});

test("a PC that was never here gets no order, whatever its room admits", () => {
  for (const admit of ["on-order", "placed", "proven"] as const) {
    const never = { name: "pc4", identity: null, doubt: null, lastSeen: null };
    const verdict = orderVerdict(never, { name: "lab1", admit });
    assert(verdict.kind === "may-not");
    assert.match(verdict.what, /pc4 was never here/);
  }
});

test("secrets are for a lasting key that is placed, or for all that are placed", () => {
  const levels = ["stranger", "waiting", "unproven", "placed", "attested"] as const;
  const may = (secrets: "proven" | "unproven") =>
    levels.filter((level) => mayHaveSecrets(level, secrets));
  assert.deepEqual(may("proven"), ["placed", "attested"]);
  assert.deepEqual(may("unproven"), ["unproven", "placed", "attested"]);
});
