/** Who has no grant, another's, or one that is over gets nothing, and learns nothing by asking. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import fc from "fast-check";
import { type Grant, grantText, readGrant } from "../../../core/trust/grant.ts";
import { Grants } from "../../../server/gate/grants.ts";
import { type GateRow, gateRows } from "../../../server/gate/table.ts";
import { type Granted, openGranted } from "./granted.ts";

let lab: Granted;
/** A request that is let in is answered so, whatever it asks for. */
const letIn = 299;
let isReady = false;

beforeEach(async () => {
  isReady = false;
  lab = await openGranted({
    prepare: (app) =>
      void app.addHook("preValidation", async (_request, reply) => {
        if (isReady) reply.code(letIn).send();
        return isReady ? reply : undefined;
      }),
  });
  isReady = true;
});
afterEach(() => lab.close());

const rows = gateRows.filter(({ role }) => role !== null);
const nameOf = ({ method, path }: GateRow): string => `${method} ${path}`;

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function ask(row: GateRow, authorization: string | null, object?: string): Promise<Answer> {
  const isJson = /(commit|plan|multicast)$/.test(row.path);
  const hasBody = row.method === "PUT" || row.method === "POST";
  const type = { "content-type": isJson ? "application/json" : "application/octet-stream" };
  const answer = await lab.api.app.inject({
    ...{ method: row.method as "GET", url: lab.pathOf(row, object) },
    headers: { ...(authorization === null ? {} : { authorization }), ...(hasBody ? type : {}) },
    ...(hasBody ? { payload: isJson ? "{}" : Buffer.alloc(0) } : {}),
  });
  return { status: answer.statusCode, body: answer.body };
}

const bearer = (grant: string): string => `Bearer ${grant}`;
const isLetIn = ({ status }: Answer): boolean => status === letIn;

test("a row below /gate needs a grant, but for the link; and /boot needs none", () => {
  for (const { path, role, credential } of gateRows) {
    assert.equal(role !== null, path.startsWith("/gate/") && !path.endsWith("/link"), path);
    assert.equal(credential, role === null ? "none" : "grant", path);
  }
});

test("the grant of its own lets a PC in, to each row", async () => {
  for (const row of rows) {
    assert(row.role !== null);
    const answer = await ask(row, bearer(lab.grant(row.role)));
    assert(isLetIn(answer), `${nameOf(row)}: ${answer.status} ${answer.body}`);
  }
});

test("without a grant every row answers 401, and with one that nobody sealed 403", async () => {
  const { grant } = lab;
  for (const row of rows) {
    assert(row.role !== null);
    for (const none of [null, "", "Bearer", "Basic cGM6cGM=", grant(row.role)])
      assert.equal((await ask(row, none)).status, 401, `${nameOf(row)}: ${none}`);
    const right = grant(row.role);
    const seal = right.slice(right.lastIndexOf("/"));
    const read = readGrant(right);
    assert(read.ok);
    const forged = [
      ...["x", `${right}x`, right.slice(0, -1), right.replace(seal, "/"), `${right}/`],
      // Sealed by another start of the server.
      new Grants().seal(read.value),
      `${grantText({ ...read.value, pc: "p-00000000" })}${seal}`,
    ];
    for (const each of forged) assert.equal((await ask(row, bearer(each))).status, 403, each);
  }
});

test("a grant for one thing is none for another", async () => {
  const roles = [...new Set(rows.map(({ role }) => role))];
  for (const row of rows) {
    for (const role of roles) {
      if (role === null || role === row.role) continue;
      const answer = await ask(row, bearer(lab.grant(role)));
      assert.equal(answer.status, 403, `${nameOf(row)} with one to ${role}`);
    }
  }
});

test("nothing shows whether what was not granted is there", async () => {
  const { otherId, restore, capture } = lab;
  for (const row of rows) {
    if (row.role === null || !/:(id|task|name)/.test(row.path)) continue;
    const there = row.role === "image" ? otherId : row.role === "targets" ? "default" : restore;
    if (row.role === "targets") await lab.api.lab.rooms.create("lab1");
    for (const authorization of [
      null,
      bearer(lab.grant(row.role === "upload" ? "send" : "upload")),
    ]) {
      const [one, other] = [
        await ask(row, authorization, there),
        await ask(row, authorization, "x"),
      ];
      assert.deepEqual(one, other, nameOf(row));
      assert(!isLetIn(one));
    }
  }
  const own = bearer(lab.grant("image"));
  const chunks = rows.find(({ path }) => path.endsWith("/chunks/:entry")) as GateRow;
  assert.deepEqual(await ask(chunks, own, otherId), await ask(chunks, own, "0123456789abcdef"));
  assert.equal((await ask(chunks, own, otherId)).status, 403);
  assert.notEqual(capture, restore);
});

