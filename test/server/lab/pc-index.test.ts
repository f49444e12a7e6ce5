/** The index finds what a look at every PC finds, whatever was changed in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bareAddress, PcIndex } from "../../../server/lab/pc-index.ts";
import type { PcRecord } from "../../../server/state/records.ts";

const ids = ["a", "b", "c", "d"];
const macs = ["1", "2", "3"];
const addresses = ["10.0.0.1/24", "10.0.0.2/24"];

const change = fc.record({
  id: fc.constantFrom(...ids),
  macs: fc.uniqueArray(fc.constantFrom(...macs)),
  /** Of one that nobody else has, as the lab sees to. */
  address: fc.option(fc.constantFrom(...addresses), { nil: null }),
  isGone: fc.boolean(),
});

test("PCs are found by each MAC and by their own address, and by nothing that they had before", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const index = new PcIndex();
      const all = new Map<string, PcRecord>();
      for (const { id, macs: has, address, isGone } of changes) {
        // The records are changed in place before they are put.
        const pc = all.get(id) ?? ({ id } as PcRecord);
        const isFree = [...all.values()].every(
          (other) => other === pc || other.address !== address,
        );
        pc.macs = has;
        if (address === null || !isFree) delete pc.address;
        else pc.address = address;
        if (isGone) {
          all.delete(id);
          index.remove(id);
        } else {
          all.set(id, pc);
          index.put(pc);
        }
        for (const mac of macs) {
          const found = index.withMac(mac).map((each) => each.id);
          const wanted = [...all.values()].filter((each) => each.macs.includes(mac));
          assert.deepEqual(found.sort(), wanted.map((each) => each.id).sort());
        }
        for (const each of addresses) {
          const wanted = [...all.values()].find((other) => other.address === each);
          assert.equal(index.withAddress(bareAddress(each) ?? "")?.id, wanted?.id);
        }
      }
    }),
  );
});
