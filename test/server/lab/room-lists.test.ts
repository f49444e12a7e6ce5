/** A room's PCs as a list: out and in again, all of it or nothing. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import fc from "fast-check";
import { openStateStore } from "../../../server/state/state-store.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { hello, helloOf, loginOf, register } from "./hello.ts";

let api: TestApi;
let lab: TestApi["lab"];
const online = new Set<string>();

beforeEach(async () => {
  online.clear();
  api = await openApi("local", {
    agents: {
      ...{ isConnected: (pc) => online.has(pc), send: () => true, sendBytes() {}, disconnect() {} },
      refusedLogins: new Map(),
    },
  });
  ({ lab } = api);
  await lab.rooms.create("lab1");
  for (const number of [1, 2, 3]) register(lab.inventory, hello(macOf(number), uuidOf(number)));
});
afterEach(() => api.close());

const macOf = (number: number): string => `52:54:00:00:00:0${number}`;
const uuidOf = (number: number): string => `00000000-0000-0000-0000-00000000000${number}`;
const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join("");
/** All that is known of PCs and rooms, as it is and as it is stored. */
const known = () =>
  JSON.stringify([lab.inventory.pcs(), lab.rooms.view("lab1"), api.state.pcs(), api.state.rooms()]);
/** A PC comes, with a key of this kind. */
function arrive(number: number, uuid: string | null = uuidOf(number)): string {
  const login = loginOf(hello(macOf(number), uuid), { kind: "tpm", key: `${number} ${uuid}` });
  const { pc } = lab.connections.login(login);
  online.add(pc);
  lab.connections.connected(pc, login);
  return pc;
}

test("a list names, seats and places PCs by any of their MACs, and sets their fields", () => {
  const done = lab.lists.import(
    "lab1",
    lines(
      "name,seat,mac,address,uuid,field:asset",
      `lab1-a1,a1,${macOf(1).toUpperCase()},10.77.0.31/24,,4711`,
      `lab1-a2,a2,52-54-00-00-00-02,10.77.0.32,${uuidOf(2)},"=1+1, ""x"""`,
    ),
  );
  assert.deepEqual(
    done.pcs.map(({ line, name, result }) => [line, name, result]),
    [
      [2, "lab1-a1", "changed"],
      [3, "lab1-a2", "changed"],
    ],
  );
  const two = lab.pcView(lab.inventory.find("lab1-a2"));
  assert.deepEqual(
    [two.room, two.seat, two.address, two.fields],
    ["lab1", "a2", "10.77.0.32/24", { asset: '=1+1, "x"' }],
  );
  assert.deepEqual(
    lab.rooms.view("lab1").seats.map(({ name }) => name),
    ["a1", "a2"],
  );
  assert.equal(lab.inventory.find("pc3").room, "default", "who is not in it stays");
  assert.equal(
    lab.lists.export("lab1"),
    lines(
      "name,seat,mac,address,uuid,field:asset",
      `lab1-a1,a1,${macOf(1)},10.77.0.31/24,${uuidOf(1)},4711`,
      `lab1-a2,a2,${macOf(2)},10.77.0.32/24,${uuidOf(2)},"'=1+1, ""x"""`,
    ),
  );
});

test("a column that is not there changes nothing, and an empty cell takes away", async () => {
  lab.pcs.set(
    "pc1",
    { room: "lab1", seat: "a1", address: "10.77.0.31", fields: { a: "1", b: "2" } },
    "ann",
  );
  lab.lists.import("lab1", lines("mac,field:b", `${macOf(1)},`));
  let pc = lab.inventory.find("pc1");
  assert.deepEqual([pc.seat, pc.address, pc.fields], ["a1", "10.77.0.31/24", { a: "1" }]);
  lab.lists.import("lab1", lines("mac,name,seat,address", `${macOf(1)},,,`));
  pc = lab.inventory.find("pc1");
  assert.deepEqual([pc.seat, pc.address, pc.name], [null, undefined, "pc1"]);
  await lab.rooms.set("lab1", { naming: "lab1-{seat}" });
  lab.lists.import("lab1", lines("mac,seat", `${macOf(7)},b7`));
  assert.equal(lab.inventory.find("lab1-b7").seat, "b7", "a new PC is named as its seat says");
  lab.lists.import("lab1", lines("mac,seat", `${macOf(1)},b8`));
  assert.equal(
    lab.inventory.find("lab1-b8").hello.mac,
    macOf(1),
    "and one that takes another seat",
  );
});

