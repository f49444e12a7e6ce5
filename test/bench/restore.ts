/**
 * `make bench-restore`: what a PC makes of the chunks that it has received. They lie in memory, the disk is a file in
 * tmpfs: network and disk are left out, and what is left is inflating, hashing and writing. `delta`: what is on the disk
 * is hashed. Once as the processor is, and once without its SHA instructions, which PCs from before 2017 do not have. The
 * round that took the least processor time counts. `--mib`, `--rounds`.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { lineIn } from "./columns.ts";

export interface Worked {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of that, in the main thread. */
  readonly mainSeconds: number;
  readonly chunks: number;
  readonly storedBytes: number;
  /** Of the process, without the chunks. */
  readonly peakBytes: number;
}

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "512" },
    rounds: { type: "string", default: "3" },
  },
});
const folder = mkdtempSync("/dev/shm/roomcast-bench-");
const payload = join(folder, "payload");
const target = join(folder, "target");

/** openssl(3), OPENSSL_ia32cap: bit 29 of the second word is SHA. */
const processors = { "": "", "no SHA": ":~0x20000000" };
const ways = ["written", "read-back", "delta"];

const columns = [
  ["way", 18],
  ["disk MiB/s", 10],
  ["stored Mbit/s", 13],
  ["a core MiB/s", 12],
  ["stored Mbit/s", 13],
  ["main ms/chunk", 13],
  ["its bound Mbit/s", 16],
  ["peak MB", 7],
] as const;
const line = lineIn(columns);

function work(way: string, processor: string): Worked {
  const env = {
    ...process.env,
    // As in the boot image (initrd/init/session).
    UV_THREADPOOL_SIZE: String(Math.min(18, availableParallelism() + 6)),
    ...(processor === "" ? {} : { OPENSSL_ia32cap: processor }),
  };
  const own = [join(import.meta.dirname, "restore-end.ts"), way, payload, target];
  const said = execFileSync(process.execPath, own, { encoding: "utf8", env });
  return JSON.parse(said.trim().split("\n").at(-1) as string);
}

function rowOf(name: string, worked: Worked): string {
  const { seconds, cpuSeconds, mainSeconds, chunks, storedBytes, peakBytes } = worked;
  const isDelta = name.startsWith("delta");
  const mbit = (over: number): string =>
    isDelta ? "-" : ((storedBytes * 8) / over / 1e6).toFixed(0);
  return line([
    name,
    ...[(chunks / seconds).toFixed(0), mbit(seconds)],
    ...[(chunks / cpuSeconds).toFixed(0), mbit(cpuSeconds)],
    ...[((mainSeconds * 1000) / chunks).toFixed(3), mbit(mainSeconds)],
    (peakBytes / 1e6).toFixed(0),
  ]);
}

try {
  const command = `tar -C /usr -cf - lib bin 2>/dev/null | head -c ${values.mib}M >"$1"`;
  execFileSync("bash", ["-c", command, "bash", payload]);
  const taken = new Map<string, Worked[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [said, processor] of Object.entries(processors)) {
      for (const way of ways) {
        const name = said === "" ? way : `${way}, ${said}`;
        taken.set(name, [...(taken.get(name) ?? []), work(way, processor)]);
      }
    }
  }
  const least = (runs: readonly Worked[]): Worked =>
    [...runs].sort((one, other) => one.cpuSeconds - other.cpuSeconds)[0] as Worked;
  const { storedBytes } = (taken.get("written") as Worked[])[0] as Worked;
  const ratio = (storedBytes / statSync(payload).size).toFixed(2);
  console.log(
    `${availableParallelism()} cores; ${values.mib} MiB of /usr, stored as ${ratio} of it by zstd 1`,
  );
  console.log(line(columns.map(([name]) => name)));
  for (const [name, runs] of taken) console.log(rowOf(name, least(runs)));
} finally {
  rmSync(folder, { recursive: true });
}
