/** The gate's table, walked: what is not in it cannot be reached, and every row holds its limits. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fastify from "fastify";
import { chunkCountOf } from "../../../core/units/units.ts";
import { holdToTable } from "../../../server/gate/hold-to-table.ts";
import { type GateRow, gateRows } from "../../../server/gate/table.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { helloOf, loginOf } from "../lab/hello.ts";

let api: TestApi;
const ports = { http: 0, https: 0 };
/** Of the capture and the live cast that are under way. */
let capture = "";
let cast = "";
/** What every answer waits for. */
let held = Promise.resolve();

before(async () => {
  const agents = {
    ...{ isConnected: () => true, send: () => true, sendBytes() {}, disconnect() {} },
    refusedLogins: new Map<string, number>(),
  };
  api = await openApi("tokens", {
    agents,
    prepare: (app) => void app.addHook("preHandler", () => held),
  });
  for (const number of [1, 2, 3]) {
    const hello = helloOf(`52:54:00:00:00:0${number}`, { disks: [diskOf(number)] });
    const login = loginOf(hello);
    const { pc } = api.lab.login(login);
    api.lab.connected(pc, login);
  }
  const by = { operator: "ann", shown: null };
  capture = api.lab.capture({ pc: "pc1", name: "base", disk: null, raw: false }, by).id;
  const request = {
    ...{ sender: "pc2", room: null, pcs: ["pc3"], saveAs: null, sourceDisk: null, raw: false },
    ...{ disk: null, failingDisks: [], start: "now" as const, startTimeoutSeconds: null },
    ...{ delta: false, verify: "read-back" as const, afterwards: "stay" as const },
  };
  cast = api.lab.cast(request, by).id;
  for (const [name, app] of [["https", api.app] as const, ["http", api.boot] as const]) {
    assert(app !== null);
    ports[name] = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
  }
});
after(async () => {
  for (const id of [capture, cast]) api.lab.sessions.stop(id);
  await api.close();
});

/** For an answer that needs no body, on a busy host. */
const patienceMs = 10_000;

interface Asked extends Disposable {
  readonly socket: Socket;
  /** Of the answer; 0 when none comes. */
  readonly status: Promise<number>;
}

/** Sends the head of a request, and no body. */
function ask(row: GateRow, task: string, ...headers: string[]): Asked {
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
  const isJson = /(commit|plan|multicast)$/.test(row.path);
  if (row.method === "PUT" || row.method === "POST")
    lines.push(`Content-Type: application/${isJson ? "json" : "octet-stream"}`);
  const method = row.method === "WS" ? "GET" : row.method;
  const start = `${method} ${pathOf(row, task)} HTTP/1.1`;
  socket.write([start, "Host: test", ...lines, ...headers, "", ""].join("\r\n"));
  return { socket, status, [Symbol.dispose]: () => void socket.destroy() };
}

const nameOf = ({ method, path }: GateRow): string => `${method} ${path}`;
const taskOf = ({ path }: GateRow): string => (path.includes("/captures/") ? capture : cast);

function pathOf({ path }: GateRow, task: string): string {
  const filled = path
    .replace(":task", task)
    .replace(":mac", "52-54-00-00-00-01")
    .replace(":name", "default")
    .replace("*", "vmlinuz")
    .replace(/:\w+/g, "0");
  return path.endsWith("/payload") ? `${filled}?bytes=9` : filled;
}

function limitOf({ bodyBytes, method }: GateRow): number {
  // A link's is of what it says later.
  if (method === "WS") return 0;
  return typeof bodyBytes === "number"
    ? bodyBytes
    : bodyBytes({ chunkCount: chunkCountOf(diskOf(1).size) });
}

const withBody = gateRows.filter(({ method }) => method === "PUT" || method === "POST");
const withTask = withBody.filter(({ path }) => path.includes(":task"));