test("names, seats and addresses may change places within one list", () => {
  const list = (one: number, two: number): string =>
    lines(
      "name,seat,mac,address",
      ...[one, two].map((number, at) => `lab1-${at},a${at},${macOf(number)},10.77.0.3${at}`),
    );
  lab.lists.import("lab1", list(1, 2));
  lab.lists.import("lab1", list(2, 1));
  assert.deepEqual(
    [0, 1].map((at) => lab.inventory.find(`lab1-${at}`).hello.mac),
    [macOf(2), macOf(1)],
  );
  assert.equal(lab.inventory.withAddress("10.77.0.30")?.name, "lab1-0");
});

test("all that is wrong is told at once, with its line, and nothing is done", () => {
  lab.pcs.set("pc3", { room: "lab1", seat: "a3", address: "10.77.0.33" }, "ann");
  const before = known();
  const list = lines(
    "name,seat,mac,address,uuid,field:x",
    `good,a1,${macOf(1)},10.77.0.31,,`,
    `good,a1,${macOf(2)},10.77.0.31,,`,
    `two words,a b,xx,nowhere,nobody,`,
    `PC3,a3,52:54:00:00:00:0a,10.77.0.33,,`,
    `five,a5,${macOf(1)},10.77.0.1,,`,
    `six,a6,${macOf(3)},10.88.0.1,${uuidOf(1)},`,
    `seven,a7,52:54:00:00:00:0b,,,,too many`,
    `,,52:54:00:00:00:0c,,,`,
    `nine,,52:54:00:00:00:0d,10.88.0.1,,"a\nb"`,
  );
  const told = [
    /line 3: the name good is that of line 2/,
    /line 3: the seat a1 is that of line 2/,
    /line 3: the address 10\.77\.0\.31\/24 is that of line 2/,
    /line 4: "xx" is no MAC/,
    /line 4: "nobody" is no UUID/,
    /line 4: "two words" cannot be the name of a PC/,
    /line 4: "a b" cannot be the name of a seat/,
    /line 4: "nowhere" is no IPv4 address/,
    /line 5: the name PC3 is that of pc3/,
    /line 5: the seat a3 is that of pc3/,
    /line 5: the address 10\.77\.0\.33\/24 is that of pc3/,
    /line 6: the mac 52:54:00:00:00:01 is that of line 2/,
    /line 6: the address 10\.77\.0\.1\/24 is this server's own/,
    /line 7: the PC with 52:54:00:00:00:03 \(pc3\) has the UUID/,
    /line 8: it has 7 cells, and there are 6 columns/,
    /line 9: it needs a name/,
    /line 10: the field x has characters that cannot be seen/,
  ];
  assert.throws(
    () => lab.lists.import("lab1", list),
    (error: Error & { code?: string; next?: string }) => {
      for (const each of told) assert.match(error.message, each);
      assert.equal(error.code, "bad-input");
      return /nothing of it was taken/.test(error.next ?? "");
    },
  );
  assert.equal(known(), before);
});

test("a PC that is forgotten has neither its MAC nor its address any more", () => {
  const list = lines("name,mac,address", `x,${macOf(1)},10.77.0.31`);
  lab.lists.import("lab1", list);
  const { id } = lab.inventory.find("x");
  lab.pcs.forget("x");
  assert.deepEqual(lab.inventory.withMac(macOf(1)), []);
  assert.equal(lab.inventory.withAddress("10.77.0.31"), null);
  const [again] = lab.lists.import("lab1", list).pcs;
  assert.equal(again?.result, "expected");
  assert.notEqual(again?.pc, id);
});

test("a list without a heading that can be read is refused", () => {
  const before = known();
  for (const [text, fault] of [
    ["", /no column mac/],
    ["name;mac\r\na;b\r\n", /no column "name;mac"/],
    ["mac,colour\n", /no column "colour"/],
    ["mac,mac\n", /column mac is there twice/],
    ['mac\n"x', /a quote is not closed/],
    [`mac\n${`${macOf(9)}\n`.repeat(1001)}`, /more than 1000 PCs/],
  ] as const)
    assert.throws(() => lab.lists.import("lab1", text), fault);
  assert.equal(known(), before);
});

test("a disk that is full takes nothing of a list", () => {
  const before = known();
  const { savePcs } = api.state;
  api.state.savePcs = () => {
    throw new Error("the disk is full");
  };
  const list = lines("name,mac", `x,${macOf(1)}`, `y,${macOf(8)}`);
  assert.throws(() => lab.lists.import("lab1", list), /full/);
  api.state.savePcs = savePcs;
  assert.equal(known(), before);
});