test("a grant to work ends with its attempt", async () => {
  const grants = { upload: lab.capture, send: lab.cast, receive: lab.cast, image: lab.restore };
  const works = (Object.keys(grants) as (keyof typeof grants)[]).map((role) => ({
    ...{ role, session: grants[role], grant: bearer(lab.grant(role)) },
    row: rows.find((each) => each.role === role) as GateRow,
  }));
  for (const { role, row, grant } of works) assert(isLetIn(await ask(row, grant)), role);
  for (const session of new Set(Object.values(grants))) lab.api.lab.sessions.stop(session);
  for (const { role, row, grant } of works) assert.equal((await ask(row, grant)).status, 403, role);
});

test("a PC that is out of a session, or at another attempt, has no use of its grant", async () => {
  const { api, restore, pcs } = lab;
  const [first = "", , , fourth = ""] = pcs;
  const row = rows.find(({ role }) => role === "image") as GateRow;
  const old = lab.grant("image");
  const read = readGrant(old);
  assert(read.ok && "attempt" in read.value);
  // All of them sealed by this very server, as it may have done before.
  for (const other of [
    { attempt: 7 },
    { pc: first },
    { session: lab.capture },
    { session: "s99" },
  ]) {
    const grant = api.grants.seal({ ...read.value, ...other });
    assert.equal((await ask(row, bearer(grant))).status, 403, JSON.stringify(other));
  }
  api.lab.sessions.drop(restore, fourth);
  assert.equal((await ask(row, bearer(old))).status, 403);
});

test("a grant to look is over when the PC has gone, and is bound to its room", async () => {
  const row = rows.find(({ role }) => role === "targets") as GateRow;
  const grant = bearer(lab.grant("targets"));
  assert(isLetIn(await ask(row, grant)));
  const [first = ""] = lab.pcs;
  lab.online.delete(first);
  assert.equal((await ask(row, grant)).status, 403);
  lab.online.add(first);
  await lab.api.lab.rooms.create("lab1");
  lab.api.lab.pcs.set("pc1", { room: "lab1" }, "ann");
  assert.equal((await ask(row, grant)).status, 403, "it was for the room it was in");
});

test("a PC of which it is not known which it is may not look at images", () => {
  const { lab: core } = lab.api;
  const [first = ""] = lab.pcs;
  const record = core.inventory.find("pc1");
  record.doubt = [lab.pcs[1] ?? ""];
  const answered = (view: "list" | "check") => {
    core.connections.message(first, { type: "grant-request", view });
    return lab.said.at(-1)?.message;
  };
  const refused = answered("list");
  assert(refused?.type === "grant" && refused.grant === null);
  assert.match(refused.reason ?? "", /an operator has to say/);
  const check = answered("check");
  assert(check?.type === "grant" && check.grant !== null);
});

const name = fc.stringMatching(/^[A-Za-z0-9._-]{0,20}$/);
const anyGrant: fc.Arbitrary<Grant> = fc.oneof(
  fc.record({
    role: fc.constantFrom("image", "upload", "send", "receive"),
    ...{ pc: name, session: name, object: name },
    attempt: fc.nat(),
  }),
  fc.record({
    role: fc.constantFrom("list", "targets", "check"),
    ...{ pc: name, object: name },
    until: fc.nat(),
  }),
) as fc.Arbitrary<Grant>;

test("a grant comes back as it was, and any other text is none", () => {
  const grants = new Grants();
  fc.assert(
    fc.property(anyGrant, (grant) =>
      assert.deepEqual(grants.open(grants.seal(grant)), { ...grant }),
    ),
  );
  fc.assert(
    fc.property(fc.string(), anyGrant, fc.nat(), (text, grant, at) => {
      assert.equal(grants.open(text), null);
      const sealed = grants.seal(grant);
      const place = at % sealed.length;
      const changed = `${sealed.slice(0, place)}${sealed[place] === "A" ? "B" : "A"}${sealed.slice(place + 1)}`;
      assert.equal(grants.open(changed), null, changed);
    }),
  );
});
