/** What a service manager hears, on a socket of the kind that it makes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import koffi from "koffi";
import { openServiceManager } from "../../../server/host/service-manager.ts";

const libc = koffi.load(null);
const socketCall = libc.func("int socket(int domain, int type, int protocol)");
const bindCall = libc.func("int bind(int fd, const void *address, uint32_t length)");
const recvCall = libc.func("int64_t recv(int fd, void *data, uint64_t length, int flags)");
const closeCall = libc.func("int close(int fd)");

const folder = mkdtempSync(join(tmpdir(), "roomcast-notify-"));
after(() => rmSync(folder, { recursive: true }));

/** Binds to a path or, with @ before it, to an abstract name; answers what came so far. */
function manager(name: string): { heard(): string[]; close(): void } {
  const fd: number = socketCall(1, 2 | 0o4000, 0);
  const path = name.startsWith("@") ? `\0${name.slice(1)}` : `${name}\0`;
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path)]);
  assert.equal(bindCall(fd, address, address.length), 0);
  return {
    heard() {
      const all: string[] = [];
      for (;;) {
        const data = Buffer.alloc(512);
        const length = Number(recvCall(fd, data, data.length, 0));
        if (length < 0) return all;
        all.push(data.toString("utf8", 0, length));
      }
    },
    close: () => closeCall(fd),
  };
}

for (const name of [join(folder, "notify"), `@roomcast-notify-${process.pid}`]) {
  test(`${name.startsWith("@") ? "an abstract name" : "a path"}: ready, alive, stopping`, async () => {
    const { heard, close } = manager(name);
    using service = openServiceManager({ NOTIFY_SOCKET: name, WATCHDOG_USEC: "100000" });
    await sleep(120);
    assert.deepEqual(heard(), [], "nothing before it is ready");
    service.ready("serves");
    await sleep(180);
    const [first, ...alive] = heard();
    assert.equal(first, "READY=1\nSTATUS=serves");
    assert(alive.length >= 2 && alive.every((text) => text === "WATCHDOG=1"), alive.join());
    service.stopping();
    assert.equal(heard().at(-1), "STOPPING=1");
    close();
  });
}

test("what takes long asks for time until it is over", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const name = join(folder, "long");
  const { heard, close } = manager(name);
  using service = openServiceManager({ NOTIFY_SOCKET: name });
  const long = service.takesLong("opens the store");
  const asks = "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=opens the store";
  assert.deepEqual(heard(), [asks]);
  context.mock.timers.tick(20_000);
  assert.deepEqual(heard(), [asks, asks]);
  long[Symbol.dispose]();
  context.mock.timers.tick(20_000);
  assert.deepEqual(heard(), []);
  close();
});

test("a main loop that stands still is not reported as alive", async () => {
  const name = join(folder, "still");
  const { heard, close } = manager(name);
  using service = openServiceManager({ NOTIFY_SOCKET: name, WATCHDOG_USEC: "40000" });
  service.ready("serves");
  heard();
  const until = performance.now() + 200;
  while (performance.now() < until);
  assert.deepEqual(heard(), []);
  close();
});

test("without a manager, and with a watchdog for another process, nothing is said", async () => {
  openServiceManager({}).ready("serves");
  const name = join(folder, "other");
  const { heard, close } = manager(name);
  const other = { NOTIFY_SOCKET: name, WATCHDOG_USEC: "20000", WATCHDOG_PID: "1" };
  using service = openServiceManager(other);
  service.ready("serves");
  await sleep(60);
  assert.deepEqual(heard(), ["READY=1\nSTATUS=serves"]);
  close();
});
