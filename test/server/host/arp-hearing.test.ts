import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMac } from "../../../core/units/mac.ts";
import { ArpHearing, type HeardArp } from "../../../server/host/arp-hearing.ts";

const mac = parseMac("52:54:00:00:00:01") ?? assert.fail();

function open() {
  const listening = new Map<string, HeardArp>();
  const deaf = new Set<string>();
  const logged: unknown[] = [];
  const hearing = new ArpHearing({
    open(name, heard) {
      if (deaf.has(name)) throw new Error("EPERM");
      assert(!listening.has(name), "opened twice");
      listening.set(name, heard);
      return { [Symbol.dispose]: () => void listening.delete(name) };
    },
    log: (fields) => logged.push(fields),
  });
  return { hearing, listening, deaf, logged, heardOn: () => [...listening.keys()].sort() };
}

test("each network is heard for itself, while somebody hears: one that cannot be is told once", () => {
  const { hearing, listening, deaf, logged, heardOn } = open();
  deaf.add("lab1");
  for (const name of ["lab0", "lab1", "lab2"]) hearing.serve(name);
  assert.deepEqual(heardOn(), []);
  const heard: string[] = [];
  for (let round = 0; round < 2; round++) {
    using _ = hearing.hear((of, address) => heard.push(`${of} ${address}`));
    assert.deepEqual(heardOn(), ["lab0", "lab2"]);
    listening.get("lab2")?.(mac, "10.79.0.5");
  }
  assert.deepEqual(heardOn(), [], "nothing is left open");
  assert.deepEqual(heard, Array(2).fill(`${mac} 10.79.0.5`));
  assert.deepEqual(logged, [{ reason: "EPERM", interface: "lab1" }]);
});

test("a network that is served anew, or only now, is heard from then on", () => {
  const { hearing, deaf, logged, heardOn } = open();
  deaf.add("lab1");
  const before = hearing.serve("lab1");
  using _ = hearing.hear(() => {});
  hearing.serve("lab0");
  assert.deepEqual(heardOn(), ["lab0"]);
  before[Symbol.dispose]();
  deaf.clear();
  const again = hearing.serve("lab1");
  assert.deepEqual(heardOn(), ["lab0", "lab1"]);
  again[Symbol.dispose]();
  assert.deepEqual(heardOn(), ["lab0"]);
  assert.equal(logged.length, 1);
});
