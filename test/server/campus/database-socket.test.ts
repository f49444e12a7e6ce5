import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import postgres from "postgres";
import { DatabaseSockets } from "../../../server/campus/database-socket.ts";

/** A message of PostgreSQL's protocol: its type, its length, its body. */
function message(type: string, ...body: number[]): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
}

const inTransaction = "T".charCodeAt(0);
const idle = "I".charCodeAt(0);
const done = message("C", ..."DONE\0".split("").map((each) => each.charCodeAt(0)));

/** A database that takes everybody, and ends the first connection in its transaction. */
async function brittleDatabase(end: (socket: Socket) => void) {
  let connections = 0;
  const server = createServer((socket) => {
    const number = ++connections;
    let isGreeted = false;
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (!isGreeted) {
        isGreeted = true;
        socket.write(Buffer.concat([message("R", 0, 0, 0, 0), message("Z", idle)]));
      } else if (data.includes("begin")) {
        socket.write(Buffer.concat([done, message("Z", inTransaction)]));
      } else if (number === 1) end(socket);
      else socket.write(Buffer.concat([done, message("Z", idle)]));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

for (const [how, end] of [
  ["in order", (socket) => socket.end()],
  ["at once", (socket) => socket.destroy()],
  ["by a reset", (socket) => socket.resetAndDestroy()],
] as const satisfies readonly (readonly [string, (socket: Socket) => void])[])
  test(`a database that ends ${how} in the middle of a transaction fails it, and the next call is made`, async () => {
    const server = await brittleDatabase(end);
    const { port } = server.address() as { port: number };
    const address = { target: { host: "127.0.0.1", port, tls: null } };
    const sockets = new DatabaseSockets(address as never, 1000);
    const socket = () => sockets.open();
    const options = { socket, fetch_types: false, max: 1, backoff: 0.01 };
    const sql = postgres(options as unknown as postgres.Options<Record<string, never>>);
    await assert.rejects(sql.begin((tx) => tx.unsafe("select 1")));
    await sql.unsafe("select 2");
    sockets.close();
    server.close();
  });
