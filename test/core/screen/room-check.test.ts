import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  judgeRoom,
  type PcFigures,
  type RateFigures,
  type RoomFigures,
} from "../../../core/screen/room-check.ts";

const rates = [50e6, 90e6, 200e6, 400e6, 600e6, 900e6];
type Heard = NonNullable<PcFigures["heard"]>;

/** A PC that loses this fraction at each rate. */
const heard = (loss: (rateBps: number) => number, more: Partial<Heard> = {}): Heard => ({
  steps: rates.map((rateBps): RateFigures => {
    const sent = Math.ceil(rateBps / 80_000);
    return { rateBps, sent, received: Math.round(sent * (1 - loss(rateBps))) };
  }),
  ...{ dropped: 0, speedMbps: 1000, duplex: "full", errors: 0, reason: null },
  ...more,
});
const well = heard(() => 0);
const named = (all: readonly (Heard | null)[]): PcFigures[] =>
  all.map((each, index) => ({ name: `pc${index + 1}`, heard: each }));
const told = (pcs: readonly PcFigures[], hasQuerier: RoomFigures["hasQuerier"] = true): string[] =>
  judgeRoom({ pcs, hasQuerier, image: null })
    .filter(({ level }) => level !== "ok")
    .map(({ text }) => text);

test("a room in order: how many hear it, and what an image takes", () => {
  const lines = judgeRoom({ pcs: named([well, well, well]), hasQuerier: true, image: null });
  assert.deepEqual(
    lines.map(({ text }) => text),
    [
      "3 of 3 PCs hear all of it",
      "the room hears 900 Mbit/s whole: each 10 GB of an image (as it is stored) take 1 min 29 s or more",
    ],
  );
});

test("each fault is told by its own figures, with what to look at", () => {
  const others = [well, well, well];
  const one = (fault: Heard | null, hasQuerier: boolean | null = true): string[] =>
    told(named([...others, fault]), hasQuerier);
  assert.deepEqual(one(null), ["pc4: no answer"]);
  // What a slow link loses is told by its link.
  assert.deepEqual(one(heard((rate) => (rate > 1e8 ? 0.5 : 0), { speedMbps: 100 })), [
    "pc4: 100 Mbit/s, others 1000: cable or port",
  ]);
  assert.deepEqual(
    one(
      heard(() => 1),
      false,
    ),
    ["pc4: no multicast: snooping without a querier on their switch"],
  );
  assert.deepEqual(one(heard(() => 1)), ["pc4: no multicast reaches it"]);
  assert.deepEqual(one(heard((rate) => (rate >= 600e6 ? 0.03 : 0))), [
    "pc4: 3.0 % lost at 600 Mbit/s, none at 400 Mbit/s",
  ]);
  assert.deepEqual(one(heard(() => 0.05, { errors: 7 })), [
    "pc4: 5.0 % lost at 50 Mbit/s; its adapter counted 7 damaged packets",
  ]);
  assert.match(one(heard(() => 0.05, { errors: 1 }))[0] ?? "", /counted 1 damaged packet$/);
  const late = heard((rate) => (rate >= 900e6 ? 0.2 : 0));
  assert.deepEqual(one({ ...late, dropped: 2000 }), [
    "pc4: the PC cannot keep up from 900 Mbit/s on: what reaches it is not taken in time",
  ]);
  assert.match(one(heard(() => 0, { duplex: "half" }))[0] ?? "", /^pc4: half duplex/);
  assert.match(
    one({ ...well, reason: "it has no address" })[0] ?? "",
    /could not listen: it has no/,
  );
});

test("PCs of which the same is true stand in one line; what most lose is the switch's, and no cable's", () => {
  const deaf = heard(() => 1);
  assert.deepEqual(told(named([well, deaf, well, deaf]), false), [
    "pc2, pc4: no multicast: snooping without a querier on their switch",
  ]);
  const overrun = heard((rate) => (rate >= 600e6 ? 0.1 : 0));
  assert.deepEqual(told(named([overrun, overrun, overrun, well])), [
    "most PCs lose packets from 600 Mbit/s on",
  ]);
});

test("whoever loses what most lose does not hear all of it, nor does whose port carries nothing of it", () => {
  const fine = (pcs: readonly Heard[]): (string | undefined)[] =>
    judgeRoom({ pcs: named(pcs), hasQuerier: true, image: null })
      .filter(({ text }) => /PCs hear all/.test(text))
      .map(({ text }) => text);
  const overrun = heard((rate) => (rate >= 600e6 ? 0.1 : 0));
  assert.deepEqual(fine([overrun, overrun, overrun, well]), ["1 of 4 PCs hear all of it"]);
  assert.deepEqual(fine([overrun, overrun, overrun]), []);
  assert.deepEqual(fine([ofPort(10), ofPort(10), ofPort(10)]), []);
});

