/** What is said before PCs get into a session again, or into another one after it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { diskOf, memberOf, pcOf, sessionOf } from "../console/fake-lab.ts";
import { ran } from "./run-command.ts";

const end = { endedAt: "2026-11-22T09:15:00Z" };
const failed = memberOf(1, { ...end, result: "failed", state: "failed", reason: "write error" });
const nvme = { ...diskOf(9), path: "/dev/nvme0n1", transport: "nvme" };
const pc = pcOf(1, { disks: [nvme, diskOf(1)] });
const members = [
  memberOf(2, { ...end, result: "verified" }),
  failed,
  // It gets on by itself when it is back.
  memberOf(3, { state: "offline", result: "failed" }),
  // It was forgotten.
  memberOf(4, { ...end, result: "stopped" }),
];
const session = sessionOf(members, { disk: "/dev/sda" });
const there = { "/pcs": [pc, pcOf(2), pcOf(3)], "/pcs/pc01": pc, "/sessions/s1": session };

test("a new try says with what which disks are overwritten, and what became of them last time", async () => {
  const { shown, calls } = await ran(["session", "retry", "s1"], there);
  assert.deepEqual(calls, [], "it waits for the word");
  assert.match(
    shown.join("\n"),
    /^win11-lab@4 will overwrite:\n {2}pc01: \/dev\/sda .*\n {4}last time: write error$/,
  );
});

test("a PC that took a disk takes no other: what is said is what it will do", async () => {
  const took = memberOf(1, { ...end, result: "failed", state: "failed", disk: nvme });
  const other = sessionOf([took], { ...end, disk: "/dev/sda" });
  const { shown } = await ran(["session", "retry", "s1"], { ...there, "/sessions/s1": other });
  assert.match(shown.join("\n"), /pc01: \/dev\/nvme0n1 /);
  const gone = { ...pc, disks: [diskOf(1)] };
  const exchanged = { ...there, "/pcs": [gone], "/sessions/s1": other };
  const refused = await ran(["session", "retry", "s1"], exchanged);
  assert.match(refused.shown.join("\n"), /pc01: .*does not show the disk that its order is for/);
});

test("a PC that is let in again loses the disk that the session was ordered for", async () => {
  const { shown } = await ran(["session", "admit", "s1", "pc01"], there);
  assert.match(shown.join("\n"), /^win11-lab@4 will overwrite:\n {2}pc01: \/dev\/sda /);
  assert.doesNotMatch(shown.join("\n"), /nvme/);
});

test("of a server that has an older roomcast is said that it does not say which disk its order names", async () => {
  const { disk: _disk, failingDisks: _failingDisks, ...older } = session;
  for (const order of [
    ["retry", "s1"],
    ["admit", "s1", "pc01"],
  ]) {
    const { shown } = await ran(["session", ...order], { ...there, "/sessions/s1": older });
    assert.match(
      shown.join("\n"),
      /does not say whether the session's order names a disk\nwin11-lab@4 will overwrite:\n {2}pc01: /,
    );
  }
});

test("of a wipe and a capture nothing is said to be lost: the server refuses them", async () => {
  for (const kind of ["capture", "wipe"] as const) {
    const other = sessionOf([failed], { ...end, kind });
    const { shown, calls } = await ran(["session", "retry", "s1"], {
      ...{ ...there, "/sessions/s1": other },
      "/sessions/s1/retry": new Error("it is no restore"),
    });
    assert.deepEqual(shown, []);
    assert.deepEqual(calls, [["POST", "/sessions/s1/retry", { overwrite: "" }]]);
  }
});

test("a live cast with a canary is refused before a word is typed", async () => {
  const { error, asked } = await ran(["cast", "pc01", "--room", "lab-1", "--canary", "1"], there);
  assert.match(String(error), /a live cast has no canary/);
  assert(!asked.some((each) => each.includes("/pcs")), "nothing is shown");
});
