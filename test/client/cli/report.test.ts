import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { reportCsv, reportHtml } from "../../../client/cli/report.ts";
import type { HistoryEvent } from "../../../core/wire/api.ts";
import type { MemberView, SessionView } from "../../../core/wire/views.ts";
import { anyText, assertHarmless } from "../../core/units/harmful.ts";
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

test("the page says no more of a PC that is done than was done", () => {
  const of = (changes: Partial<SessionView>, more: Partial<MemberView>): string => {
    const member = memberOf(1, {
      ...end,
      result: "verified",
      state: "idle",
      rootHash: root,
      ...more,
    });
    return reportHtml(sessionOf([member], { ...end, state: "done", ...changes }), []);
  };
  const readBack = of({}, { bytesVerified: 28e9 });
  assert.match(readBack, /<footer>VERIFIED means .* read back from the disk has .* root hash abab/);
  const written = of({}, { bytesVerified: null });
  assert.match(
    written,
    /<footer>VERIFIED means .*root hash abab.*Nothing was read back from the disk/,
  );
  const disk = { bytesWritten: 0, bytesReceived: 240e9, rootHash: null };
  const steps = [{ name: "wipe", result: "done" as const, detail: "zeros, clear", files: [] }];
  const wiped = of({ kind: "wipe", image: null }, { ...disk, steps, bytesVerified: 0 });
  assert.match(wiped, /wipe done: zeros, clear/);
  assert.match(wiped, /<td class="result">WIPED<[\s\S]*<td>240.0 GB<[\s\S]*<footer>WIPED means/);
  const captured = of({ kind: "capture" }, { ...disk, bytesVerified: 0 });
  assert.match(captured, /<td class="result">CAPTURED<[\s\S]*<td>240.0 GB<[\s\S]*<footer>CAPTURED/);
  for (const page of [wiped, captured])
    assert.doesNotMatch(page, /VERIFIED|\d verified|root hash|Sent|Written/);
  assert.doesNotMatch(of({}, { result: "failed" }), /VERIFIED/);
});

test("a spreadsheet gets a line a PC, and never a formula", () => {
  const [member] = members;
  assert(member !== undefined);
  const odd = { ...member, name: "=1+1", reason: 'a "word", and\nmore' };
  const [heading, line, ...rest] = reportCsv(sessionOf([odd], end)).split("\r\n");
  assert.match(heading ?? "", /^pc,result,reason,/);
  assert.match(line ?? "", /^'=1\+1,verified,"a ""word"", and more",/);
  assert.deepEqual(rest, []);
});

/** Every cell of a text in the form of RFC 4180. */
const cellsOf = (csv: string): string[] =>
  [...csv.matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "",
  );

/** A session in which every word of a PC is this. */
function worded(text: string) {
  const disk = { ...diskOf(1), path: text, model: text, serial: text };
  const steps = [{ name: text, result: "failed" as const, detail: text, files: [] }];
  const boot = { state: "up" as const, seconds: 1, name: text, system: text, evidence: text };
  const own = { name: text, reason: text, disk, steps, boot };
  const member = memberOf(1, { ...end, result: "failed", ...own });
  return { ...sessionOf([member], end), room: text, image: text, notices: [text] };
}

test("whatever a PC says of itself, no cell is a formula, and nothing in it does harm", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const csv = reportCsv(worded(text));
      const lines = csv.split("\r\n");
      assert.equal(lines.length, 2);
      for (const line of lines) assertHarmless(line);
      const cells = cellsOf(csv);
      assert.equal(cells.length, 2 * cellsOf(lines[0] ?? "").length);
      // A dash as a word of our own does not come up: only what is told by a PC is text.
      for (const cell of cells) assert.doesNotMatch(cell, /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/);
    }),
  );
});

test("whatever a PC says of itself, the page has no tag and no attribute of it", () => {
  const bare = reportHtml(worded("x"), [event("p1", "x")]);
  const tagsOf = (page: string): string[] => page.match(/<[^>]*>/g) ?? [];
  fc.assert(
    fc.property(anyText, (text) => {
      const page = reportHtml(worded(text), [event("p1", text)]);
      assert.deepEqual(tagsOf(page), tagsOf(bare));
      for (const line of page.split("\n")) assertHarmless(line);
    }),
  );
});
