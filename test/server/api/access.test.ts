/** Who may call what: every route of the API, with every role, and with input that makes no sense. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { RouteOptions } from "fastify";
import type { Role } from "../../../core/wire/api.ts";
import { roleOf } from "../../../server/api/access.ts";
import { gateRows } from "../../../server/gate/table.ts";
import { helloOf, register } from "../lab/hello.ts";
import { type Method, openApi, type TestApi } from "./open-api.ts";

let api: TestApi;
const tokens = {} as Record<Role, string>;
const roles: readonly Role[] = ["viewer", "operator", "admin"];

before(async () => {
  api = await openApi("tokens", {
    storage: { requests: { PUT: 3, LIST: 1 }, sentBytes: 500, receivedBytes: 70 },
  });
  for (const role of roles) tokens[role] = (await api.operators.add(`a-${role}`, role)).token;
  register(api.lab.inventory, helloOf("52:54:00:00:00:01"));
});
after(() => api.close());

interface Route {
  readonly method: Method;
  readonly url: string;
  readonly options: RouteOptions;
}

/** Once for each method. */
const allRoutes = (of: TestApi): Route[] =>
  of.routes.flatMap((options) =>
    [options.method]
      .flat()
      .map((method) => ({ method: method as Method, options, url: options.url })),
  );

/** Those of the operators. */
const routesOf = (): Route[] =>
  allRoutes(api)
    .filter(({ url }) => url.startsWith("/api/v1/") || url === "/metrics")
    .filter(({ options }) => options.config?.gateRows === undefined)
    .map((route) => ({ ...route, url: route.url.replace("/api/v1", "") }));

/** What of an application is neither the operators' nor in the gate's table. */
const others = (of: TestApi): string[] =>
  allRoutes(of)
    .map(({ method, url, options }) => `${options.websocket === true ? "WS" : method} ${url}`)
    .filter((name) => !/ (\/api\/v1\/|\/metrics$)/.test(name))
    .filter((name) => !gateRows.some(({ method, path }) => `${method} ${path}` === name));

/** A path that nothing is behind. */
const pathOf = ({ url }: Route): string => url.replaceAll(/:\w+/g, "nobody");

test("there is no secret way in: the network has the operators' routes and the gate's, the socket the operators'", async () => {
  assert.deepEqual(others(api), []);
  const network = allRoutes(api).map(({ method, url }) => `${method} ${url}`);
  await using local = await openApi("local");
  const operators = routesOf().map(({ method, options }) => `${method} ${options.url}`);
  const socket = allRoutes(local).map(({ method, url }) => `${method} ${url}`);
  assert.deepEqual(socket.toSorted(), operators.toSorted());
  assert.equal(network.length, operators.length + gateRows.length);
});

test("every route has its role: whoever has a lesser one is refused, and nobody comes in without", async () => {
  const routes = routesOf();
  assert(routes.length >= 30, `${routes.length} routes`);
  for (const route of routes) {
    const name = `${route.method} ${route.url}`;
    const needed = roleOf(route.method, route.options.config ?? {});
    const path = pathOf(route);
    assert.equal((await api.call(route.method, path)).status, 401, name);
    for (const role of roles.slice(0, roles.indexOf(needed))) {
      const answer = await api.call(route.method, path, {}, tokens[role]);
      assert.deepEqual([answer.status, answer.body.code], [403, "refused"], `${name} as ${role}`);
    }
  }
});

test("every route that changes something says what it takes, and refuses anything else", async () => {
  for (const route of routesOf()) {
    const name = `${route.method} ${route.url}`;
    const { schema } = route.options;
    if (route.url.includes(":") && !route.url.startsWith("/imports/")) {
      assert(schema?.params !== undefined, `${name} checks its path`);
    }
    if (route.method === "GET" || route.method === "DELETE") continue;
    if (route.url.startsWith("/imports/:task/") && schema?.body === undefined) continue;
    assert(schema?.body !== undefined, `${name} checks its body`);
    for (const body of [{ colour: "red" }, [1], { name: 7, overwrite: 7 }]) {
      const { status } = await api.call(route.method, pathOf(route), body, tokens.admin);
      assert.equal(status, 400, `${name} of ${JSON.stringify(body)}`);
    }
  }
});

interface OneOf {
  readonly required?: string[];
  readonly anyOf?: readonly OneOf[];
}

test("what is destroyed has to be named: no such route works without `overwrite`", () => {
  const destroys = ["/sessions", "/pcs/:id/wipe", "/sessions/:id/admit", "/sessions/:id/retry"];
  for (const url of destroys) {
    const route = routesOf().find((each) => each.url === url && each.method === "POST");
    const body = route?.options.schema?.body as OneOf | undefined;
    assert(body !== undefined, url);
    for (const each of body.anyOf ?? [body]) assert(each.required?.includes("overwrite"), url);
  }
  const image = routesOf().find(({ url, method }) => url === "/images/:id" && method === "DELETE");
  const query = image?.options.schema?.querystring as { required?: string[] } | undefined;
  assert(query?.required?.includes("overwrite"));
});

