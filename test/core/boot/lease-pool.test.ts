/** Which address a new client gets, and what it costs to find it while somebody invents clients. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FreeAddresses } from "../../../core/boot/free-addresses.ts";
import { LeasePool } from "../../../core/boot/lease-pool.ts";
import { ipv4ToText } from "../../../core/units/ipv4.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";

const first = 0x0a00_0000; // 10.0.0.0
const macOf = (index: number): MacAddress =>
  parseMac(`0200${index.toString(16).padStart(8, "0")}`) as MacAddress;

interface Held {
  readonly until: number;
  readonly isOffer: boolean;
}

/** As it is meant, by a look at each address. */
function nextOf(
  length: number,
  held: ReadonlyMap<number, Held>,
  kept: ReadonlySet<number>,
  now: number,
): number | undefined {
  const all = Array.from({ length }, (_, offset) => first + offset).filter(
    (address) => !kept.has(address),
  );
  const until = (address: number): number => held.get(address)?.until ?? 0;
  const [earliest] = all.toSorted((one, other) => until(one) - until(other) || one - other);
  if (earliest !== undefined && until(earliest) <= now) return earliest;
  const offered = all.filter((address) => held.get(address)?.isOffer);
  return offered.toSorted((one, other) => until(one) - until(other) || one - other)[0];
}

const step = fc.record({
  act: fc.constantFrom("lease", "offer", "offer", "drop", "keep", "keep no more"),
  offset: fc.integer({ min: -1, max: 12 }),
  lasts: fc.integer({ min: 1, max: 8 }),
  wait: fc.constantFrom(0, 1, 2, 5),
});

test("a new client gets the lowest that was never held, then what is free for longest, then the oldest offer", () => {
  const length = 10;
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 100 }), (steps) => {
      const kept = new Set<number>();
      const held = new Map<number, Held>();
      const free = new FreeAddresses({ first, last: first + length - 1 }, (each) => kept.has(each));
      let now = 1;
      for (const { act, offset, lasts, wait } of steps) {
        now += wait;
        const address = first + offset;
        if (act === "keep") kept.add(address);
        else if (act === "keep no more") kept.delete(address);
        else if (act === "drop") {
          held.delete(address);
          free.drop(address);
        } else {
          held.set(address, { until: now + lasts, isOffer: act === "offer" });
          free.hold(address, now + lasts, act === "offer");
        }
        assert.equal(free.next(millis(now)), nextOf(length, held, kept, now), act);
      }
    }),
    { numRuns: 500 },
  );
});

test("what is kept for PCs is looked at in turns, and given again once it is kept no more", () => {
  const kept = new Set(Array.from({ length: 1000 }, (_, offset) => first + offset));
  let looks = 0;
  const free = new FreeAddresses({ first, last: first + 999 }, (address) => {
    looks++;
    return kept.has(address);
  });
  assert.equal(free.next(millis(1)), undefined);
  looks = 0;
  assert.equal(free.next(millis(1)), undefined);
  assert(looks <= 64, `${looks} looks`);
  kept.delete(first + 700);
  const found = Array.from({ length: 17 }, () => free.next(millis(1)));
  assert(found.includes(first + 700));
});

test("a full range of 65,536 addresses: what invented clients ask for costs as little as in a small one", () => {
  const length = 65_536;
  const now = millis(1e12);
  let looks = 0;
  const seats = {
    of: () => null,
    isKept() {
      looks++;
      return false;
    },
  };
  const leases = Array.from({ length: length - 1 }, (_, index) => ({
    ...{ mac: macOf(index), address: ipv4ToText(first + index), expiresAt: now + 1000 },
  }));
  const range = { first, last: first + length - 1 };
  const server = { serverAddress: "10.0.255.255", fixed: new Map() };
  const pool = new LeasePool({ ...server, range, seats }, leases);
  looks = 0;
  for (let index = length; index < length + 100; index++)
    assert.equal(pool.offer(macOf(index), undefined, now), undefined);
  assert(looks < 1000, `${looks} addresses were looked at for 100 clients that got none`);
  const later = millis(now + 2000);
  const began = performance.now();
  for (let index = length; index < length + 500; index++) {
    const address = pool.offer(macOf(index), undefined, later)?.address ?? "";
    assert(pool.decline(macOf(index), address, later), "it is declined as soon as it is offered");
  }
  assert(looks < 2000, `${looks} addresses were looked at for 500 clients`);
  // With a look at all that is held, each of them took 65 ms.
  assert(performance.now() - began < 5000);
});
