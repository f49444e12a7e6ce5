/** The index finds what a look at every PC finds, whatever was changed in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bareAddress, PcIndex } from "../../../server/lab/pc-index.ts";
import type { PcRecord } from "../../../server/state/records.ts";

const ids = ["a", "b", "c", "d"];
const macs = ["1", "2", "3"];
const uuids = ["u1", "u2"];
const serials = ["s1", "s2"];
const names = ["pc1", "pc2", "PC3", "x10", "x9"];
const rooms = ["lab1", "lab2"];
const addresses = ["10.0.0.1/24", "10.0.0.2/24"];

const change = fc.record({
  id: fc.constantFrom(...ids),
  macs: fc.uniqueArray(fc.constantFrom(...macs)),
  uuid: fc.option(fc.constantFrom(...uuids), { nil: null }),
  serials: fc.uniqueArray(fc.constantFrom(...serials)),
  name: fc.constantFrom(...names),
  room: fc.constantFrom(...rooms),
  isPlaced: fc.boolean(),
  /** Of one that nobody else has, as the lab sees to. */
  address: fc.option(fc.constantFrom(...addresses), { nil: null }),
  isGone: fc.boolean(),
});

const inNumbers = new Intl.Collator("en", { numeric: true });
const idsOf = (pcs: readonly PcRecord[]): string[] => pcs.map(({ id }) => id).sort();
const namesOf = (pcs: readonly PcRecord[]): string[] => pcs.map(({ name }) => name);
const sortedNames = (pcs: readonly PcRecord[]): string[] => namesOf(pcs).sort(inNumbers.compare);

test("PCs are found by all that they have, and by nothing that they had before", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const index = new PcIndex();
      const byId = new Map<string, PcRecord>();
      for (const { id, macs: has, uuid, serials, name, room, address, ...how } of changes) {
        // The records are changed in place before they are put.
        const pc = byId.get(id) ?? ({ id } as PcRecord);
        const isFree = [...byId.values()].every(
          (other) => other === pc || other.address !== address,
        );
        const identity = { uuid, serials, macs: has };
        Object.assign(pc, { name, room, macs: has, hello: { identity } });
        if (how.isPlaced) delete pc.unplaced;
        else pc.unplaced = true;
        if (address === null || !isFree) delete pc.address;
        else pc.address = address;
        if (how.isGone) {
          byId.delete(id);
          index.remove(id);
        } else {
          byId.set(id, pc);
          index.put(pc);
        }
        check(index, [...byId.values()]);
      }
    }),
  );
});

function check(index: PcIndex, all: readonly PcRecord[]): void {
  assert.deepEqual(namesOf(index.all()), sortedNames(all));
  assert.equal(index.unplacedCount, all.filter(({ unplaced }) => unplaced).length);
  const taken = new Set(all.map(({ name }) => name.toLowerCase()));
  const free = [1, 2, 3, 4, 5].find((number) => !taken.has(`pc${number}`));
  assert.equal(index.freeName(), `pc${free}`);
  for (const room of rooms) {
    const wanted = all.filter((each) => each.room === room);
    assert.deepEqual(idsOf(index.inRoom(room)), idsOf(wanted));
    assert.deepEqual(namesOf(index.inRoom(room)), sortedNames(wanted));
  }
  for (const mac of macs)
    assert.deepEqual(
      idsOf(index.withMac(mac)),
      idsOf(all.filter((each) => each.macs.includes(mac))),
    );
  for (const name of names)
    assert.deepEqual(
      idsOf(index.named(name.toUpperCase())),
      idsOf(all.filter((each) => each.name.toLowerCase() === name.toLowerCase())),
    );
  for (const each of addresses) {
    const wanted = all.find((other) => other.address === each);
    assert.equal(index.withAddress(bareAddress(each) ?? "")?.id, wanted?.id);
  }
  const marks = { uuid: "u1", serials: ["s2"], macs: ["3"] };
  assert.deepEqual(
    idsOf(index.alike(marks)),
    idsOf(
      all.filter(
        ({ macs: has, hello: { identity } }) =>
          identity.uuid === "u1" || identity.serials.includes("s2") || has.includes("3"),
      ),
    ),
  );
}

test("a PC that says again what it is costs no list", () => {
  const index = new PcIndex();
  for (const id of ids)
    index.put({
      ...{ id, name: id, room: "lab1", macs: [id] },
      hello: { identity: { uuid: null, serials: [], macs: [] } },
    } as unknown as PcRecord);
  const [all, room] = [index.all(), index.inRoom("lab1")];
  for (const pc of all) {
    pc.macs = [...pc.macs];
    index.put(pc);
  }
  assert.equal(index.all(), all);
  assert.equal(index.inRoom("lab1"), room);
});
