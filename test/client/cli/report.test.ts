import assert from "node:assert/strict";
import { test } from "node:test";
import { reportCsv, reportHtml } from "../../../client/cli/report.ts";
import type { HistoryEvent } from "../../../core/wire/api.ts";
import { diskOf, memberOf, sessionOf } from "../console/fake-lab.ts";

const end = { endedAt: "2026-11-22T09:15:00Z", startedAt: "2026-11-22T09:11:20Z" };
const root = "ab".repeat(32);
const members = Array.from({ length: 28 }, (_, index) =>
  memberOf(index + 1, {
    ...end,
    ...(index === 13
      ? { result: "failed", state: "failed", reason: "write error at 12.4 GB <sda>" }
      : { result: "verified", state: "idle", rootHash: root }),
    disk: diskOf(index + 1),
  }),
);
const session = sessionOf(members, { ...end, state: "done" });
const event = (pc: string, text: string): HistoryEvent => ({
  ...{ at: "2026-11-22T09:13:00.000Z", session: "s1", pc, pcName: null, room: null },
  ...{ image: null, operator: null, text },
});

test("the page says the sentence first, who failed first, and what happened to them alone", () => {
  const events = [
    event(String(members[13]?.pc), "lost & found"),
    event(String(members[0]?.pc), "fine"),
  ];
  const page = reportHtml(session, events);
  assert.match(page, /27 of 28 verified\. 1 failed: pc14/);
  assert.match(page, /<tbody>\s*<tr class="failed"><td>pc14<\/td><td class="result">FAILED/);
  assert.equal(page.match(/<tr class="verified">/g)?.length, 27);
  assert.match(page, /lost &amp; found/);
  assert.doesNotMatch(page, /fine/);
  assert.doesNotMatch(page, /<sda>/, "what comes from outside is text");
  assert.match(page, new RegExp(root));
  assert.doesNotMatch(page, /(src|href)=/, "nothing outside is referred to");
});

test("a spreadsheet gets a line a PC, and never a formula", () => {
  const [member] = members;
  assert(member !== undefined);
  const odd = { ...member, name: "=1+1", reason: 'a "word", and\nmore' };
  const [heading, line, ...rest] = reportCsv(sessionOf([odd], end)).split("\r\n");
  assert.match(heading ?? "", /^pc,result,reason,/);
  assert.match(line ?? "", /^'=1\+1,verified,"a ""word"", and\nmore",/);
  assert.deepEqual(rest, []);
});
