/** The real lab server in the room's server namespace, and the real command line that drives it. */
import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../client/api/client.ts";
import { serverArguments } from "../../core/boot/boot-menu.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import { type RoomNetwork, serverInterface } from "./network.ts";
import { inNamespace, run } from "./run.ts";

export const repository = join(import.meta.dirname, "..", "..");
const main = join(repository, "bin", "roomcast.js");

export interface CommandOutcome<T> {
  /** Exit status of the command. */
  readonly status: number;
  /** The last JSON document that it printed; undefined when there was none. */
  readonly value: T | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Lab {
  /** Of the boot files. */
  readonly url: string;
  /** Of agents and operators, and its key. */
  readonly gateUrl: string;
  readonly pin: string;
  readonly dataFolder: string;
  /** What the server said, on both streams. */
  readonly log: string;
  /**
   * Runs `roomcast --json --yes …` on the server's data folder and answers its last document. Rejects
   * when it exits otherwise than 0.
   */
  command<T>(...args: string[]): Promise<T>;
  /** The same, and answers all that it printed. */
  text(...args: string[]): Promise<string>;
  /** The same for commands that wait: hears each event, and takes any exit status. */
  watch(
    args: readonly string[],
    onEvent: (event: SessionView) => void,
  ): Promise<CommandOutcome<SessionView>>;
  /**
   * Waits until every one of the PCs (by MAC) is in one of the states. Rejects at once when the server
   * dies, and at the deadline with what was seen of each.
   */
  waitForPcs(
    macs: readonly string[],
    states: readonly PcView["state"][],
    timeoutMs: number,
  ): Promise<PcView[]>;
  stop(): Promise<void>;
}

export interface LabOptions {
  /** As `serve --dhcp` takes it. */
  readonly dhcp?: string;
  /** The configuration, in TOML. */
  readonly config?: string;
}

/** Starts the server on the room's wire; resolves once it says that it is ready. */
export async function startLab(
  network: RoomNetwork,
  folders: { readonly data: string; readonly log: string },
  { dhcp = "server", config }: LabOptions = {},
): Promise<Lab> {
  await mkdir(folders.data, { recursive: true });
  const configFile = join(folders.data, "config.toml");
  if (config !== undefined) await writeFile(configFile, config);
  const serve = [
    "--data",
    folders.data,
    "serve",
    "--interface",
    serverInterface,
    "--dhcp",
    dhcp,
    ...(config === undefined ? [] : ["--config", configFile]),
  ];
  const [program, ...args] = inNamespace(network.serverNamespace, [
    ...["setpriv", "--pdeathsig", "KILL"],
    ...[process.execPath, "--disable-warning=ExperimentalWarning", main, ...serve],
  ]) as [string, ...string[]];
  const output = openSync(folders.log, "a");
  const child = spawn(program, args, { stdio: ["ignore", output, output] });
  child.on("error", () => {}); // shows as an exit
  let isRunning = true;
  const ended = new Promise<void>((resolve) => {
    child.on("close", () => {
      isRunning = false;
      resolve();
    });
  });
  const assertRunning = (): void => {
    if (isRunning) return;
    const tail = readFileSync(folders.log, "utf8").trim().split("\n").slice(-8).join("\n");
    throw new RoomcastError("failed", `the server has ended: ${tail}`, `read ${folders.log}`);
  };
  const { url, gateUrl, pin } = await readyLine(folders.log, assertRunning);
  const roomcast = async (
    words: readonly string[],
    accept: readonly number[],
    onEvent: (event: SessionView) => void,
  ): Promise<CommandOutcome<unknown>> => {
    let value: unknown;
    const command = [process.execPath, "--disable-warning=ExperimentalWarning", main];
    const result = await run([...command, "--data", folders.data, "--json", "--yes", ...words], {
      accept,
      onLine(line) {
        if (!/^[[{]/.test(line)) return;
        value = JSON.parse(line);
        onEvent(value as SessionView);
      },
    });
    return { ...result, value };
  };

  const client = new ApiClient({ socketPath: join(folders.data, "roomcast.sock") });
  const command = async <T>(...words: string[]): Promise<T> =>
    (await roomcast(words, [0], () => {})).value as T;

  return {
    ...{ url, gateUrl, pin },
    dataFolder: folders.data,
    log: folders.log,
    command,
    text: async (...words) => (await roomcast(words, [0], () => {})).stdout,
    watch: (words, onEvent) =>
      roomcast(words, [0, 1, 2, 3, 4, 5], onEvent) as Promise<CommandOutcome<SessionView>>,
    async waitForPcs(macs, states, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        assertRunning();
        const pcs = await client.get<PcView[]>("/pcs");
        const found = macs.map((mac) => pcs.find((pc) => pc.mac === mac));
        if (found.every((pc) => pc !== undefined && states.includes(pc.state)))
          return found as PcView[];
        if (performance.now() > deadline) {
          const seen = macs.map((mac, index) => `${mac} ${found[index]?.state ?? "never seen"}`);
          throw new RoomcastError(
            "failed",
            `after ${Math.round(timeoutMs / 1000)} s not every PC is ${states.join(" or ")}: ${seen.join(", ")}`,
            "read the PCs' serial logs",
          );
        }
        await sleep(200);
      }
    },
    async stop() {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(killer);
    },
  };
}

async function readyLine(
  log: string,
  assertRunning: () => void,
): Promise<Pick<Lab, "url" | "gateUrl" | "pin">> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const said = /^roomcast ready (http\S+) (https\S+) (sha256\S+)$/m.exec(
      readFileSync(log, "utf8"),
    );
    const [, url, gateUrl, pin] = said ?? [];
    if (url !== undefined && gateUrl !== undefined && pin !== undefined)
      return { url, gateUrl, pin };
    assertRunning();
    await sleep(200);
  }
  throw new RoomcastError("failed", "the server is not ready after 60 s", `read ${log}`);
}

/** For a PC whose kernel is started straight away, as its boot loader would. */
export const bootLine = (
  { url: serverUrl, gateUrl, pin }: Pick<Lab, "url" | "gateUrl" | "pin">,
  mac: string,
): string =>
  [
    ...serverArguments({ serverUrl, gate: { url: gateUrl, pins: [pin] } }),
    `BOOTIF=01-${mac.replaceAll(":", "-")}`,
    "quiet",
  ].join(" ");
