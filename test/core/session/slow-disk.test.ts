/** A disk, or a step, that keeps its session: by a clock that is the test's, a word of the PC each second. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { overdueText, SlowWork, type WorkFigures } from "../../../core/session/slow-disk.ts";
import { millis } from "../../../core/units/units.ts";
import { counters } from "./play.ts";

/** The work of one PC, second by second. */
class Watched {
  readonly watch = new SlowWork();
  private second = 0;
  private bytes = 0;

  /** It does so many bytes in this second; `diskBusy` as the PC says it. */
  step(bytes: number, diskBusy: number | null = 1, phase = "receiving"): SlowWork {
    this.bytes += bytes;
    this.watch.note(figuresOf(phase, this.bytes, diskBusy), millis(1000 * this.second++));
    return this.watch;
  }

  run(seconds: number, bytes: (second: number) => number, busy = 1, phase = "receiving"): SlowWork {
    for (let second = 0; second < seconds; second++) this.step(bytes(second), busy, phase);
    return this.watch;
  }
}

function figuresOf(phase: string, bytes: number, diskBusy: number | null): WorkFigures {
  const isCounted = phase === "receiving" || phase === "verifying";
  const written = Math.ceil(bytes / 2);
  const { bytesReceived } = { bytesReceived: 2e9 };
  return {
    ...{ phase, bytesDone: isCounted ? 0 : bytes, bytesTotal: 1e12, diskBusy },
    counters: isCounted
      ? { ...counters, bytesReceived, bytesWritten: written, bytesVerified: bytes - written }
      : null,
  };
}

const kb300 = () => 300_000;

test("a disk of a few hundred KB/s is named after half a minute, and given up after ten, whatever is done with it", () => {
  for (const phase of ["scanning", "receiving", "verifying", "capturing", "sending"]) {
    const pc = new Watched();
    assert.equal(pc.run(30, kb300, 1, phase).text, null, `${phase}: a disk that empties its cache`);
    assert.match(
      pc.run(11, kb300, 1, phase).text ?? "",
      /^waits for its disk, which does 300 KB\/s: it is given up in 10 min unless .* 1 MB\/s$/,
      phase,
    );
    assert.match(pc.run(259, kb300, 1, phase).text ?? "", /given up in 6 min/, phase);
    assert.equal(pc.run(299, kb300, 1, phase).overdue, null, phase);
    assert.deepEqual(pc.run(12, kb300, 1, phase).overdue, { code: "slow-disk" }, phase);
  }
  assert.match(overdueText({ code: "slow-disk" }), /^its disk did less than 1 MB\/s for 10 min: /);
});

test("a disk that stalls for twenty seconds and then takes a burst is as slow as what it does on the whole", () => {
  const stalling = (second: number) => (second % 21 === 20 ? 8e6 : 0);
  const pc = new Watched();
  assert.match(pc.run(60, stalling).text ?? "", /which does \d\d\d KB\/s/);
  assert.deepEqual(pc.run(560, stalling).overdue, { code: "slow-disk" });
  // The same pauses with bursts that are worth waiting for.
  assert.equal(new Watched().run(1500, (second) => stalling(second) * 20).overdue, null);
});

test("a disk that was fast, and got slow, has its ten minutes from then on; one that gets faster is not named", () => {
  const pc = new Watched();
  assert.equal(pc.run(300, () => 100e6).text, null);
  assert.equal(pc.run(590, kb300).overdue, null);
  assert.match(pc.watch.text ?? "", /given up in 1 min/);
  assert.equal(pc.run(40, () => 2e6).text, null, "it is as it should be, though late");
  assert.equal(pc.watch.overdue, null);
});

