/** Wake-on-LAN on an interface that has just lost its address. */
import assert from "node:assert/strict";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { test } from "node:test";
import { magicPacket, sendMagicPackets, sendMagicPacketsOn } from "../../../server/host/wake.ts";

test("a packet is six times 0xff and sixteen times the MAC", () => {
  const packet = magicPacket("52:54:00:00:00:0a");
  assert.equal(packet.toString("hex"), "ff".repeat(6) + "52540000000a".repeat(16));
});

test("an address that is gone is told, and does not end the process", async (context) => {
  // RFC 5737: nobody has this address.
  const gone = { family: "IPv4", address: "192.0.2.1", netmask: "255.255.255.0" };
  const here = { family: "IPv4", address: "127.0.0.1", netmask: "255.0.0.0" };
  const interfaces = () => ({ lab0: [gone], lo: [here] });
  context.mock.method(
    os,
    "networkInterfaces",
    interfaces as unknown as typeof os.networkInterfaces,
  );
  syncBuiltinESMExports();
  try {
    const warned: unknown[] = [];
    const wake = (...names: string[]) =>
      sendMagicPacketsOn(names, ["52:54:00:00:00:0a"], (error) => warned.push(error));
    await wake("lab0", "lo");
    assert.match(String(warned), /no magic packet could be sent on lab0/, "and lo had its own");
    await assert.rejects(wake("lab0"), { code: "failed" });
    await assert.rejects(sendMagicPackets({ interfaceName: "lab0", macs: ["52:54:00:00:00:0a"] }), {
      code: "failed",
      message: /no magic packet could be sent on lab0: .*EADDRNOTAVAIL/,
    });
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
});
