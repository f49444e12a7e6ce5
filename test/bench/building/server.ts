/** The real server, in a process of its own on the loopback, and what it costs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../../client/api/client.ts";
import { freePort } from "../../free-port.ts";
import { ticksPerSecond } from "../machine.ts";

const main = join(import.meta.dirname, "..", "..", "..", "server", "main.ts");

export class BenchServer {
  readonly client: ApiClient;
  readonly port: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, client: ApiClient, port: number) {
    this.child = child;
    this.client = client;
    this.port = port;
  }

  /** `nodeOptions`: for Node itself, as in `--cpu-prof`. */
  static async start(folder: string, nodeOptions: readonly string[]): Promise<BenchServer> {
    const data = join(folder, "data");
    await mkdir(join(folder, "boot"), { recursive: true });
    await writeFile(join(folder, "config.toml"), `[boot]\nfolder = "${join(folder, "boot")}"\n`);
    const port = await freePort();
    const child = spawn(
      process.execPath,
      [
        ...[...nodeOptions, main, "--data", data, "serve", "--interface", "lo", "--dhcp", "off"],
        ...["--http-port", `${await freePort()}`, "--https-port", `${port}`],
        ...["--config", join(folder, "config.toml")],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        said = (said + text).slice(-20_000);
      });
    while (!/^roomcast ready /m.test(said)) {
      if (child.exitCode !== null) throw new Error(said);
      await sleep(50);
    }
    return new BenchServer(child, new ApiClient({ socketPath: join(data, "roomcast.sock") }), port);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Seconds of processor time so far. */
  cpuSeconds(): Promise<number> {
    return cpuSecondsOf(this.pid);
  }

  /** Seconds for which its own thread had a processor so far, and for which it waited for one: Documentation/scheduler/sched-stats.rst of Linux. */
  async threadSeconds(): Promise<{ readonly ran: number; readonly waited: number }> {
    const text = await readFile(`/proc/${this.pid}/task/${this.pid}/schedstat`, "utf8");
    const [ran = 0, waited = 0] = text.split(" ").map((nanoseconds) => Number(nanoseconds) / 1e9);
    return { ran, waited };
  }

  /** Now, and the most ever. */
  async memoryBytes(): Promise<{ readonly now: number; readonly most: number }> {
    const status = await readFile(`/proc/${this.pid}/status`, "utf8");
    const of = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
    return { now: of("VmRSS"), most: of("VmHWM") };
  }

  async end(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
  }
}

/** Seconds of processor time of a process so far. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // After the name, which may have blanks: utime and stime are fields 14 and 15 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
