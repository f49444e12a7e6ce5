import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { application } from "../../../server/applications.ts";
import { limitPipelines, unansweredLimit } from "../../../server/gate/pipelines.ts";

let app: FastifyInstance;
let asked = 0;
before(async () => {
  app = application(pino({ level: "silent" }));
  limitPipelines(app);
  app.get("/", async () => {
    asked++;
    await sleep(5);
    return "answered";
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
});
after(() => app.close());

const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const open = (): Socket => {
  const { port } = app.server.address() as { port: number };
  return connect({ host: "127.0.0.1", port }).on("error", () => {});
};

/** Waits until so many answers have come; answers how many there were before the end. */
async function answersOf(socket: Socket, count: number): Promise<number> {
  let text = "";
  const seen = (): number => text.split("answered").length - 1;
  socket.on("data", (part: Buffer) => {
    text += part.toString("latin1");
  });
  while (seen() < count && !socket.closed) await sleep(5);
  socket.removeAllListeners("data");
  return seen();
}

test("thousands of requests that wait for no answer: few are taken on, and the connection is cut", async () => {
  asked = 0;
  const socket = open().resume();
  socket.write(request.repeat(5000));
  await new Promise((resolve) => socket.once("close", resolve));
  assert(asked <= unansweredLimit, `${asked} were`);
});

test("some at once are answered, and any number one after the other", async () => {
  const socket = open();
  socket.write(request.repeat(unansweredLimit));
  assert.equal(await answersOf(socket, unansweredLimit), unansweredLimit);
  for (let times = 0; times < 3 * unansweredLimit; times++) {
    socket.write(request);
    assert.equal(await answersOf(socket, 1), 1);
  }
  socket.destroy();
});
