/** A capture in a process of its own: `alone`, its chunks go nowhere; `store`: to a server over HTTP. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { captureDisk } from "../../imaging/capture/capture.ts";
import { type CaptureUplink, httpUplink } from "../../imaging/capture/uplink.ts";
import { openDisk } from "../../imaging/disk/disk.ts";
import { pinnedTo } from "../tls.ts";
import type { Taken } from "./capture.ts";

const [end, path = "", store = ""] = process.argv.slice(2);
const { signal } = new AbortController();
let bytes = 0;

const nowhere: CaptureUplink = {
  known: async (hashes) => hashes.map(() => false),
  async chunks(chunks) {
    for (const { stored } of chunks) bytes += stored.length;
  },
  async index() {},
  commit: async () => ({ imageId: "0".repeat(16), name: "nowhere", version: 1 }),
};

const server =
  end === "store"
    ? spawn(process.execPath, [join(import.meta.dirname, "capture-store.ts"), store], {
        stdio: ["pipe", "pipe", "inherit"],
      })
    : null;
const lines = server === null ? null : createInterface({ input: server.stdout });
const [address = "", pin = ""] =
  lines === null ? [] : String((await once(lines, "line"))[0]).split(" ");

const startedAt = performance.now();
await using disk = await openDisk(path, { write: false });
await captureDisk({
  disk,
  source: "bench",
  raw: false,
  uplink:
    server === null
      ? nowhere
      : httpUplink({ server: pinnedTo(address, pin), task: "s1", grant: () => "", signal }),
  signal,
  progress() {},
  log: (text) => console.error(text),
});
const seconds = (performance.now() - startedAt) / 1000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
let cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
if (server !== null && lines !== null) {
  server.stdin.end();
  const said = JSON.parse(String((await once(lines, "line"))[0]));
  cpuSeconds += said.cpuSeconds;
  bytes = said.bytes;
}
const taken: Taken = { seconds, cpuSeconds, bytes, peakBytes: maxRSS * 1024 };
console.log(JSON.stringify(taken));
