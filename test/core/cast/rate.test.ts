/** The rate control on a bottleneck that drops what is too much, with a wire that loses some of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RateControl } from "../../../core/cast/rate.ts";
import { type Millis, millis } from "../../../core/units/units.ts";

const stretchMs = 20;

/** Runs it for `seconds`; answers the rate at each stretch. `capacity`: bits a second, by the time. */
function run(options: {
  control: RateControl;
  seconds: number;
  capacity: (now: number) => number;
  wireLoss?: number;
  busyRatio?: (now: number) => number;
  queueMs?: (now: number, rateBps: number) => number;
  arrivedBps?: (rateBps: number) => number;
}): { readonly now: number; readonly rateBps: number }[] {
  const { control, seconds, capacity, wireLoss = 0 } = options;
  const { busyRatio = () => 1, queueMs = () => 0, arrivedBps = (bps) => bps } = options;
  const rates: { now: number; rateBps: number }[] = [];
  for (let now = 0; now < seconds * 1000; now += stretchMs) {
    const { rateBps } = control;
    const passed = Math.min(1, capacity(now) / rateBps);
    const loss = 1 - passed * (1 - wireLoss);
    const stretch = {
      loss,
      lasting: loss,
      heardMs: stretchMs,
      packets: Math.max(100, (rateBps * stretchMs) / 1000 / 12_000),
      sentBps: rateBps,
      elapsedMs: stretchMs,
      queueMs: queueMs(now, rateBps),
      arrivedBps: arrivedBps(rateBps),
      busyRatio: busyRatio(now),
    };
    control.judge(stretch, millis(now));
    rates.push({ now, rateBps });
  }
  return rates;
}

const start = (linkBps: number | null = null, limitBps: number | null = null): RateControl =>
  new RateControl({ linkBps, limitBps }, 0 as Millis);
const mean = (rates: readonly { readonly rateBps: number }[]): number =>
  rates.reduce((sum, { rateBps }) => sum + rateBps, 0) / rates.length;

test("a bottleneck from 10 Mbit/s to 10 Gbit/s is found in two seconds, and kept", () => {
  for (const capacity of [10e6, 100e6, 1e9, 10e9]) {
    const rates = run({ control: start(), seconds: 12, capacity: () => capacity });
    const found = rates.find(({ rateBps }) => rateBps > capacity * 0.8 && rateBps < capacity * 1.1);
    assert((found?.now ?? Infinity) < 2000, `${capacity}: found after ${found?.now} ms`);
    const later = rates.filter(({ now }) => now > 2000);
    const share = mean(later) / capacity;
    assert(share > 0.85 && share < 1.05, `${capacity}: ${share}`);
  }
});

test("loss that the wire causes whatever the rate does not slow it down for good", () => {
  for (const wireLoss of [0.01, 0.05, 0.15]) {
    const rates = run({ control: start(), seconds: 20, capacity: () => 1e9, wireLoss });
    const share = mean(rates.filter(({ now }) => now > 4000)) / 1e9;
    assert(share > 0.7, `${wireLoss}: ${share}`);
  }
});

test("a bottleneck that widens is used, one that narrows is respected", () => {
  const capacity = (now: number): number => (now < 5000 || now > 15_000 ? 100e6 : 800e6);
  const rates = run({ control: start(), seconds: 20, capacity });
  const wide = mean(rates.filter(({ now }) => now > 9000 && now < 15_000)) / 800e6;
  assert(wide > 0.8, `${wide}`);
  const narrow = mean(rates.filter(({ now }) => now > 16_000)) / 100e6;
  assert(narrow > 0.8 && narrow < 1.1, `${narrow}`);
});

test("an operator's cap is never exceeded, the interface's speed by no more than it holds back", () => {
  for (const [linkBps, limitBps, most] of [
    [1e9, 50e6, 50e6],
    [1e9, null, 1.05e9],
    [null, 300e6, 300e6],
  ] as const) {
    const rates = run({ control: start(linkBps, limitBps), seconds: 5, capacity: () => 40e9 });
    const highest = Math.max(...rates.map(({ rateBps }) => rateBps));
    assert.equal(highest, most);
  }
});

