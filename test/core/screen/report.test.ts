import assert from "node:assert/strict";
import { test } from "node:test";
import { memberFraction, sessionFraction, slowest } from "../../../core/screen/progress.ts";
import { progressLine, resultTable, sentence } from "../../../core/screen/report.ts";
import { missingNotices } from "../../../core/session/boot-proof-view.ts";
import type { MemberView } from "../../../core/wire/views.ts";
import { memberOf, sessionOf } from "../../client/console/fake-lab.ts";

const end = { endedAt: "2026-11-22T09:15:00Z" };
const verified = { ...end, result: "verified", state: "idle" } as const;
const failed = (reason: string | null) =>
  ({ ...end, result: "failed", state: "failed", reason }) as const;
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("a session with one failed PC is one sentence with the disk in it", () => {
  const members = numbers(1, 28).map((number) =>
    memberOf(number, number === 14 ? failed("write error at 12.4 GB") : verified),
  );
  assert.equal(
    sentence(sessionOf(members, { ...end, state: "done" })),
    "27 of 28 verified. 1 failed: pc14, write error at 12.4 GB on sda (Samsung 860 EVO, S3Z9NB0K0014).",
  );
});

test("who came up and who did not is in the session's line, in its table and in no note besides", () => {
  const up = { state: "up", seconds: 34, name: "pc01", system: "Debian", evidence: "x" } as const;
  const missing = { ...up, state: "missing", seconds: 300, name: null, system: null } as const;
  const network = { ...missing, seconds: null, evidence: "it started from the network again" };
  const told = (...boots: (typeof up | typeof missing)[]) => {
    const members = boots.map((boot, index) => memberOf(index + 1, { ...verified, boot }));
    const notices = [...missingNotices(members), "something else"];
    return sentence(sessionOf(members, { ...end, state: "done", notices }));
  };
  const look = "power, firmware order, or look at";
  assert.equal(
    told(up, up, missing),
    `3 of 3 verified, 2 came up; pc03 did not within 5 min: ${look} its screen. Note: something else.`,
  );
  assert.equal(
    told(missing, missing, network as never),
    `3 of 3 verified, 0 came up; pc01 and pc02 did not within 5 min: ${look} their screens; ` +
      "pc03 did not: it started from the network again. Note: something else.",
  );
  const pending = { ...missing, state: "pending", evidence: null } as const;
  const running = sessionOf([
    memberOf(1, { ...verified, boot: up }),
    memberOf(2, { ...verified, boot: pending }),
  ]);
  assert.equal(sentence(running), "2 of 2 verified so far, 1 came up, 1 is awaited.");
  assert.match(progressLine(running), /2 of 2 verified, 1 came up, 1 awaited/);
  assert.match(resultTable(running)[1] ?? "", /up 34 s after, "pc01", looks like Debian/);
});

test("a wipe is told as a wipe", () => {
  const wipe = { kind: "wipe", room: null, image: null } as const;
  const told = (member: Parameters<typeof memberOf>[1], state: "casting" | "done" | "failed") =>
    sentence(sessionOf([memberOf(1, member)], { ...wipe, ...end, state }));
  assert.equal(told(verified, "done"), "Wiped the disk of pc01.");
  assert.match(
    told(failed("write error"), "failed"),
    /^Wipe of the disk of pc01 failed: write error/,
  );
  const half = { state: "wiping", bytesWanted: 4e9, bytesReceived: 1e9 } as const;
  const running = sessionOf([memberOf(1, half)], wipe);
  assert.equal(sentence(running), "Wiping the disk of pc01.");
  assert.equal(progressLine(running), "wiping a disk of pc01, 25 %, 1.0 GB of 4.0 GB");
});

test("a reason that names its disk, or is not about one, is left as it is", () => {
  const told = (reason: string | null): string =>
    sentence(sessionOf([memberOf(1, failed(reason))], { ...end, state: "failed" }));
  const all = "0 of 1 verified. 1 failed: pc01,";
  assert.equal(
    told("write error at 1.0 GB on /dev/sda."),
    `${all} write error at 1.0 GB on /dev/sda (Samsung 860 EVO, S3Z9NB0K0001).`,
  );
  assert.equal(told("write error on S3Z9NB0K0001"), `${all} write error on S3Z9NB0K0001.`);
  assert.equal(told("the connection broke"), `${all} the connection broke.`);
  assert.equal(told(null), `${all} no reason given.`);
  assert.equal(
    told("bad \u001b[31m read"),
    `${all} bad ?[31m read on sda (Samsung 860 EVO, S3Z9NB0K0001).`,
  );
});

test("PCs that failed for the same reason are told together, and a long list is cut", () => {
  const members = [
    ...numbers(1, 10).map((number) => memberOf(number, failed("the PC was not on"))),
    ...numbers(11, 15).map((number) => memberOf(number, failed(`fault ${number}`))),
    ...numbers(16, 20).map((number) => memberOf(number, verified)),
  ];
  assert.equal(
    sentence(sessionOf(members, { ...end, state: "done" })),
    "5 of 20 verified. 15 failed: pc01, pc02, pc03, pc04, pc05, pc06, pc07, pc08 and 2 more, the PC was not on; pc11, fault 11; pc12, fault 12; pc13, fault 13; and 2 more.",
  );
});