test("the routes of the gate are those of the table, and no other can be registered", () => {
  const routes = api.routes
    .filter(({ config }) => config?.gateRows !== undefined)
    .flatMap((route) =>
      [route.method].flat().map((method) => `${route.websocket ? "WS" : method} ${route.url}`),
    );
  assert.deepEqual(routes.toSorted(), gateRows.map(nameOf).toSorted());

  const app = fastify({ exposeHeadRoutes: false });
  holdToTable(app, "https");
  assert.throws(() => app.get("/gate/v2/secret", () => ""), /GET \/gate\/v2\/secret is not in/);
  assert.throws(() => app.delete("/gate/v2/images", () => ""), /not in the gate's table/);
  assert.throws(() => app.get("/boot/ipxe", () => ""), /not in the gate's table for https/);
  const inClear = gateRows.filter(({ port }) => port === "http").map(({ path }) => path);
  assert(inClear.every((path) => path.startsWith("/boot/")));
});

test("whoever names a task that is not under way hears so before a byte of the body is sent", async () => {
  assert(withTask.length >= 6);
  for (const row of withTask) {
    for (const length of ["Content-Length: 1000", "Transfer-Encoding: chunked"]) {
      using asked = ask(row, "nobody", length);
      assert.equal(await asked.status, 404, `${nameOf(row)}, ${length}`);
    }
  }
});

test("a body that is declared to be a byte too long is refused before it is sent", async () => {
  for (const row of gateRows) {
    using asked = ask(row, taskOf(row), `Content-Length: ${limitOf(row) + 1}`);
    assert.equal(await asked.status, 413, nameOf(row));
  }
});

/** A body of zeros in one chunk of the transfer, whose length nothing declares. */
async function statusOfChunked(row: GateRow, bytes: number): Promise<number> {
  using asked = ask(row, taskOf(row), "Transfer-Encoding: chunked");
  asked.socket.write(`${bytes.toString(16)}\r\n`);
  asked.socket.write(new Uint8Array(bytes));
  asked.socket.write("\r\n0\r\n\r\n");
  return await asked.status;
}

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
  const work = { type: "progress", session: capture, attempt: 1 } as const;
  const progress = { ...work, phase: "capturing", counters: null } as const;
  const { id } = api.lab.inventory.find("pc1");
  api.lab.message(id, { ...progress, bytesDone: 0, bytesTotal: 10 * 1024 * 1024 - 512 });
  assert.equal(await statusOfChunked(row, 480), 204);
  assert.equal(await statusOfChunked(row, 481), 413);
});

test("an address has no more requests of a row under way than the table says", async () => {
  for (const row of gateRows) {
    const hasBody = withBody.includes(row);
    // What has a body waits for it; the others are held where their work would begin.
    const release = Promise.withResolvers<void>();
    if (!hasBody) held = release.promise;
    const length = hasBody ? ["Content-Length: 1"] : [];
    const all = Array.from({ length: row.inFlight + 1 }, () => ask(row, taskOf(row), ...length));
    assert.equal(await Promise.race(all.map(({ status }) => status)), 429, nameOf(row));
    for (const { socket } of all) socket.destroy();
    release.resolve();
    held = Promise.resolve();
    // Those that went away count no more.
    for (let status = 429; status === 429; await sleep(5)) {
      using again = ask(row, hasBody ? "nobody" : taskOf(row), ...length);
      if (hasBody) again.socket.write("x");
      status = await again.status;
    }
  }
});

test("one upload does not take the memory by many requests at once", async () => {
  const row = gateRows.find(({ path }) => path.endsWith("captures/:task/chunks"));
  assert(row !== undefined);
  const limit = limitOf(row);
  const all = Array.from({ length: 8 }, () => ask(row, capture, `Content-Length: ${limit}`));
  try {
    await sleep(100);
    const known = gateRows.find(({ path }) => path.endsWith("captures/:task/known"));
    using one = ask(known as GateRow, capture, "Content-Length: 32");
    assert.equal(await one.status, 429);
  } finally {
    for (const { socket } of all) socket.destroy();
  }
});
