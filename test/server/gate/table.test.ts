/** The gate's table, walked: what is not in it cannot be reached, and every row holds its limits. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fastify from "fastify";
import { chunkCountOf } from "../../../core/units/units.ts";
import { Grants } from "../../../server/gate/grants.ts";
import { holdToTable } from "../../../server/gate/hold-to-table.ts";
import { type GateRow, gateRows } from "../../../server/gate/table.ts";
import { perAddress as unproven } from "../../../server/gate/unproven.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import type { TestApi } from "../api/open-api.ts";
import { type Granted, openGranted } from "./granted.ts";

let lab: Granted;
let api: TestApi;
const ports = { http: 0, https: 0 };
/** What every answer waits for. */
let held = Promise.resolve();

before(async () => {
  lab = await openGranted({ prepare: (app) => void app.addHook("preHandler", () => held) });
  ({ api } = lab);
  for (const [name, app] of [["https", api.app] as const, ["http", api.boot] as const]) {
    assert(app !== null);
    ports[name] = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
  }
});
after(() => lab.close());

/** For an answer that needs no body, on a busy host. */
const patienceMs = 10_000;

interface Asked extends Disposable {
  readonly socket: Socket;
  /** Of the answer; 0 when none comes. */
  readonly status: Promise<number>;
}

/** Sends the head of a request with its grant, and no body. */
function ask(row: GateRow, ...headers: string[]): Asked {
  const grant = row.role === null ? [] : [`Authorization: Bearer ${lab.grant(row.role)}`];
  return askBare(row, ...grant, ...headers);
}

function askBare(row: GateRow, ...headers: string[]): Asked {
  const socket = connect({ host: "127.0.0.1", port: ports[row.port] });
  const status = new Promise<number>((resolve) => {
    socket.once("data", (data) => resolve(Number(data.toString("latin1").split(" ")[1])));
    setTimeout(resolve, patienceMs, 0).unref();
  });
  socket.on("error", () => {});
  const lines =
    row.method === "WS"
      ? [
          ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ]
      : [];
  const isJson = /(commit|plan|multicast|login)$/.test(row.path);
  if (row.method === "PUT" || row.method === "POST")
    lines.push(`Content-Type: application/${isJson ? "json" : "octet-stream"}`);
  const method = row.method === "WS" ? "GET" : row.method;
  const start = `${method} ${lab.pathOf(row)} HTTP/1.1`;
  socket.write([start, "Host: localhost", ...lines, ...headers, "", ""].join("\r\n"));
  return { socket, status, [Symbol.dispose]: () => void socket.destroy() };
}

const nameOf = ({ method, path }: GateRow): string => `${method} ${path}`;

function limitOf({ bodyBytes, method }: GateRow): number {
  // A link's is of what it says later.
  if (method === "WS") return 0;
  return typeof bodyBytes === "number"
    ? bodyBytes
    : bodyBytes({ chunkCount: chunkCountOf(diskOf(1).size) });
}

const withBody = gateRows.filter(({ method }) => method === "PUT" || method === "POST");

