/** The cast's sender on an interface that cannot cut its super-packets: it goes on packet by packet. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { UdpSender } from "../../core/node/udp-sender.ts";
import { packetLimit } from "../../core/wire/cast.ts";
import { run } from "../room/run.ts";

/** Runs in a namespace of its own, whose loopback has this MTU. */
async function sendOver(mtu: number): Promise<{ before: boolean; after: boolean; sent: number }> {
  const namespace = `roomcast-segments-${process.pid}`;
  await run(["ip", "netns", "add", namespace]);
  try {
    await run(["ip", "link", "set", "lo", "up", "mtu", String(mtu), "multicast", "on"], {
      namespace,
    });
    await run(["ip", "route", "add", "224.0.0.0/4", "dev", "lo"], { namespace });
    const child = join(import.meta.dirname, "cast-segments-child.ts");
    const { stdout } = await run([process.execPath, child], { namespace });
    return JSON.parse(stdout);
  } finally {
    await run(["ip", "netns", "delete", namespace]);
  }
}

test("super-packets leave whole where the interface takes them", async () => {
  assert.deepEqual(await sendOver(1500), { before: true, after: true, sent: 20 });
});

test("where it takes none, the sender falls back to single packets while it runs", async () => {
  assert.deepEqual(await sendOver(1300), { before: true, after: false, sent: 20 });
});

test("a sender may be told not to try", () => {
  const place = { group: "239.77.1.9", port: 20_999, interfaceAddress: "127.0.0.1" };
  const sender = new UdpSender({ ...place, batchPackets: 4, packetLimit, mayKeepWhole: false });
  assert.equal(sender.isSegmenting, false);
  assert.equal(sender.send(0, 4, 1424), 4);
  sender.close();
});
