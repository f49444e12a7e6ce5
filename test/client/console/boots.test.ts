/** Which PCs came up, on the wall, on a session's page and on a PC's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pcRow } from "../../../client/console/list-rows.ts";
import { emptyModel } from "../../../client/console/model.ts";
import { pcRows } from "../../../client/console/pc-rows.ts";
import { sessionRows } from "../../../client/console/session-rows.ts";
import { speechOf } from "../../../client/console/speech.ts";
import { stateOf } from "../../../core/screen/pc-state.ts";
import { type Row, rowText } from "../../../core/screen/row.ts";
import type { BootView, PcState } from "../../../core/wire/views.ts";
import { memberOf, pcOf, sessionOf } from "./fake-lab.ts";

const nothing = { seconds: null, name: null, system: null, evidence: null } as const;
const pending: BootView = { state: "pending", ...nothing };
const up: BootView = {
  ...{ state: "up", seconds: 34, name: "lab1-a3", system: "Debian" },
  evidence: "it asked for an address by DHCP",
};
const missing: BootView = { state: "missing", ...nothing, seconds: 300, evidence: "nothing" };

const partOf = (boot: BootView | null) => {
  const member = memberOf(1, { result: "verified", state: "idle", boot });
  return { session: sessionOf([member]), member };
};
const text = (rows: readonly Row[]): string => rows.map(rowText).join("\n");

test("the wall says who came up and who did not", () => {
  const word = (boot: BootView | null, state: PcState): string =>
    stateOf(pcOf(1, { state }), partOf(boot)).word;
  assert.equal(word(up, "offline"), "CAME UP");
  assert.equal(word(up, "booting"), "CAME UP", "it asked for its boot files before");
  assert.equal(word(missing, "offline"), "NOT UP");
  assert.equal(word(missing, "booting"), "booting");
  assert.equal(word(pending, "offline"), "VERIFIED");
  assert.equal(word(null, "offline"), "VERIFIED");
});

test("a session's page has it PC by PC, and how many", () => {
  const session = sessionOf([
    memberOf(1, { result: "verified", boot: up }),
    memberOf(2, { result: "verified", boot: missing }),
    memberOf(3, { result: "verified", boot: pending }),
    memberOf(4, { result: "verified" }),
  ]);
  const page = text(sessionRows(emptyModel(), session, 0, { columns: 120, lines: 30 }));
  assert.match(page, /1 came up, 1 awaited, 1 did not/);
  assert.match(page, /pc01 +VERIFIED +up 34 s after, "lab1-a3", looks like Debian/);
  assert.match(page, /pc02 +VERIFIED +missing after 5 min/);
  assert.match(page, /pc03 +VERIFIED +not seen yet/);
  assert.match(page, /pc04 +VERIFIED .*Samsung/);
});

test("a PC's page says by what it was seen", () => {
  const model = emptyModel();
  model.parts.set("id1", partOf(up));
  assert.match(
    text(pcRows(model, pcOf(1), 120)),
    /Came up +up 34 s after, "lab1-a3", looks like Debian: it asked for an address by DHCP/,
  );
});

test("a PC whose network boot does not go on: its line and its page say how far it came, whatever it did before", () => {
  const trouble =
    "has asked 4 times in 28 s and takes no offer: another DHCP server's answer comes first";
  const pc = pcOf(1, { state: "offline", bootTrouble: trouble });
  const at = { chosen: false, marked: false, columns: 140 };
  assert.match(
    rowText(pcRow(pc, undefined, at, speechOf({ language: "en" }))),
    /off +it has asked 4 times in 28 s and takes no offer/,
  );
  assert.match(
    rowText(pcRow(pc, partOf(null), at, speechOf({ language: "en" }))),
    /it has asked 4 times/,
  );
  assert.match(text(pcRows(emptyModel(), pc, 80)), /network boot: it has asked 4 times/);
});
