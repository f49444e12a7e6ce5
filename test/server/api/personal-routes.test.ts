/** SSH keys, own steps and lists over the API: who may, what is kept, and what is said of it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Role } from "../../../core/wire/api.ts";
import { openStateStore } from "../../../server/state/state-store.ts";
import { helloOf, register } from "../lab/hello.ts";
import { mib, write } from "../store/write-image.ts";
import { type Method, openApi, type TestApi } from "./open-api.ts";

const key =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbjbvlf95E7BJUoyGorqVdj7/spJxqLrs94I3dyFToz ann@desk";
const tokens = {} as Record<Role, string>;
let api: TestApi;
let image = "";

before(async () => {
  api = await openApi("tokens");
  for (const role of ["viewer", "operator", "admin"] as const)
    tokens[role] = (await api.operators.add(`a-${role}`, role)).token;
  image = (await write(api.images, [new Uint8Array(mib).fill(7)])).id;
  register(api.lab.inventory, helloOf("52:54:00:00:00:01"));
});
after(() => api.close());

const as = (role: Role, method: Method, path: string, body?: unknown) =>
  api.call(method, path, body, tokens[role]);
const history = (): string =>
  api.state
    .events({ limit: 1000 })
    .map(({ text }) => text)
    .join("\n");

test("an admin stores SSH keys, rooms name them, and one that is used stays", async () => {
  for (const role of ["viewer", "operator"] as const)
    assert.equal((await as(role, "POST", "/ssh-keys", { name: "ann", text: key })).status, 403);
  const added = await as("admin", "POST", "/ssh-keys", { name: "ann", text: `${key}\n` });
  assert.equal(added.status, 200);
  assert.deepEqual(added.body, {
    ...{ name: "ann", by: "a-admin", addedAt: added.body.addedAt },
    keys: [
      {
        type: "ssh-ed25519",
        fingerprint: "SHA256:n2bZFbMu+u0s0Ne93Rxnj71BrDIl1ffNqNF7ioQvU0c",
        comment: "ann@desk",
      },
    ],
  });
  assert.equal((await as("admin", "POST", "/ssh-keys", { name: "ann", text: key })).status, 409);
  const wrong = await as("admin", "POST", "/ssh-keys", { name: "bert", text: "hello" });
  assert.deepEqual([wrong.status, wrong.body.code], [400, "bad-input"]);
  const text = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
  const secret = await as("admin", "POST", "/ssh-keys", { name: "bert", text });
  assert.match(secret.body.message, /THIS IS A PRIVATE KEY/);

  const set = (sshKeys: readonly string[]) =>
    as("operator", "PATCH", "/rooms/default", { sshKeys });
  assert.match((await set(["nobody"])).body.message, /no SSH key "nobody"/);
  assert.deepEqual((await set(["ann"])).body.settings.sshKeys, ["ann"]);
  const used = await as("admin", "DELETE", "/ssh-keys/ann");
  assert.deepEqual([used.status, used.body.code], [409, "conflict"]);
  assert.match(used.body.message, /room default/);
  assert.equal((await as("operator", "DELETE", "/ssh-keys/ann")).status, 403);
  assert.deepEqual((await as("viewer", "GET", "/ssh-keys")).body, [added.body]);
  const kept = openStateStore(api.folder);
  assert.deepEqual(
    kept.sshKeys().map(({ lines }) => lines),
    [[key]],
  );
  kept.close();
  await set([]);
  assert.equal((await as("admin", "DELETE", "/ssh-keys/ann")).status, 204);
  assert.deepEqual((await as("viewer", "GET", "/ssh-keys")).body, []);
  const told = history();
  assert.match(told, /a-admin from .*: add an SSH key, name=ann/);
  assert.match(told, /a-admin from .*: remove an SSH key/);
  assert(!told.includes("PRIVATE"), "what was pasted is not told");
});

test("an admin stores own steps with an image: they are shown with it, and gone with it", async () => {
  const path = `/images/${image}/steps`;
  const step = (name: string, script: string) => ({ name, script });
  const first = step("20-first.sh", "#!/bin/sh\necho ä\n");
  for (const role of ["viewer", "operator"] as const) {
    assert.equal((await as(role, "POST", path, first)).status, 403);
    assert.equal((await as(role, "DELETE", `${path}/20-first.sh`)).status, 403);
  }
  assert.equal((await as("admin", "POST", path, first)).status, 200);
  const { body } = await as("admin", "POST", path, step("10-second.sh", "#! /usr/bin/python3\n"));
  assert.deepEqual(
    body.steps.map(({ name, bytes, by }: { name: string; bytes: number; by: string }) => [
      name,
      bytes,
      by,
    ]),
    [
      ["20-first.sh", 18, "a-admin"],
      ["10-second.sh", 20, "a-admin"],
    ],
    "in the order in which they were added",
  );
  assert.deepEqual((await as("viewer", "GET", `/images/${image}`)).body.steps, body.steps);
  assert(!JSON.stringify(body).includes("echo"), "what they do is told nowhere");
  for (const [name, script, fault] of [
    ["20-first.sh", "#!/bin/sh\n", /has a step 20-first\.sh already/],
    ["x", "echo\n", /does not begin with #!/],
    ["x", "#!\n", /does not begin with #!/],
    ["x", "", /does not begin with #!/],
    ["x", "#!/bin/sh\r\necho\r\n", /Windows/],
    ["x", "#!/bin/sh\n\0", /no text in UTF-8/],
    ["x", "#!/bin/sh\n\ud800", /no text in UTF-8/],
    ["x", `#!/bin/sh\n${"é".repeat(128 * 1024)}`, /262154 bytes, and 262144/],
    ["a b", "#!/bin/sh\n", /a b|step/],
  ] as const) {
    const refused = await as("admin", "POST", path, step(name, script));
    assert([400, 409].includes(refused.status), `${name}: ${refused.status}`);
    assert.match(refused.body.message, fault);
  }
  assert.equal((await as("admin", "POST", "/images/nothing/steps", first)).status, 404);
  for (let number = 3; number <= 16; number++)
    assert.equal((await as("admin", "POST", path, step(`s${number}`, "#!/bin/sh\n"))).status, 200);
  assert.match(
    (await as("admin", "POST", path, step("s17", "#!/bin/sh\n"))).body.message,
    /16 steps/,
  );
  assert.equal((await as("admin", "DELETE", `${path}/s3`)).body.steps.length, 15);
  assert.equal((await as("admin", "DELETE", `${path}/s3`)).status, 404);
  assert.match(
    history(),
    /a-admin from .*: add a script that runs after each restore of an image, name=20-first\.sh script=…/,
  );

  const kept = openStateStore(api.folder);
  assert.equal(kept.imageSteps().length, 15);
  kept.close();
  const { name, version } = (await as("viewer", "GET", `/images/${image}`)).body;
  await as("operator", "DELETE", `/images/${image}?overwrite=${name}@${version}`);
  assert.deepEqual(api.state.imageSteps(), []);
});

test("operators import and export lists, and viewers neither", async () => {
  const csv = "mac,name\r\n52:54:00:00:00:01,lab1-a1\r\n";
  assert.equal((await as("viewer", "POST", "/rooms/default/import", { csv })).status, 403);
  assert.equal((await as("viewer", "GET", "/rooms/default/export")).status, 403);
  const { status, body } = await as("operator", "POST", "/rooms/default/import", { csv });
  assert.deepEqual([status, body.pcs[0].result], [200, "changed"]);
  const list = await as("operator", "GET", "/rooms/default/export");
  assert.equal(list.body, "name,seat,mac,address,uuid\r\nlab1-a1,,52:54:00:00:00:01,,\r\n");
  const wrong = await as("operator", "POST", "/rooms/default/import", { csv: "mac\nx\n" });
  assert.deepEqual([wrong.status, wrong.body.code], [400, "bad-input"]);
  assert.match(wrong.body.message, /line 2/);
});

test("a PC's address and fields are set and taken away, and what is none is refused", async () => {
  const set = (change: object) => as("operator", "PATCH", "/pcs/lab1-a1", change);
  const fields = { asset: "4711", owner: "chemistry" };
  assert.deepEqual((await set({ fields, address: "10.77.0.31" })).body.fields, fields);
  assert.deepEqual((await set({ fields: { asset: "" } })).body.fields, { owner: "chemistry" });
  assert.deepEqual((await set({ address: null })).body.address, null);
  for (const change of [
    { fields: { "not a name": "x" } },
    { fields: { x: "x".repeat(1025) } },
    { fields: { x: "two\nlines" } },
    { fields: { x: 1 } },
    { fields: Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`f${n}`, "x"])) },
    { address: "everywhere" },
  ])
    assert.equal((await set(change)).status, 400, JSON.stringify(change).slice(0, 60));
  assert.deepEqual((await as("viewer", "GET", "/pcs/lab1-a1")).body.fields, { owner: "chemistry" });
});

test("what a room may not be set to is refused", async () => {
  for (const change of [
    { domain: "-lab.example.org" },
    { domain: `${"a.".repeat(127)}toolong` },
    { gateway: "10.77.0.256" },
    { gateway: "gateway" },
    { dns: ["10.77.0.1", "x"] },
    { prefix: 31 },
    { address: "none" },
    { secrets: "all" },
    { sshKeys: ["a b"] },
    { bootFirst: "usb" },
  ])
    assert.equal(
      (await as("operator", "PATCH", "/rooms/default", change)).status,
      400,
      JSON.stringify(change),
    );
  const set = await as("operator", "PATCH", "/rooms/default", { secrets: "unproven", dns: [] });
  assert.deepEqual([set.body.settings.secrets, set.body.settings.dns], ["unproven", []]);
  assert.match(history(), /secrets=unproven/, "that is no secret itself");
});