test("the OpenAPI document has every route with its role", async () => {
  const { status, body } = await api.call("GET", "/openapi.json", undefined, tokens.viewer);
  assert.equal(status, 200);
  assert.equal(body.openapi, "3.1.0");
  for (const { method, url, options } of routesOf()) {
    // Itself, and what OpenAPI has no words for: the shell's WebSocket.
    if (options.schema?.hide === true || url === "/metrics") continue;
    const path = `/api/v1${url.replaceAll(/:(\w+)/g, "{$1}")}`;
    const operation = body.paths[path]?.[method.toLowerCase()];
    assert(operation !== undefined, `${method} ${path}`);
    assert.match(operation.description, /^For an? (viewer|operator|admin)\.$/);
  }
});

test("a token is an operator's from adding to removing, and is stored nowhere", async () => {
  const added = await api.call("POST", "/operators", { name: "eve", role: "viewer" }, tokens.admin);
  const { token } = added.body;
  assert.equal((await api.call("GET", "/pcs", undefined, token)).status, 200);
  assert.equal((await api.call("GET", "/pcs", undefined, `${token}x`)).status, 401);
  const secret = token.slice(token.indexOf(".") + 1);
  assert.doesNotMatch(JSON.stringify(api.state.operators()), new RegExp(secret));
  const again = await api.call("POST", "/operators", { name: "eve", role: "admin" }, tokens.admin);
  assert.equal(again.status, 409);
  assert.equal((await api.call("DELETE", "/operators/eve", undefined, tokens.admin)).status, 204);
  assert.equal((await api.call("GET", "/pcs", undefined, token)).status, 401);
});

test("what an operator changed, or was refused, is written down; a PIN is not", async () => {
  const body = { pin: "97531" };
  await api.call("PATCH", "/rooms/default", body, tokens.operator);
  await api.call("PATCH", "/rooms/default", body, tokens.viewer);
  const { body: events } = await api.call("GET", "/history?room=default", undefined, tokens.viewer);
  const said = events.map((event: { operator: string; text: string }) => event);
  assert.deepEqual(
    said.slice(-2).map((event: { operator: string }) => event.operator),
    ["a-operator", "a-viewer"],
  );
  assert.match(said.at(-2).text, /^a-operator from 127\.0\.0\.1: change a room's settings, pin=…$/);
  assert.match(said.at(-1).text, /refused: 403/);
  assert.doesNotMatch(JSON.stringify(events), /97531/);
});

test("a restore that is asked for, or refused, is in the history of its room and its image", async () => {
  const request = { kind: "restore", image: "base", room: "default", overwrite: "nonsense" };
  assert.equal((await api.call("POST", "/sessions", request, tokens.operator)).status, 403);
  for (const query of ["room=default", "image=base"]) {
    const { body } = await api.call("GET", `/history?${query}`, undefined, tokens.viewer);
    assert.match(
      body.at(-1).text,
      /: restore an image.*, kind=restore image=base room=default \(refused: 403\)$/,
    );
  }
});

test("metrics are Prometheus' own format, for a viewer", async () => {
  assert.equal((await api.call("GET", "/metrics")).status, 401);
  const { body } = await api.call("GET", "/metrics", undefined, tokens.viewer);
  assert.match(body, /^roomcast_pcs\{room="default",state="offline"\} 1$/m);
  assert.match(body, /^roomcast_store_free_bytes 7$/m);
  assert.match(body, /^# HELP roomcast_session_rate_bytes /m);
  // Twice the same: what was asked since the start is not added up.
  for (let times = 0; times < 2; times++) {
    const { body: again } = await api.call("GET", "/metrics", undefined, tokens.viewer);
    assert.match(again, /^# TYPE roomcast_s3_requests_total counter$/m);
    assert.match(again, /^roomcast_s3_requests_total\{method="PUT"\} 3$/m);
    assert.match(again, /^roomcast_s3_bytes_total\{direction="received"\} 70$/m);
  }
  await using alone = await openApi("local");
  assert.doesNotMatch((await alone.call("GET", "/metrics")).body, /roomcast_s3/);
});

// Last: the address is shut out from here on.
test("who guesses tokens is shut out for a while, and those who are known are not", async () => {
  const answers: number[] = [];
  for (let number = 0; number < 25; number++) {
    answers.push((await api.call("GET", "/pcs", undefined, `a-admin.${number}`)).status);
  }
  assert(answers.includes(401) && answers.at(-1) === 429, answers.join(" "));
  assert.equal((await api.call("GET", "/pcs", undefined, tokens.admin)).status, 200);
});