test("a disk that is idle is not named: the link is slow, or the room waits for somebody else", () => {
  for (const busy of [0, 0.3, 0.8]) {
    const pc = new Watched();
    for (const phase of ["receiving", "scanning", "capturing", "sending"])
      for (let second = 0; second < 1500; second++)
        assert.equal(pc.step(50_000, busy, phase).text, null, `${phase} ${busy}`);
  }
  // Stalls of the room, in which the disk of this PC has nothing to do.
  const pc = new Watched();
  for (let second = 0; second < 1500; second++)
    assert.equal(pc.step(second % 30 === 0 ? 9e6 : 0, second % 30 === 0 ? 1 : 0).text, null);
});

test("an agent that does not say how busy its disk is: what has come and is not written shows it, and nothing else", () => {
  const receiving = new Watched();
  for (let second = 0; second < 620; second++) receiving.step(300_000, null);
  assert.deepEqual(receiving.watch.overdue, { code: "slow-disk" });
  for (const phase of ["capturing", "scanning", "wiping"]) {
    const pc = new Watched();
    for (let second = 0; second < 1500; second++) pc.step(0, null, phase);
    assert.equal(pc.watch.text, null, phase);
  }
});

test("a chunk that reads back wrong begins nothing anew, and another work does", () => {
  const pc = new Watched();
  for (let second = 0; second < 620; second++)
    pc.step(300_000, 1, second % 5 === 0 ? "verifying" : "receiving");
  assert.deepEqual(pc.watch.overdue, { code: "slow-disk" });
  const other = new Watched();
  other.run(590, kb300, 1, "scanning");
  assert.equal(other.run(20, kb300).text, null, "receiving now");
  other.watch.reset();
  assert.equal(other.run(20, kb300).text, null, "heard again after a while");
});

test("whatever a busy disk does: below 1 MB/s it is given up, above it is not", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 1000 }), { minLength: 2, maxLength: 15 }),
      fc.double({ min: 0.01, max: 4, noNaN: true }),
      (parts, mean) => {
        fc.pre(Math.abs(mean - 1) > 0.15 && parts.some((part) => part > 0));
        const sum = parts.reduce((total, part) => total + part, 0);
        const inSecond = (second: number): number =>
          ((parts[second % parts.length] ?? 0) / sum) * parts.length * mean * 1e6;
        const pc = new Watched();
        // A period of the pattern is half of the half minute at the most, so that each half minute has a whole one.
        let isGivenUp = false;
        for (let second = 0; second < 700; second++)
          isGivenUp = pc.step(inSecond(second)).overdue !== null || isGivenUp;
        if (mean > 2) assert.equal(isGivenUp, false);
        if (mean < 0.5) assert.equal(isGivenUp, true);
      },
    ),
    { numRuns: 40 },
  );
});

test("steps that count no bytes are named after five minutes, and given up after two hours", () => {
  const noBytes = { bytesDone: 1e9, bytesTotal: 1e9, counters: null, diskBusy: 0 };
  for (const [phase, doing] of [
    ["growing", "fitting"],
    ["personalising", "personalising"],
    ["capturing", "mapping"],
    ["sending", "mapping"],
  ] as const) {
    const watch = new SlowWork();
    const at = (seconds: number) => {
      const bytesTotal = doing === "mapping" ? null : 1e9;
      watch.note({ ...noBytes, phase, bytesTotal }, millis(1000 * seconds));
      return watch;
    };
    assert.equal(at(0).text, null);
    assert.equal(at(299).text, null);
    assert.equal(
      at(720).text,
      `is still ${doing} its disk after 12 min: it is given up after 120 min`,
    );
    assert.equal(at(7199).overdue, null);
    const { overdue } = at(7200);
    assert.deepEqual(overdue, { code: "slow-step", step: doing });
    assert.match(
      overdue === null ? "" : overdueText(overdue),
      /^\w+ its disk took more than 120 min: /,
    );
  }
  const watch = new SlowWork();
  watch.note({ ...noBytes, phase: "growing" }, millis(0));
  watch.note({ ...noBytes, phase: "growing" }, millis(400_000));
  watch.note({ ...noBytes, phase: "personalising" }, millis(401_000));
  assert.equal(watch.text, null, "the next step has its own time");
});