test("the routes of the gate are those of the table, and no other can be registered", () => {
  const routes = api.routes
    .filter(({ config }) => config?.gateRows !== undefined)
    .flatMap((route) =>
      [route.method].flat().map((method) => `${route.websocket ? "WS" : method} ${route.url}`),
    );
  assert.deepEqual(routes.toSorted(), gateRows.map(nameOf).toSorted());

  const app = fastify({ exposeHeadRoutes: false });
  holdToTable(app, "https", { grants: new Grants(), holds: () => false });
  assert.throws(() => app.get("/gate/v2/secret", () => ""), /GET \/gate\/v2\/secret is not in/);
  assert.throws(() => app.delete("/gate/v2/images", () => ""), /not in the gate's table/);
  assert.throws(() => app.get("/boot/ipxe", () => ""), /not in the gate's table for https/);
  const inClear = gateRows.filter(({ port }) => port === "http").map(({ path }) => path);
  assert(inClear.every((path) => path.startsWith("/boot/")));
});

test("whoever has no grant hears so before a byte of the body is sent", async () => {
  const granted = withBody.filter(({ role }) => role !== null);
  assert(granted.length >= 7);
  for (const row of granted) {
    for (const length of ["Content-Length: 1000", "Transfer-Encoding: chunked"]) {
      using none = askBare(row, length);
      assert.equal(await none.status, 401, `${nameOf(row)}, ${length}`);
      using wrong = askBare(row, "Authorization: Bearer x", length);
      assert.equal(await wrong.status, 403, `${nameOf(row)}, ${length}`);
    }
  }
});

test("a body that is declared to be a byte too long is refused before it is sent", async () => {
  for (const row of gateRows) {
    using asked = ask(row, `Content-Length: ${limitOf(row) + 1}`);
    assert.equal(await asked.status, 413, nameOf(row));
  }
});

/** A body of zeros in one chunk of the transfer, whose length nothing declares. */
async function statusOfChunked(row: GateRow, bytes: number): Promise<number> {
  using asked = ask(row, "Transfer-Encoding: chunked");
  asked.socket.write(`${bytes.toString(16)}\r\n`);
  asked.socket.write(new Uint8Array(bytes));
  asked.socket.write("\r\n0\r\n\r\n");
  return await asked.status;
}

test("of what is not there no body is read", async () => {
  for (const port of ["http", "https"] as const)
    for (const length of ["Content-Length: 1000000", "Transfer-Encoding: chunked"]) {
      const row = { ...gateRows[0], port, method: "POST", path: "/not/there/login" } as GateRow;
      using nothing = askBare(row, length);
      assert.equal(await nothing.status, 404, `${port}, ${length}`);
    }
});

test("a body that declares no length is cut off a byte beyond the limit, and not at it", async () => {
  for (const row of withBody) {
    const limit = limitOf(row);
    assert.equal(await statusOfChunked(row, limit + 1), 413, nameOf(row));
    assert.notEqual(await statusOfChunked(row, limit), 413, nameOf(row));
  }
});

test("the index of a capture is as long as its agent's plan, once that is known", async () => {
  const row = gateRows.find(({ path }) => path.endsWith("/index") && path.includes("captures"));
  assert(row !== undefined);
  const work = { type: "progress", session: lab.capture, attempt: 1 } as const;
  const progress = { ...work, phase: "capturing", counters: null } as const;
  const { id } = api.lab.inventory.find("pc1");
  api.lab.connections.message(id, {
    ...progress,
    bytesDone: 0,
    bytesTotal: 10 * 1024 * 1024 - 512,
  });
  assert.equal(await statusOfChunked(row, 480), 204);
  assert.equal(await statusOfChunked(row, 481), 413);
});

test("an address has no more requests of a row under way than the table says", async () => {
  for (const row of gateRows) {
    const hasBody = withBody.includes(row);
    // So many links are no strangers any more: an address may have no more of those than this row allows.
    const links = Array.from({ length: row.method === "WS" ? unproven : 0 }, () => ask(row));
    for (const { status } of links) assert.equal(await status, 101);
    // What has a body waits for it; the others are held where their work would begin.
    const release = Promise.withResolvers<void>();
    if (!hasBody) held = release.promise;
    const length = hasBody ? ["Content-Length: 1"] : [];
    const more = row.inFlight + 1 - links.length;
    const all = [...links, ...Array.from({ length: more }, () => ask(row, ...length))];
    const first = await Promise.race(all.slice(links.length).map(({ status }) => status));
    assert.equal(first, 429, nameOf(row));
    for (const { socket } of all) socket.destroy();
    release.resolve();
    held = Promise.resolve();
    // Those that went away count no more.
    for (let status = 429; status === 429; await sleep(5)) {
      using again = ask(row, ...length);
      if (hasBody) again.socket.write("x");
      status = await again.status;
    }
  }
});

test("one upload does not take the memory by many requests at once", async () => {
  const row = gateRows.find(({ path }) => path.endsWith("captures/:task/chunks"));
  assert(row !== undefined);
  const limit = limitOf(row);
  const all = Array.from({ length: 8 }, () => ask(row, `Content-Length: ${limit}`));
  try {
    await sleep(100);
    const known = gateRows.find(({ path }) => path.endsWith("captures/:task/known"));
    using one = ask(known as GateRow, "Content-Length: 32");
    assert.equal(await one.status, 429);
  } finally {
    for (const { socket } of all) socket.destroy();
  }
});