test("sessions that run, that were stopped, and captures are told as what they are", () => {
  assert.equal(
    sentence(sessionOf([memberOf(1, verified), memberOf(2)])),
    "1 of 2 verified so far.",
  );
  const stopped = { ...end, result: "stopped", reason: "stopped by an operator" } as const;
  assert.equal(
    sentence(
      sessionOf([memberOf(1, verified), memberOf(2, stopped)], { ...end, state: "stopped" }),
    ),
    "Stopped. 1 of 2 verified. 1 stopped: pc02, stopped by an operator.",
  );
  const capture = { kind: "capture", room: null, image: "win11@4", ...end } as const;
  assert.equal(
    sentence(sessionOf([memberOf(1, verified)], { ...capture, state: "done" })),
    "Captured win11@4 from pc01.",
  );
  assert.equal(
    sentence(
      sessionOf([memberOf(1, failed("read error at 3.0 GB"))], { ...capture, state: "failed" }),
    ),
    "Capture of win11@4 from pc01 failed: read error at 3.0 GB on sda (Samsung 860 EVO, S3Z9NB0K0001).",
  );
});

test("the table has who failed first, and its columns are aligned", () => {
  const members = [
    memberOf(2, verified),
    memberOf(10, verified),
    memberOf(3, failed("write error")),
    memberOf(4, { disk: null, lossRatio: null, bytesWritten: 0 }),
  ];
  const table = resultTable(sessionOf(members));
  assert.deepEqual(table, [
    "PC    RESULT    DISK                                 DATA     TIME    LOSS    REASON",
    "pc03  FAILED    sda (Samsung 860 EVO, S3Z9NB0K0003)  11.2 GB  15 min  0.10 %  write error",
    "pc04  -         -                                    0 B      -       -",
    "pc02  VERIFIED  sda (Samsung 860 EVO, S3Z9NB0K0002)  11.2 GB  15 min  0.10 %",
    "pc10  VERIFIED  sda (Samsung 860 EVO, S3Z9NB0K0010)  11.2 GB  15 min  0.10 %",
  ]);
  const wiped = resultTable(sessionOf([memberOf(2, verified)], { kind: "wipe", image: null }));
  assert.match(wiped[1] ?? "", /^pc02 {2}WIPED .* 12\.0 GB /);
});

test("progress counts chunks that were right already, and leaves out who failed", () => {
  const half = memberOf(1, { bytesWanted: 2 ** 22, bytesWritten: 2 ** 20, chunksKept: 1 });
  assert.equal(memberFraction(half), 0.5);
  assert.equal(memberFraction(memberOf(1, { bytesWanted: null })), null);
  assert.equal(memberFraction(memberOf(1, { ...verified, bytesWanted: 0 })), 1);
  assert.equal(memberFraction({ ...half, bytesVerified: 2 ** 20 }), 0.375);
  const session = sessionOf([half, memberOf(2, verified), memberOf(3, failed("x"))]);
  assert.equal(sessionFraction(session), 0.75);
  const reading = memberOf(1, { state: "capturing", bytesWanted: 100, bytesReceived: 25 });
  assert.equal(memberFraction(reading), 0.25);
});

test("who holds the room up is named, with what its figures in the cast show, or that it came later", () => {
  const room = (slow: Parameters<typeof memberOf>[1]) =>
    sessionOf([...numbers(1, 9).map((number) => memberOf(number)), memberOf(14, slow)]);
  assert.equal(slowest(room({})), null);
  const slow = { writeBps: 2e7, slowReason: "disk writes 20.0 MB/s" };
  assert.deepEqual(slowest(room(slow)), { name: "pc14", why: "disk writes 20.0 MB/s" });
  const { slowReason: _, ...older } = memberOf(14, slow);
  const told = sessionOf([...numbers(1, 9).map((number) => memberOf(number)), memberOf(14)]);
  const asOlder = { ...told, members: [...told.members.slice(0, -1), older as MemberView] };
  assert.equal(slowest(asOlder), null, "an older server of the campus says nothing");
  // What it lost since it joined, and chunks that came and are not on the disk yet, show nothing of now.
  const { bytesWritten } = memberOf(14);
  const lost = { writeBps: 2e7, lossRatio: 0.05, bytesReceived: bytesWritten + 2e7 };
  assert.equal(slowest(room(lost)), null, "nothing tells why");
  assert.equal(slowest(room({ slowReason: slow.slowReason })), null, "it is as fast as the others");
  const later = { bytesWritten: 0, startedAt: "2026-11-22T09:14:00Z" };
  assert.deepEqual(slowest(room(later)), { name: "pc14", why: "it came later" });
  assert.equal(slowest(room({ bytesWritten: 0 })), null, "nothing tells why");
  assert.equal(slowest(room({ ...later, state: "verifying" })), null);
  const laneReason = "link carries 94 Mbit/s, check its cable and port";
  const straggler = { lane: "catch-up", laneReason } as const;
  assert.deepEqual(slowest(room(straggler)), { name: "pc14", why: laneReason });
});

test("a line while it runs has rate, progress, results and time left", () => {
  const members = [...numbers(1, 27).map((number) => memberOf(number)), memberOf(28, failed("x"))];
  assert.equal(
    progressLine(sessionOf(members)),
    "casting win11-lab@4 to lab-1, 40 %, 896 Mbit/s, 0 of 28 verified, 1 failed, 2 min 51 s left",
  );
  const waiting = [memberOf(1, { state: "waiting" }), memberOf(2, { state: "booting" })];
  assert.equal(
    progressLine(sessionOf(waiting, { state: "gathering" })),
    "gathering win11-lab@4 to lab-1, 1 of 2 PCs ready; missing: pc02 (starting)",
  );
  const reading = memberOf(1, { state: "capturing", bytesWanted: 4e9, bytesReceived: 1e9 });
  assert.equal(
    progressLine(sessionOf([reading], { kind: "capture", room: null, image: "win12" })),
    "capturing win12 from pc01, 25 %, 1.0 GB of 4.0 GB",
  );
});
