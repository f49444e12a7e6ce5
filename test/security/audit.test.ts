/** Every call that changes something: who may make it, and that it is written down, refused or not. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Role } from "../../core/wire/api.ts";
import { changes, roleOf } from "../../server/api/access.ts";
import { type Method, openApi, type TestApi } from "../server/api/open-api.ts";
import { helloOf, register } from "../server/lab/hello.ts";

/** The reviewed list. `parts`: not told one by one, because the call that they are a part of is. */
const table: Readonly<Record<string, readonly [Role, "told" | "parts"]>> = {
  "PATCH /pcs/:id": ["operator", "told"],
  "DELETE /pcs/:id": ["operator", "told"],
  "POST /pcs/:id/power": ["operator", "told"],
  "POST /pcs/:id/identify": ["operator", "told"],
  "POST /pcs/:id/admit": ["operator", "told"],
  "POST /pcs/:id/revoke": ["operator", "told"],
  "POST /pcs/:id/wipe": ["operator", "told"],
  "POST /rooms": ["operator", "told"],
  "PATCH /rooms/:name": ["operator", "told"],
  "DELETE /rooms/:name": ["operator", "told"],
  "PUT /rooms/:name/seats": ["operator", "told"],
  "POST /rooms/:name/wake": ["operator", "told"],
  "POST /rooms/:name/walk": ["operator", "told"],
  "POST /rooms/:name/unlock": ["operator", "told"],
  "POST /rooms/:name/import": ["operator", "told"],
  "POST /rooms/:name/check": ["operator", "told"],
  "POST /rooms/:name/move": ["admin", "told"],
  "POST /rooms/:name/wall-link": ["operator", "told"],
  "DELETE /rooms/:name/wall-link": ["operator", "told"],
  "POST /sessions": ["operator", "told"],
  "POST /captures": ["operator", "told"],
  "POST /sessions/:id/start": ["operator", "told"],
  "POST /sessions/:id/stop": ["operator", "told"],
  "POST /sessions/:id/drop": ["operator", "told"],
  "POST /sessions/:id/admit": ["operator", "told"],
  "POST /sessions/:id/retry": ["operator", "told"],
  "POST /requests/:id/yes": ["operator", "told"],
  "POST /requests/:id/no": ["operator", "told"],
  "POST /schedule": ["operator", "told"],
  "DELETE /schedule/:id": ["operator", "told"],
  "DELETE /images/:id": ["operator", "told"],
  "PATCH /images/:id": ["operator", "told"],
  "POST /images/:id/verify": ["operator", "told"],
  "POST /images/:id/optimise": ["operator", "told"],
  "DELETE /images/:id/optimise": ["operator", "told"],
  "POST /images/:id/fetch": ["operator", "told"],
  "DELETE /images/:id/fetch": ["operator", "told"],
  "POST /images/:id/fit": ["operator", "told"],
  "POST /images/:id/fitted": ["operator", "told"],
  "PUT /images/:id/least-disk": ["operator", "parts"],
  "POST /store/verify": ["operator", "told"],
  "POST /imports": ["operator", "told"],
  "POST /imports/:task/space": ["operator", "parts"],
  "POST /imports/:task/known": ["operator", "parts"],
  "PUT /imports/:task/chunks": ["operator", "parts"],
  "PUT /imports/:task/index": ["operator", "parts"],
  "POST /imports/:task/commit": ["operator", "parts"],
  "POST /images/:id/steps": ["admin", "told"],
  "DELETE /images/:id/steps/:step": ["admin", "told"],
  "POST /ssh-keys": ["admin", "told"],
  "DELETE /ssh-keys/:name": ["admin", "told"],
  "POST /trust/rotate": ["admin", "told"],
  "POST /trust/finish": ["admin", "told"],
  "POST /operators": ["admin", "told"],
  "PATCH /operators/:name": ["admin", "told"],
  "DELETE /operators/:name": ["admin", "told"],
  "POST /logout": ["viewer", "told"],
};
/** Calls that only read, and say more than a viewer may see. */
const readings: Readonly<Record<string, readonly [Role, "told" | "parts"]>> = {
  "GET /operators": ["admin", "told"],
  "GET /rooms/:name/export": ["operator", "told"],
  "GET /images/:id/manifest": ["operator", "parts"],
  "GET /images/:id/index": ["operator", "told"],
  "GET /images/:id/disk.zst": ["operator", "told"],
  "GET /rooms/:name/wall-link": ["operator", "parts"],
  "GET /images/:id/chunks": ["operator", "parts"],
  // The shell tells of itself, when it opens and when it ends.
  "GET /pcs/:id/shell": ["operator", "parts"],
};

let api: TestApi;
const tokens = {} as Record<Role, string>;

before(async () => {
  api = await openApi("tokens");
  for (const role of ["viewer", "operator", "admin"] as const)
    tokens[role] = (await api.operators.add(`a-${role}`, role)).token;
  register(api.lab.inventory, helloOf("52:54:00:00:00:01"));
});
after(() => api.close());

const routes = () =>
  api.routes
    .filter(({ url, config }) => url.startsWith("/api/v1/") && config?.gateRows === undefined)
    .flatMap((options) =>
      [options.method].flat().map((method) => ({
        options,
        method: method as Method,
        url: options.url.replace("/api/v1", ""),
      })),
    );

test("what changes something, or shows more than a viewer sees, is in the reviewed list with its role", () => {
  const found = routes().flatMap(({ method, url, options }) => {
    const config = options.config ?? {};
    const role = roleOf(method, config);
    if (!changes(method) && role === "viewer") return [];
    return [[`${method} ${url}`, [role, config.audit === false ? "parts" : "told"]] as const];
  });
  const byName = (one: readonly [string, unknown], other: readonly [string, unknown]) =>
    one[0] < other[0] ? -1 : 1;
  assert.deepEqual(
    found.toSorted(byName),
    Object.entries({ ...table, ...readings }).toSorted(byName),
  );
});

interface Line {
  readonly operator: string | null;
  readonly text: string;
}

const newestLine = async (): Promise<Line | undefined> => {
  const { body } = await api.call("GET", "/history?limit=1", undefined, tokens.viewer);
  return body.at(-1);
};

test("each of these calls is a line of the history with who made it, whether it was allowed or not", async () => {
  for (const [name, [role, telling]] of Object.entries(table)) {
    const [method, url] = name.split(" ") as [Method, string];
    const path = url.replaceAll(/:\w+/g, "nobody");
    for (const who of ["viewer", role] as const) {
      const before = await newestLine();
      const { status } = await api.call(
        method,
        path,
        method === "DELETE" ? undefined : {},
        tokens[who],
      );
      const line = await newestLine();
      if (telling === "parts") {
        assert.deepEqual(line, before, name);
        continue;
      }
      assert.notDeepEqual(line, before, `${name} by a ${who} is not told`);
      assert.equal(line?.operator, `a-${who}`, name);
      const end = status < 400 ? "" : ` (refused: ${status})`;
      assert(line?.text.startsWith(`a-${who} from 127.0.0.1: `), line?.text);
      assert(line?.text.endsWith(end), `${name}: ${line?.text}`);
    }
  }
});

test("who has no token and tries to change something is told of, once a minute at most", async () => {
  for (const path of ["/pcs/pc1", "/rooms/default"]) {
    assert.equal((await api.call("DELETE", path)).status, 401);
    const line = await newestLine();
    assert.equal(line?.operator, null);
    assert.match(
      line?.text ?? "",
      /^127\.0\.0\.1 has no token or login that counts: DELETE \/api\/v1\/pcs\/pc1 \(refused: 401\)$/,
    );
  }
});
