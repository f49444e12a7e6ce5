/** The counts of connections, by sockets that are made up: those that come in one turn, and those that come again. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { FastifyInstance } from "fastify";
import { cutStalled } from "../../../server/gate/stalled.ts";
import { limitStrangers, strangersLimit } from "../../../server/gate/strangers.ts";

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  readonly remotePort: number;
  destroyed = false;
  bytesRead = 0;
  readonly bytesWritten = 0;
  readonly _handle = { writeQueueSize: 1 };

  constructor(remoteAddress: string, remotePort: number) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

/** What a listener tells, with nothing behind it. */
function listener() {
  const server = new EventEmitter();
  let letIn = (): void => {};
  const app = {
    server,
    addHook() {},
    decorateRequest(_: string, said: () => void) {
      letIn = said;
    },
  };
  return {
    app: app as unknown as FastifyInstance,
    letIn: (socket: FakeSocket) => letIn.call({ raw: { socket } } as never),
    comes(address: string, port: number): FakeSocket {
      const socket = new FakeSocket(address, port);
      server.emit("connection", socket);
      return socket;
    },
    end: () => server.emit("close"),
  };
}

test("so many that come in one turn, before the end of any is heard: no more are there than may be", () => {
  const { app, comes } = listener();
  limitStrangers(app, () => false);
  const all = Array.from({ length: 2 * strangersLimit }, (_, number) =>
    comes(`10.0.${number >> 6}.1`, number),
  );
  assert.equal(all.filter(({ destroyed }) => !destroyed).length, strangersLimit);
  assert(all.slice(strangersLimit).every(({ destroyed }) => !destroyed));
});

test("whoever comes again from the same port is counted once, and stays counted when the end before is heard", () => {
  const { app, comes, letIn } = listener();
  limitStrangers(app, () => false);
  const gone = Array.from({ length: 64 }, (_, port) => comes("10.0.0.1", port));
  const here = gone.map(({ remotePort }) => comes("10.0.0.1", remotePort));
  for (const socket of gone) socket.emit("close");
  assert(here.every(({ destroyed }) => !destroyed));
  assert(comes("10.0.0.1", 64).destroyed, "they are 64");
  for (const socket of here.slice(0, 32)) letIn(socket);
  for (const socket of here) socket.emit("close");
  const next = Array.from({ length: 65 }, (_, port) => comes("10.0.0.1", port));
  assert.deepEqual(
    next.map(({ destroyed }) => destroyed),
    [...Array(64).fill(false), true],
  );
});

test("whoever comes again from the same port is watched when the end before is heard", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const { app, comes, end } = listener();
  cutStalled(app, 1000);
  const gone = comes("10.0.0.1", 1);
  const here = comes("10.0.0.1", 1);
  gone.emit("close");
  for (; now < 2000; now += 250) context.mock.timers.tick(250);
  assert(here.destroyed);
  end();
});
