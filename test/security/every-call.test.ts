/** Every call and method that the network has, by whoever has no right to it: nothing is done, said or shown. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Role } from "../../core/wire/api.ts";
import { roleOf } from "../../server/api/access.ts";
import { type GateRow, gateRows } from "../../server/gate/table.ts";
import type { Method, TestApi } from "../server/api/open-api.ts";
import { type Granted, openGranted } from "../server/gate/granted.ts";

/** The reviewed list: what anybody may ask for, as firmware does, and a browser that is not logged in. */
const open = [
  "GET /",
  "GET /api/v1/login/oidc",
  "GET /api/v1/login/oidc/return",
  "GET /api/v1/login/ways",
  "GET /assets/*",
  "GET /boot/*",
  "GET /boot/ipxe",
  "GET /boot/ipxe/:mac",
  "GET /boot/key",
  "HEAD /boot/*",
  "HEAD /boot/ipxe",
  "HEAD /boot/ipxe/:mac",
  "POST /api/v1/login",
  "WS /gate/v2/link",
];

let lab: Granted;
let api: TestApi;
const tokens = {} as Record<Role, string>;
const roles: readonly Role[] = ["viewer", "operator", "admin"];

before(async () => {
  lab = await openGranted();
  ({ api } = lab);
  for (const role of roles) tokens[role] = (await api.operators.add(`a-${role}`, role)).token;
  const key = "AAAAC3NzaC1lZDI1NTE5AAAAIPbjbvlf95E7BJUoyGorqVdj7/spJxqLrs94I3dyFToz";
  await api.lab.sshKeys.add("ann", `ssh-ed25519 ${key} ann`, "root");
  api.lab.steps.add(lab.imageId, { name: "join.sh", script: "#!/bin/sh\n" }, "root");
});
after(() => lab.close());

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Tokens that are tried are counted by address: each call comes from another one. */
let callers = 0;

async function call(method: string, url: string, credential: string | null): Promise<Answer> {
  callers++;
  const hasBody = /^(POST|PUT|PATCH)$/.test(method);
  const isBytes = /(chunks|index|known)$/.test(url);
  const answer = await api.app.inject({
    ...{ method: method as "GET", url },
    remoteAddress: `10.${callers >> 16}.${(callers >> 8) & 255}.${callers & 255}`,
    headers: {
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      ...(hasBody ? { "content-type": `application/${isBytes ? "octet-stream" : "json"}` } : {}),
    },
    ...(hasBody ? { payload: isBytes ? Buffer.alloc(0) : "{}" } : {}),
  });
  return { status: answer.statusCode, body: answer.body };
}

interface Call {
  readonly name: string;
  readonly method: Method;
  /** What it asks for is there, and is not. */
  readonly there: string;
  readonly nowhere: string;
  readonly role: Role;
}

/** What stands for a part of a path in a lab of `openGranted`. */
function nameOf(path: string, part: string): string {
  if (part === "name" && path.includes("/ssh-keys/")) return "ann";
  if (part === "name") return path.includes("/operators/") ? "a-viewer" : "default";
  if (part === "step") return "join.sh";
  if (part === "task") return lab.capture;
  if (path.includes("/pcs/")) return "pc1";
  return path.includes("/images/") ? lab.imageId : lab.restore;
}

const isOfOperators = (url: string): boolean => url.startsWith("/api/v1/") || url === "/metrics";

/** Those of the operators. */
function calls(): Call[] {
  return api.routes
    .filter(({ url, config }) => config?.gateRows === undefined && isOfOperators(url))
    .flatMap(({ url, method, config }) =>
      ([method].flat() as Method[]).map((each) => ({
        name: `${each} ${url}`,
        method: each,
        there: url.replaceAll(/:(\w+)/g, (_, part: string) => nameOf(url, part)),
        nowhere: url.replaceAll(/:\w+/g, "nobody"),
        role: roleOf(each, config ?? {}),
      })),
    );
}

const lists = [
  ...["/pcs", "/rooms", "/images", "/sessions", "/requests", "/schedule", "/operators"],
  "/ssh-keys",
];

/** What changes with time alone, or by a call that is refused. */
const byThemselves = ["lastSeen", "state", "notices", "reason"];

/** Whatever can be changed over the network: the same afterwards, or somebody got through. */
async function state(): Promise<unknown> {
  const all = lists.map((path) => api.call("GET", path, undefined, tokens.admin));
  const text = JSON.stringify(
    (await Promise.all(all)).map(({ status, body }) => [status, body]),
    (key, value) => (byThemselves.includes(key) ? undefined : value),
  );
  return JSON.parse(text);
}

test("what anybody may ask for is the reviewed list", () => {
  const found = gateRows.filter(({ credential }) => credential === "none");
  assert.deepEqual(found.map(({ method, path }) => `${method} ${path}`).toSorted(), open);
});