test("a sender that is not held back by the rate does not raise it", () => {
  const rates = run({ control: start(), seconds: 5, capacity: () => 1e9, busyRatio: () => 0 });
  assert.equal(Math.max(...rates.map(({ rateBps }) => rateBps)), 100e6);
});

test("a queue that grows on the way slows it down before anything is lost, and ends the search", () => {
  const control = start();
  let queue = 0;
  const link = {
    capacity: () => 1e12,
    queueMs(_: number, rateBps: number) {
      queue = Math.max(0, queue + stretchMs * (rateBps / 100e6 - 1));
      return queue;
    },
    arrivedBps: (rateBps: number) => (queue > 0 ? 100e6 : rateBps),
  };
  const rates = run({ control, seconds: 10, ...link });
  assert(!control.isSearching);
  const later = rates.filter(({ now }) => now > 200).map(({ rateBps }) => rateBps);
  assert(Math.max(...later) < 120e6, `${Math.max(...later)}`);
  assert(Math.min(...later) > 89e6, `${Math.min(...later)}`);
});

test("hosts that are late, which looks like a queue, do not keep it from the link's rate", () => {
  const queueMs = (now: number): number => ((now / stretchMs) % 2) * 13;
  for (const [linkBps, capacity] of [
    [1e9, 1.2e9],
    [null, 1e9],
  ] as const) {
    const rates = run({ control: start(linkBps), seconds: 8, capacity: () => capacity, queueMs });
    const share = mean(rates.filter(({ now }) => now > 2000)) / 1e9;
    assert(share > 0.85, `${linkBps}: ${share}`);
  }
});

test("after a queue in the search, the rate is what came through meanwhile", () => {
  // As a room of four behind 100 Mbit/s had it: 118 ms went by, of which 8 ms of packets were looked at.
  const control = start();
  const looked = { loss: 0, lasting: 0, heardMs: 8, packets: 100, elapsedMs: 118, busyRatio: 0.7 };
  const came = { sentBps: 130e6, arrivedBps: 98e6 };
  control.judge({ ...looked, ...came, queueMs: 0 }, millis(120));
  assert.equal(control.rateBps, 150e6, "a step up");
  control.judge({ ...looked, ...came, queueMs: 68 }, millis(240));
  assert.equal(control.rateBps, 98e6 * 0.95);
  const rested = start();
  rested.judge({ ...looked, ...came, arrivedBps: 10e6, queueMs: 0 }, millis(120));
  rested.judge({ ...looked, ...came, arrivedBps: 10e6, queueMs: 68 }, millis(240));
  assert(rested.rateBps > 45e6, "what did not come may not have been sent");
});

test("loss that another's overrun causes is not taken for the wire's own", () => {
  // 3 % for as long as an overrun lasts, then nothing: what is tolerated afterwards is little.
  const control = start(1e9);
  run({ control, seconds: 4, capacity: () => 500e6 });
  const overrun = {
    ...{ loss: 0.03, lasting: 0.03, packets: 1000, sentBps: 480e6, elapsedMs: stretchMs },
    ...{ arrivedBps: 480e6, heardMs: stretchMs, queueMs: 0, busyRatio: 1 },
  };
  const { rateBps } = control;
  for (let at = 4000; control.rateBps > rateBps * 0.9 && at < 4200; at += stretchMs)
    control.judge(overrun, millis(at));
  assert(control.rateBps < rateBps * 0.9, "it gives way twice before it believes in the wire");
});

test("all is lost for a while: the rate goes down, not to nothing, and comes back", () => {
  const capacity = (now: number): number => (now > 3000 && now < 4000 ? 1 : 1e9);
  const rates = run({ control: start(), seconds: 20, capacity });
  assert(Math.min(...rates.map(({ rateBps }) => rateBps)) >= 1e6);
  const later = mean(rates.filter(({ now }) => now > 15_000)) / 1e9;
  assert(later > 0.7, `${later}`);
});
