/** A lost SYN costs a quarter of a second, not a whole one. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { test } from "node:test";
import { connectTcp, type TcpPlace } from "../../../core/node/connect-tcp.ts";

async function listen() {
  const server = createServer((socket) => void socket.resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, place: { host: "127.0.0.1", port: (server.address() as AddressInfo).port } };
}

/** Opens as it is told for each try; one whose packets are lost hears nothing. */
function opener(...ways: readonly ("lost" | "heard")[]) {
  const opened: Socket[] = [];
  const open = (place: TcpPlace): Socket => {
    const socket = ways[opened.length] === "heard" ? connect(place) : new Socket();
    opened.push(socket);
    return socket;
  };
  return { opened, open };
}

const never = new AbortController().signal;

test("a connection that is answered at once stays the only one", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { server, place } = await listen();
  const { opened, open } = opener("heard", "heard", "heard");
  const socket = await connectTcp(place, never, open);
  t.mock.timers.tick(10_000);
  assert.equal(opened.length, 1);
  socket.destroy();
  server.close();
});

test("whose first packets are lost tries again beside them, and closes what is left", async () => {
  const { server, place } = await listen();
  const { opened, open } = opener("lost", "lost", "heard");
  const began = performance.now();
  const socket = await connectTcp(place, never, open);
  // The system would ask again after a second, and after two more.
  assert(performance.now() - began >= 490);
  assert.equal(opened.length, 3);
  assert.equal(opened[2], socket);
  assert.deepEqual(
    opened.map(({ destroyed }) => destroyed),
    [true, true, false],
  );
  socket.destroy();
  server.close();
});

test("there are three tries at most, and an end to all of them", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { opened, open } = opener();
  const end = new AbortController();
  const connecting = connectTcp({ host: "127.0.0.1", port: 1 }, end.signal, open);
  t.mock.timers.tick(10_000);
  assert.equal(opened.length, 3);
  end.abort(new Error("too late"));
  await assert.rejects(connecting, /too late/);
  assert(opened.every(({ destroyed }) => destroyed));
});

test("a port where nobody listens is told at once, by the first try", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { server, place } = await listen();
  server.close();
  await once(server, "close");
  const { opened, open } = opener("heard", "heard", "heard");
  await assert.rejects(connectTcp(place, never, open), { code: "ECONNREFUSED" });
  assert.equal(opened.length, 1);
});

test("a try that fails leaves the answer to the others", async () => {
  const { server, place } = await listen();
  const { opened, open } = opener("lost", "lost", "heard");
  const connecting = connectTcp(place, never, open);
  setTimeout(() => opened[0]?.destroy(new Error("reset")), 300);
  const socket = await connecting;
  assert.equal(socket, opened[2]);
  socket.destroy();
  server.close();
});
