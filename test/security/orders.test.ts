/** What one server of a campus can be made to do by way of another: the reviewed list, and each call of it by whoever may not. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Role } from "../../core/wire/api.ts";
import { serverHeader } from "../../core/wire/campus-order.ts";
import { changes, roleOf } from "../../server/api/access.ts";
import { type Member, openMember } from "../server/api/campus-member.ts";
import type { Method } from "../server/api/open-api.ts";
import { MemoryOrders } from "../server/campus/memory-orders.ts";
import { MemoryRooms } from "../server/campus/memory-rooms.ts";
import { until } from "../server/campus/registry-contract.ts";

/** Asked of the server itself, although it takes no admin. */
const atItself = [
  // They go on and on.
  ...["GET /events", "GET /pcs/:id/shell", "POST /images/:id/verify", "POST /store/verify"],
  // Bytes of images.
  ...["GET /images/:id/manifest", "GET /images/:id/index", "GET /images/:id/chunks"],
  ...["GET /images/:id/disk.zst", "POST /images/:id/fit", "POST /images/:id/fitted"],
  ...["PUT /images/:id/least-disk", "POST /imports", "POST /imports/:task/space"],
  ...["POST /imports/:task/known", "PUT /imports/:task/chunks", "PUT /imports/:task/index"],
  "POST /imports/:task/commit",
  // Logins, walls, and what a key is known by.
  ...["GET /login", "POST /logout", "GET /trust", "GET /rooms/:name/wall-link"],
  ...["POST /rooms/:name/wall-link", "DELETE /rooms/:name/wall-link"],
];

/** What can be ordered and changes something. */
const ordered = [
  ...["PATCH /pcs/:id", "DELETE /pcs/:id", "POST /pcs/:id/power", "POST /pcs/:id/identify"],
  ...["POST /pcs/:id/admit", "POST /pcs/:id/revoke", "POST /pcs/:id/wipe", "POST /rooms"],
  ...["PATCH /rooms/:name", "DELETE /rooms/:name", "PUT /rooms/:name/seats"],
  ...["POST /rooms/:name/wake", "POST /rooms/:name/walk", "POST /rooms/:name/unlock"],
  ...["POST /rooms/:name/import", "POST /rooms/:name/check", "POST /sessions", "POST /captures"],
  ...["POST /sessions/:id/start", "POST /sessions/:id/stop", "POST /sessions/:id/drop"],
  ...["POST /sessions/:id/admit", "POST /sessions/:id/retry", "POST /requests/:id/yes"],
  ...["POST /requests/:id/no", "POST /schedule", "DELETE /schedule/:id", "DELETE /images/:id"],
  ...["PATCH /images/:id", "POST /images/:id/optimise", "DELETE /images/:id/optimise"],
  ...["POST /images/:id/fetch", "DELETE /images/:id/fetch"],
];

const memory = new MemoryRooms();
const orders = new MemoryOrders(memory);
let alpha: Member;
let beta: Member;
const tokens = {} as Record<Role, string>;
const roles: readonly Role[] = ["viewer", "operator", "admin"];

before(async () => {
  alpha = await openMember("alpha", memory, orders, { trust: "tokens" });
  beta = await openMember("beta", memory, orders);
  for (const role of roles) tokens[role] = (await alpha.api.operators.add(`a-${role}`, role)).token;
  await until(() => alpha.rooms.status().servers.length === 2);
});
after(async () => {
  await alpha.api.close();
  await beta.api.close();
});

const routes = () =>
  alpha.api.routes
    .filter(({ url, config }) => url.startsWith("/api/v1/") && config?.gateRows === undefined)
    .flatMap(({ url, method, config = {} }) =>
      [method].flat().map((each) => {
        const name = `${each} ${url.replace("/api/v1", "")}`;
        const role = roleOf(each, config);
        const isOrdered = config.ordered !== false && role !== "admin";
        return { name, method: each as Method, url, role, isOrdered };
      }),
    );

async function at(role: Role, method: Method, url: string) {
  const answer = await alpha.api.app.inject({
    ...{ method, url: url.replaceAll(/:\w+/g, "nobody").replaceAll("*", "nobody") },
    headers: { authorization: `Bearer ${tokens[role]}`, [serverHeader]: "beta" },
    ...(method === "GET" || method === "DELETE" ? {} : { payload: {} }),
  });
  return { status: answer.statusCode, body: answer.body };
}

test("what can be ordered of another server, and what cannot although it takes no admin, is the reviewed list", () => {
  const all = routes();
  const names = (wanted: typeof all): string[] => wanted.map(({ name }) => name).toSorted();
  const isOpen = ({ name }: (typeof all)[number]): boolean => /^\w+ \/login(\/|$)/.test(name);
  assert.deepEqual(
    names(all.filter((each) => !each.isOrdered && each.role !== "admin" && !isOpen(each))),
    atItself.filter((name) => !/ \/login/.test(name)).toSorted(),
  );
  assert.deepEqual(
    names(all.filter(({ isOrdered, method }) => isOrdered && changes(method))),
    ordered.toSorted(),
  );
});

test("by way of another server nobody does what their role does not allow, and nobody what takes an admin", async () => {
  const before = await beta.api.call("GET", "/history");
  let tried = 0;
  for (const { name, method, url, role, isOrdered } of routes()) {
    if (/^\w+ \/login(\/|$)/.test(name)) continue;
    const refused = isOrdered ? roles.slice(0, roles.indexOf(role)) : roles;
    for (const who of refused) {
      const { status, body } = await at(who, method, url);
      assert.equal(status, 403, `${name} by a ${who}: ${body}`);
      tried++;
    }
  }
  assert(tried > 100, `${tried}`);
  assert.equal(orders.rows.size, 0);
  assert.deepEqual(await beta.api.call("GET", "/history"), before);
});

test("what may be ordered comes to the other server, with the name of who orders it, and its answer back", async () => {
  for (const { name, method, url, isOrdered } of routes()) {
    if (!isOrdered || !changes(method)) continue;
    const { status } = await at("operator", method, url);
    assert([400, 403, 404, 409].includes(status), `${name}: ${status}`);
    const { body } = await beta.api.call("GET", "/history?limit=1");
    assert.equal(body.at(-1).operator, "a-operator, at alpha", name);
    assert(body.at(-1).text.endsWith(`(refused: ${status})`), `${name}: ${body.at(-1).text}`);
  }
});
