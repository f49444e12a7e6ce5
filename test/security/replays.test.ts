/** What was right once is said again: later, after its end, by another PC, and to a server that was started anew. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Grant, readGrant } from "../../core/trust/grant.ts";
import { gateRows } from "../../server/gate/table.ts";
import { LabGrants } from "../../server/lab/grants.ts";
import { type Granted, openGranted } from "../server/gate/granted.ts";

let lab: Granted;
before(async () => {
  lab = await openGranted();
});
after(() => lab.close());

const roles = ["image", "upload", "send", "receive", "list", "targets", "check"] as const;

async function statusOf({ api, pathOf }: Granted, role: string, grant: string): Promise<number> {
  const row = gateRows.find((each) => each.role === role && each.method !== "POST");
  assert(row !== undefined);
  const answer = await api.app.inject({
    ...{ method: row.method as "GET", url: pathOf(row) },
    headers: { authorization: `Bearer ${grant}` },
  });
  return answer.statusCode;
}

test("every grant of a server that was started before is refused, though its sessions are called alike", async () => {
  const recorded = roles.map((role) => ({ role, grant: lab.grant(role) }));
  const next = await openGranted();
  try {
    assert.deepEqual([next.restore, next.capture, next.cast], [lab.restore, lab.capture, lab.cast]);
    for (const { role, grant } of recorded) {
      const row = gateRows.find((each) => each.role === role && each.method !== "POST");
      if (row === undefined) continue;
      assert.notEqual(await statusOf(lab, role, grant), 403, role);
      assert.equal(await statusOf(next, role, grant), 403, role);
    }
  } finally {
    await next.close();
  }
});

test("a grant to look is over after five minutes, by the second", () => {
  const fiveMinutes = 300_000;
  let now = 1000;
  let text = "";
  const grants = new LabGrants({
    now: () => now,
    pc: (id) => lab.api.lab.inventory.get(id),
    isConnected: () => true,
    isMenuLocked: () => false,
    isPlaced: () => true,
    attemptOf: () => null,
    seal: (grant: Grant) => {
      text = lab.api.grants.seal(grant);
      return text;
    },
  });
  const [pc = ""] = lab.pcs;
  for (const view of ["list", "targets", "check"] as const) {
    now = 1000;
    grants.answer(pc, view);
    const read = readGrant(text);
    assert(read.ok);
    for (const [later, holds] of [
      [0, true],
      [fiveMinutes - 1, true],
      [fiveMinutes, false],
      [12 * fiveMinutes, false],
    ] as const) {
      now = 1000 + later;
      assert.equal(grants.holds(read.value), holds, `${view} after ${later} ms`);
    }
  }
});

test("a PC that nobody has placed may have the network checked once a minute", () => {
  let now = 1000;
  let isPlaced = false;
  const grants = new LabGrants({
    now: () => now,
    pc: (id) => lab.api.lab.inventory.get(id),
    isConnected: () => true,
    isMenuLocked: () => false,
    isPlaced: () => isPlaced,
    attemptOf: () => null,
    seal: (grant: Grant) => lab.api.grants.seal(grant),
  });
  const [pc = ""] = lab.pcs;
  const answer = () => {
    const said = grants.answer(pc, "check");
    assert(said.type === "grant");
    return said;
  };
  assert.notEqual(answer().grant, null);
  now += 59_000;
  assert.equal(answer().grant, null);
  assert.match(answer().reason ?? "", /again in 1 s/);
  now += 1000;
  assert.notEqual(answer().grant, null);
  isPlaced = true;
  assert.notEqual(answer().grant, null, "an operator knows this one");
});

test("the words of work that is over, or of an earlier attempt at it, change nothing", async () => {
  const { api, restore, pcs } = lab;
  const [, , , worker = ""] = pcs;
  const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
  const view = () => api.lab.sessions.find(restore);
  const end = {
    outcome: "verified",
    reason: null,
    next: null,
    rootHash: api.images.find(lab.imageId)?.rootHash ?? "",
    counters: null,
  } as const;
  const say = (attempt: number): void => {
    const report = { session: restore, attempt, phase: "done", end } as const;
    api.lab.connections.message(worker, { type: "alive", state: "idle", report });
  };
  const before = view().members;
  say(7);
  await settled();
  assert.deepEqual(view().members, before, "no such attempt was ordered");
  api.lab.sessions.stop(restore);
  await settled();
  const over = view();
  assert.notEqual(over.endedAt, null);
  say(1);
  await settled();
  assert.deepEqual(view(), over);
});
