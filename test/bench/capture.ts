/**
 * `make bench-capture`: one partition, an ext4 with files of the host and junk in its free space, read
 * by roomcast, by partclone through zstd -1, and by dd through zstd -1, in turns in one run, each with
 * a cold page cache. roomcast twice: alone, and with a store that takes its chunks over HTTP on the
 * same machine, which checks each of them again. The fastest round of each counts. `--gib`, `--files-mib`, `--rounds`.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { makePartition } from "./capture-partition.ts";

export interface Taken {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly bytes: number;
  /** Of the largest process; null: not looked at. */
  readonly peakBytes: number | null;
}

const { values } = parseArgs({
  options: {
    gib: { type: "string", default: "4" },
    "files-mib": { type: "string", default: "1200" },
    rounds: { type: "string", default: "3" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "roomcast-bench-"));
const partition = join(folder, "partition");
const output = join(folder, "output");

/** A pipeline of the shell, with what its programs took. */
function pipeline(command: string): Taken {
  const script = `TIMEFORMAT='%R %U %S'; time { ${command}; } 2>/dev/null`;
  const said = execFileSync("bash", ["-c", `{ ${script}; } 2>&1`, "bash", partition, output], {
    encoding: "utf8",
  });
  const [seconds = 0, user = 0, system = 0] = said.trim().split(/\s+/).slice(-3).map(Number);
  return { seconds, cpuSeconds: user + system, bytes: statSync(output).size, peakBytes: null };
}

/** The capture in a process of its own; its last line is what it took. */
async function capture(end: "alone" | "store"): Promise<Taken> {
  const own = [join(import.meta.dirname, "capture-end.ts"), end, partition, join(folder, "store")];
  // As in the boot image (initrd/init/session).
  const env = {
    ...process.env,
    UV_THREADPOOL_SIZE: String(Math.min(18, availableParallelism() + 6)),
  };
  const child = spawn(process.execPath, own, { stdio: ["ignore", "pipe", "inherit"], env });
  let last = "";
  for await (const line of createInterface({ input: child.stdout })) last = line;
  return JSON.parse(last);
}

const ways: Record<string, () => Taken | Promise<Taken>> = {
  "roomcast, alone": () => capture("alone"),
  "roomcast, with its store": () => capture("store"),
  "partclone | zstd -1": () =>
    pipeline('partclone.extfs -q -c -s "$1" -L /dev/null -o - | zstd -1 -q -f -o "$2"'),
  "dd | zstd -1": () => pipeline('dd if="$1" bs=1M | zstd -1 -q -f -o "$2"'),
};

try {
  const filled = makePartition(folder, {
    path: partition,
    bytes: Number(values.gib) * 2 ** 30,
    filesBytes: Number(values["files-mib"]) * 2 ** 20,
    onJunk: true,
  });
  console.log(`ext4 of ${values.gib} GiB: ${(filled / 1e6).toFixed(0)} MB of files, the rest junk`);
  const taken: Record<string, Taken[]> = Object.fromEntries(
    Object.keys(ways).map((name) => [name, []]),
  );
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, run] of Object.entries(ways)) {
      rmSync(join(folder, "store"), { recursive: true, force: true });
      rmSync(output, { force: true });
      execFileSync("sync");
      writeFileSync("/proc/sys/vm/drop_caches", "3");
      taken[name]?.push(await run());
    }
  }
  const peer = fastest(taken["partclone | zstd -1"] ?? []);
  const head = ["", "seconds", "CPU s", "MB", "peak MB", "partclone's time over it"];
  const widths = [26, 9, 8, 8, 9, 0];
  const row = (cells: string[]) =>
    console.log(
      cells
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("")
        .trimEnd(),
    );
  row(head);
  for (const [name, runs] of Object.entries(taken)) {
    const { seconds, cpuSeconds, bytes, peakBytes } = fastest(runs);
    const peak = peakBytes === null ? "-" : (peakBytes / 1e6).toFixed(0);
    const ratio = (peer.seconds / seconds).toFixed(2);
    row([name, seconds.toFixed(1), cpuSeconds.toFixed(1), (bytes / 1e6).toFixed(0), peak, ratio]);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** What else the machine does makes a run slower, never faster. */
function fastest(runs: readonly Taken[]): Taken {
  return [...runs].sort((a, b) => a.seconds - b.seconds)[0] as Taken;
}