test("a MAC that is not known becomes a PC that is expected: who comes with it still has to be admitted", async () => {
  await lab.rooms.set("lab1", { admit: "on-order" });
  const done = lab.lists.import(
    "lab1",
    lines("name,seat,mac,uuid", `lab1-a7,a7,${macOf(7)},${uuidOf(7).toUpperCase()}`),
  );
  assert.deepEqual(
    done.pcs.map(({ result }) => result),
    ["expected"],
  );
  const expected = lab.inventory.find("lab1-a7");
  const view = lab.pcView(expected);
  assert.deepEqual(
    [view.state, view.lastSeen, view.agentVersion, view.identity],
    ["offline", null, null, null],
  );
  assert.deepEqual(
    lab.admissions.verdict(expected).kind,
    "may-not",
    "nothing can be ordered for it",
  );
  assert.equal(lab.lists.import("lab1", lab.lists.export("lab1")).pcs[0]?.result, "same");

  const stranger = arrive(7, uuidOf(6));
  assert.notEqual(stranger, expected.id, "another UUID is another PC");
  const pc = arrive(7);
  assert.equal(pc, expected.id);
  const { identity, name, room, seat } = lab.pcView(lab.inventory.find("lab1-a7"));
  assert.deepEqual([identity?.state, name, room, seat], ["waiting", "lab1-a7", "lab1", "a7"]);
  assert.equal(lab.admissions.standing(pc).level, "waiting");
  lab.pcs.admit("lab1-a7", identity?.code ?? null, "ann");
  assert.equal(lab.admissions.standing(pc).level, "placed");
});

test("a PC that nobody has placed is placed by no list: it is remembered, and its key waits", () => {
  const pc = arrive(8);
  assert.equal(lab.inventory.find(pc).unplaced, true);
  lab.lists.import("lab1", lines("name,mac", `lab1-a8,${macOf(8)}`));
  assert.equal(lab.admissions.standing(pc).level, "waiting");
  assert.equal(lab.admissions.verdict(lab.inventory.find(pc)).kind, "may-not");
  const [stored] = api.state.pcs().filter(({ id }) => id === pc);
  assert.deepEqual([stored?.name, stored?.unplaced], ["lab1-a8", undefined]);
  assert.equal(api.state.keys().find((key) => key.pc === pc)?.state, "waiting");
});

test("a MAC that several PCs have names none of them", () => {
  lab.inventory.describe(lab.inventory.find("pc2"), helloOf(macOf(1)), "t");
  assert.throws(
    () => lab.lists.import("lab1", lines("mac,name", `${macOf(1)},x`)),
    /may be pc1 or pc2/,
  );
});

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/);
/** What a person types, with all that a spreadsheet could take for something else. */
const value = fc
  .string({ unit: fc.constantFrom(..."=+-@'\", ;aé１\\"), minLength: 1, maxLength: 12 })
  .filter((text) => text.trim() !== "");

test("what was exported changes nothing when it is imported", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(word, { minLength: 3, maxLength: 3, selector: (name) => name.toLowerCase() }),
      fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/), value, { maxKeys: 4 }),
      fc.boolean(),
      (names, fields, hasAddress) => {
        for (const number of [1, 2, 3]) {
          const pc = lab.inventory.withMac(macOf(number))[0];
          assert(pc !== undefined);
          lab.pcs.set(pc.id, { name: `x${number}-${pc.id}` }, "ann");
        }
        for (const [at, name] of names.entries()) {
          const id = lab.inventory.withMac(macOf(at + 1))[0]?.id ?? "";
          const address = hasAddress ? `10.77.0.4${at}` : null;
          const change = { name, room: "lab1", seat: at === 0 ? null : `s${at}`, address };
          lab.pcs.set(id, at === 1 ? { ...change, fields } : change, "ann");
        }
        const before = known();
        const text = lab.lists.export("lab1");
        const { pcs } = lab.lists.import("lab1", text);
        assert(
          pcs.every(({ result }) => result === "same"),
          JSON.stringify(pcs),
        );
        assert.equal(known(), before);
        assert.equal(lab.lists.export("lab1"), text);
      },
    ),
    { numRuns: 15 },
  );
});

test("a list of a room's PCs is there after a restart", () => {
  lab.lists.import(
    "lab1",
    lines("name,seat,mac,address,field:x", `lab1-a1,a1,${macOf(9)},10.77.0.31,1`),
  );
  const again = openStateStore(api.folder);
  const found = again.pcs().find(({ name }) => name === "lab1-a1");
  again.close();
  assert.deepEqual(
    [found?.seat, found?.address, found?.fields, found?.lastSeen, found?.macs],
    ["a1", "10.77.0.31/24", { x: "1" }, null, [macOf(9)]],
  );
});
