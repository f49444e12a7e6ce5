import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../../../../initrd/agent/check/listen.ts";
import type { Uplink } from "../../../../initrd/agent/hardware/network.ts";
import { sendCheckBurst } from "../../../../server/host/check-sender.ts";
import { freePort } from "../../../free-port.ts";

const folder = await mkdtemp(join(tmpdir(), "roomcast-listen-"));
after(() => rm(folder, { recursive: true }));
const statistics = join(folder, "class/net/lo/statistics");
await mkdir(statistics, { recursive: true });
const tell = (path: string, text: string) => writeFile(join(folder, "class/net/lo", path), text);
const roots = { sys: folder, proc: folder, dev: folder };
const ports = (ip: string | null) => ({
  roots: roots as never,
  uplink: async (): Promise<Uplink> => ({ name: "lo", ip, mac: null }),
});

test("each burst is counted by its rate, another's is not, and the adapter's figures are told", async () => {
  await tell("speed", "100\n");
  await tell("duplex", "half\n");
  await tell("statistics/rx_errors", "5\n");
  const port = await freePort();
  const ears = listen(
    { type: "listen", request: "r", port, nonce: 70, steps: 3 },
    ports("127.0.0.1"),
  );
  await sleep(300);
  const burst = { address: "127.0.0.1", port, rateBps: 20e6 };
  await sendCheckBurst({ ...burst, nonce: 70, count: 50 });
  await sendCheckBurst({ ...burst, nonce: 72, count: 120 });
  await sendCheckBurst({ ...burst, nonce: 73, count: 30 });
  await tell("statistics/rx_errors", "7\n");
  await sleep(100);
  assert.deepEqual(await ears.end(), {
    ...{ type: "heard", request: "r", received: [50, 0, 120], dropped: 0 },
    ...{ speedMbps: 100, duplex: "half", errors: 2, reason: null },
  });
});

test("a burst takes as long as its rate says, and tells at which it went where it was held up", async () => {
  const burst = { address: "127.0.0.1", port: 9, rateBps: 20e6, nonce: 1 };
  const from = performance.now();
  // 500 packets of 1494 bytes on the wire.
  const wentBps = await sendCheckBurst({ ...burst, count: 500 });
  const ms = performance.now() - from;
  assert(ms >= 295, `${ms} ms`);
  const bps = (500 * 1494 * 8000) / ms;
  assert(wentBps <= burst.rateBps && wentBps >= bps * 0.99, `${wentBps} of ${bps}`);
  const heldUp = sendCheckBurst({ ...burst, count: 100 });
  await sleep(10);
  for (const until = performance.now() + 300; performance.now() < until; );
  assert((await heldUp) < 6.5e6, "60 ms of sending, and 300 without a processor");
});

test("a PC without an address says so", async () => {
  const order = { type: "listen", request: "r", port: 7399, nonce: 1, steps: 2 } as const;
  const heard = await listen(order, ports(null)).end();
  assert.deepEqual([heard.received, heard.reason], [[0, 0], "it has no address"]);
});