test("without a token, with a wrong one, or with a PC's grant every call of an operator answers 401, whatever is there", async () => {
  const before = await state();
  const all = calls();
  assert(all.length > 50, `${all.length} calls`);
  const wrong = [`${tokens.admin}x`, "a-admin.", "x", lab.grant("upload")];
  const refused = await call("GET", "/api/v1/status", "y");
  for (const [number, { name, method, there, nowhere }] of all.entries()) {
    const none = await call(method, there, null);
    assert.equal(none.status, 401, name);
    assert.deepEqual(none, await call(method, nowhere, null), name);
    // One each: to find that a token is wrong takes 50 ms on purpose.
    const answer = await call(method, there, wrong[number % wrong.length] as string);
    assert.deepEqual(answer, refused, name);
  }
  assert.equal(refused.status, 401);
  assert.deepEqual(await state(), before);
});

test("whoever has a lesser role is told so, and not whether it is there", async () => {
  const before = await state();
  for (const { name, method, there, nowhere, role } of calls()) {
    for (const lesser of roles.slice(0, roles.indexOf(role))) {
      const answer = await call(method, there, tokens[lesser]);
      assert.equal(answer.status, 403, `${name} as ${lesser}`);
      assert.deepEqual(answer, await call(method, nowhere, tokens[lesser]), name);
    }
  }
  assert.deepEqual(await state(), before);
});

const granted = gateRows.filter(({ role }) => role !== null);
test("every request of an agent is refused without its own grant, with an operator's token too, whatever is there", async () => {
  const before = await state();
  for (const row of granted) {
    const name = `${row.method} ${row.path}`;
    const tried: readonly (readonly [number, string | null])[] = [
      [401, null],
      ...roles.map((role) => [403, tokens[role]] as const),
      // Of another PC's work.
      [403, lab.grant(row.role === "image" ? "upload" : "image")],
      [403, `${lab.grant("image")}x`],
    ];
    for (const [status, credential] of tried) {
      const answer = await call(row.method, lab.pathOf(row), credential);
      assert.equal(answer.status, status, `${name} with ${credential}`);
      if (!/:(id|task|name)/.test(row.path)) continue;
      assert.deepEqual(answer, await call(row.method, lab.pathOf(row, "nobody"), credential), name);
    }
  }
  assert.deepEqual(await state(), before);
});

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

/** Other spellings of a path that some servers take for the same, past what looks at the first one. */
function spellings(path: string): string[] {
  const [first = "", ...rest] = path.slice(1).split("/");
  return [
    ...[
      path,
      `${path}/`,
      `/${path}`,
      path.toUpperCase(),
      `${path};x=1`,
      `${path}%00`,
      `${path}.json`,
    ],
    `/%${first.charCodeAt(0).toString(16)}${path.slice(2)}`,
    `/boot/..${path}`,
    `/boot/%2e%2e${path}`,
    `/${[first, ".", ...rest].join("/")}`,
    `http://10.0.0.1${path}`,
  ];
}

test("no method and no spelling of any path leads past that", async () => {
  const before = await state();
  const paths = new Set([
    ...calls().map(({ there }) => there),
    ...granted.map((row: GateRow) => lab.pathOf(row).split("?")[0] ?? ""),
  ]);
  for (const path of paths)
    for (const method of methods) {
      // What has a body is refused as such by other methods than its own.
      for (const spelling of method === "GET" || method === "DELETE" ? spellings(path) : [path]) {
        const { status } = await call(method, spelling, null);
        assert([400, 401, 403, 404, 405].includes(status), `${method} ${spelling}: ${status}`);
      }
    }
  assert.deepEqual(await state(), before);
});

test("the port in clear has what is open and nothing more, by no method and no spelling", async () => {
  const { boot } = api;
  assert(boot !== null);
  for (const { there, method } of calls()) {
    for (const url of spellings(there)) {
      const { statusCode } = await boot.inject({ method, url });
      assert([400, 404].includes(statusCode), `${method} ${url}: ${statusCode}`);
    }
  }
  for (const row of gateRows.filter(({ port }) => port === "https")) {
    const method = row.method === "WS" ? "GET" : row.method;
    const headers = { authorization: `Bearer ${row.role === null ? "" : lab.grant(row.role)}` };
    const answer: { statusCode: number } = await boot.inject({
      method,
      url: lab.pathOf(row),
      headers,
    });
    assert.equal(answer.statusCode, 404, `${row.method} ${row.path}`);
  }
});

test("a page of another site, and a name that leads here, reach no call, whatever an operator's browser adds", async () => {
  const before = await state();
  const paths = [
    ...calls().map(({ method, there }) => [method, there] as const),
    ...gateRows
      .filter(({ port }) => port === "https")
      .map(
        (row) => [row.method === "WS" ? ("GET" as const) : row.method, lab.pathOf(row)] as const,
      ),
  ];
  const pages = [
    { host: "localhost", origin: "https://evil.example" },
    { host: "localhost", origin: "null" },
    { host: "evil.example:8443", origin: "https://evil.example:8443" },
    { host: "evil.example" },
  ];
  for (const [method, url] of paths)
    for (const page of pages) {
      const headers = { ...page, authorization: `Bearer ${tokens.admin}` };
      const answer: { statusCode: number } = await api.app.inject({ method, url, headers });
      assert.equal(answer.statusCode, 403, `${method} ${url} by ${JSON.stringify(page)}`);
    }
  assert.deepEqual(await state(), before);
});
