/** What is said before PCs get into a session again, or into another one after it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { diskOf, memberOf, pcOf, sessionOf } from "../console/fake-lab.ts";
import { ran } from "./run-command.ts";

const end = { endedAt: "2026-11-22T09:15:00Z" };
const failed = memberOf(1, { ...end, result: "failed", state: "failed", reason: "write error" });
const nvme = { ...diskOf(9), path: "/dev/nvme0n1", transport: "nvme" };
const pc = pcOf(1, { disks: [nvme, diskOf(1)] });
const session = sessionOf([memberOf(2, { ...end, result: "verified" }), failed], {
  disk: "/dev/sda",
});
const there = { "/pcs": [pc, pcOf(2)], "/pcs/pc01": pc, "/sessions/s1": session };

test("a new try says with what which disks are overwritten, and what became of them last time", async () => {
  const { shown, calls } = await ran(["session", "retry", "s1"], there);
  assert.deepEqual(calls, [], "it waits for the word");
  assert.match(
    shown.join("\n"),
    /^win11-lab@4 will overwrite:\n {2}pc01: \/dev\/sda .*\n {4}last time: write error$/,
  );
});

test("a PC that is let in again loses the disk that the session was ordered for", async () => {
  const { shown } = await ran(["session", "admit", "s1", "pc01"], there);
  assert.match(shown.join("\n"), /^win11-lab@4 will overwrite:\n {2}pc01: \/dev\/sda /);
  assert.doesNotMatch(shown.join("\n"), /nvme/);
});