/** What a port of so many Mbit/s carries of what is sent faster. */
const ofPort = (mbps: number, more: Partial<Heard> = {}): Heard =>
  heard((rate) => Math.max(0, 1 - (mbps * 1e6) / rate), { speedMbps: mbps, ...more });

test("a room whose ports are all slow is told so, once, and not that its switch loses", () => {
  const slow = ofPort(100);
  assert.deepEqual(
    judgeRoom({ pcs: named([slow, slow, slow, slow]), hasQuerier: true, image: null }).map(
      ({ text, mend }) => (mend === null ? text : `${text} -> ${mend}`),
    ),
    [
      "all ports have 100 Mbit/s: switch or cables -> a faster switch, or cables with all eight wires: the server sends 900 Mbit/s",
      "4 of 4 PCs hear all that their ports carry",
      "the room hears 90 Mbit/s whole: each 10 GB of an image (as it is stored) take 15 min or more",
    ],
  );
  // One that is slower still, and one whose way is bad below its port's speed.
  const bad = ofPort(100, { steps: heard(() => 0.1).steps });
  assert.deepEqual(told(named([slow, slow, ofPort(10), bad])), [
    "pc3: 10 Mbit/s, others 100: cable or port",
    "pc4: 9.9 % lost at 50 Mbit/s",
    "no port has more than 100 Mbit/s: switch or cables",
  ]);
  assert.deepEqual(told(named([slow])), ["all ports have 100 Mbit/s: switch or cables"]);
});

test("most ports are slow: they are told by their speed, and the others are the measure of the switch", () => {
  const slow = ofPort(100);
  assert.deepEqual(told(named([slow, slow, slow, well, well])), [
    "pc1, pc2, pc3: 100 Mbit/s, others 1000: cable or port",
  ]);
  const overrun = heard((rate) => (rate >= 600e6 ? 0.1 : 0));
  assert.deepEqual(told(named([slow, slow, slow, overrun, overrun, overrun])), [
    "pc1, pc2, pc3: 100 Mbit/s, others 1000: cable or port",
    "most PCs lose packets from 600 Mbit/s on",
  ]);
});

test("where the server sends no faster than the ports are, they are no line", () => {
  const steps = heard(() => 0).steps.filter(({ rateBps }) => rateBps <= 90e6);
  const even = { ...ofPort(100), steps };
  assert.deepEqual(told(named([even, even, even])), []);
});

test("how long an image takes is told of the one that the room has, by its size", () => {
  const image = { name: "win@3", storedBytes: 25e9 };
  const all = judgeRoom({ pcs: named([well, well, well]), hasQuerier: true, image });
  assert.equal(
    all.at(-1)?.text,
    "the room hears 900 Mbit/s whole: win@3 (25.0 GB as it is stored) takes 3 min 42 s or more",
  );
});

const figures = fc.record({
  steps: fc.constant(rates).chain((all) =>
    fc.tuple(
      ...all.map((rateBps) =>
        fc.record({
          rateBps: fc.constant(rateBps),
          sent: fc.constant(1000),
          received: fc.nat({ max: 1000 }),
        }),
      ),
    ),
  ),
  dropped: fc.nat({ max: 5000 }),
  speedMbps: fc.constantFrom(null, 10, 100, 1000, 10_000),
  duplex: fc.constantFrom("full" as const, "half" as const, null),
  errors: fc.option(fc.nat({ max: 100 })),
  reason: fc.option(fc.constant("x"), { freq: 5 }),
});

test("whatever the figures: nobody is told twice, whoever is well is not named, and a planted fault is", () => {
  const rooms = fc.array(fc.option(figures, { freq: 6 }), { maxLength: 12 });
  fc.assert(
    fc.property(rooms, fc.constantFrom(true, false, null), (all, hasQuerier) => {
      // Three in order, so that there is a room to measure against.
      const pcs = named([well, well, well, ...all]);
      const lines = judgeRoom({ pcs, hasQuerier, image: null });
      const names = lines.flatMap(({ level, text }) =>
        level === "ok" || /^most PCs|^all ports/.test(text)
          ? []
          : (text.split(":")[0] ?? "").split(", "),
      );
      assert.equal(new Set(names).size, names.length);
      for (const name of ["pc1", "pc2", "pc3"]) assert(!names.includes(name), name);
      for (const { name, heard: each } of pcs) {
        const isDeaf = each?.steps.every(({ received }) => received === 0) === true;
        if (each === null || each.reason !== null || isDeaf || each.duplex === "half")
          assert(names.includes(name), name);
      }
      for (const { level, mend } of lines) assert.equal(mend === null, level === "ok");
    }),
  );
});
