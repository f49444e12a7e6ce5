/** A room without screens: the real server and real agents, each in a network namespace, on disk files. */
import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream, openSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { ApiClient } from "../../client/api/client.ts";
import { assert } from "../../core/errors.ts";
import type { StatusView } from "../../core/wire/api.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import { openNetwork, type RoomNetwork, serverInterface } from "../room/network.ts";
import { inNamespace } from "../room/run.ts";
import { commandHere } from "./command-here.ts";

const main = join(import.meta.dirname, "..", "..", "bin", "roomcast.js");
export const program = [process.execPath, "--disable-warning=ExperimentalWarning", main];
export const mib = 1024 * 1024;

export interface Host {
  readonly name: string;
  readonly namespace: string;
  readonly mac: string;
  readonly disk: string;
  readonly log: string;
  /** Kills the agent without a word. */
  kill(): Promise<void>;
  /** Starts it (again). */
  start(): void;
  exitStatus(): Promise<number>;
}

export interface Answer {
  readonly status: number;
  /** The last JSON document. */
  readonly value: unknown;
  readonly stderr: string;
}

export interface HostRoom {
  readonly folder: string;
  readonly data: string;
  readonly network: RoomNetwork;
  readonly serverLog: string;
  /** What the server's environment has beside the test's own, from its next start on. */
  readonly serverEnv: Record<string, string>;
  /** The key of the server, once it is started. */
  pin(): string;
  startServer(...extra: string[]): Promise<void>;
  /** Answers when the process is gone. */
  endServer(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  addHost(number: number, diskBytes: number, ...extra: string[]): Promise<Host>;
  /** The same on a further wire of the network. */
  addHostOn(wire: number, number: number, diskBytes: number, ...extra: string[]): Promise<Host>;
  /** `roomcast --json --yes …`: its exit status and its last document. */
  roomcast(...words: string[]): Promise<Answer>;
  /** Waits until `accept` is happy with what `read` answers; throws with the last answer. */
  until<T>(read: () => Promise<T>, accept: (value: T) => boolean, seconds: number): Promise<T>;
  /** Asked of the API: it is asked ten times a second. */
  pcs(): Promise<PcView[]>;
  session(id: string): Promise<SessionView>;
  close(): Promise<void>;
}

/** Of each network its interface, address, trouble and DHCP mode. */
export const networkRows = ({ networks }: Pick<StatusView, "networks">) =>
  networks.map(({ interface: name, address, trouble, dhcp }) => [
    name,
    address,
    trouble,
    dhcp?.mode,
  ]);

/** Opens an empty room; its server is not started yet. */
export async function openHostRoom(): Promise<HostRoom> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-net-"));
  const network = await openNetwork();
  const data = join(folder, "data");
  await mkdir(data);
  const serverLog = join(folder, "server.log");
  const children: ChildProcess[] = [];
  const client = new ApiClient({ socketPath: join(data, "roomcast.sock") });
  let server: ChildProcess | undefined;

  const start = (
    namespace: string,
    words: readonly string[],
    log: string,
    env: Readonly<Record<string, string>> = {},
  ): ChildProcess => {
    const [command, ...args] = inNamespace(namespace, [
      ...["setpriv", "--pdeathsig", "KILL"],
      ...program,
      ...words,
    ]) as [string, ...string[]];
    const output = openSync(log, "a");
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", output, output],
    });
    children.push(child);
    return child;
  };

  const roomcast = async (...words: string[]): Promise<Answer> => {
    const all = ["--data", data, "--json", "--yes", ...words];
    const { status, stdout, stderr } = await commandHere(all);
    const last = stdout.split("\n").findLast((line) => /^[[{]/.test(line));
    return { status, value: last === undefined ? undefined : JSON.parse(last), stderr };
  };

  const until: HostRoom["until"] = async (read, accept, seconds) => {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const value = await read();
      if (accept(value)) return value;
      if (performance.now() > deadline) {
        throw new Error(`not within ${seconds} s: ${JSON.stringify(value)?.slice(0, 2000)}`);
      }
      await sleep(100);
    }
  };

  const room: HostRoom = {
    folder,
    data,
    network,
    serverLog,
    serverEnv: {},
    roomcast,
    until,
    pin: () => /^roomcast ready \S+ \S+ (sha256\S+)$/m.exec(readIfThere(serverLog))?.[1] ?? "",
    async startServer(...extra) {
      const before = readIfThere(serverLog).length;
      const words = ["--data", data, "serve", "--interface", serverInterface, "--dhcp", "off"];
      const all = [...words, ...extra];
      const child = start(network.serverNamespace, all, serverLog, room.serverEnv);
      server = child;
      await until(
        async () => readIfThere(serverLog).slice(before),
        (text) => {
          assert(child.exitCode === null, `the server ended: ${text}`);
          return /^roomcast ready/m.test(text);
        },
        // Three at once on two cores that have other work, too.
        240,
      );
    },
    async endServer(signal) {
      assert(server !== undefined, "a server runs");
      await end(server, signal);
    },
    addHost: (number, diskBytes, ...extra) => room.addHostOn(0, number, diskBytes, ...extra),
    async addHostOn(wire, number, diskBytes, ...extra) {
      const { namespace } = await network.addHost(number, wire);
      const name = `host${number}`;
      const disk = join(folder, `${name}.disk`);
      await using file = await open(disk, "w");
      await file.truncate(diskBytes);
      const mac = `52:54:00:00:01:${number.toString(16).padStart(2, "0")}`;
      const log = join(folder, `${name}.log`);
      const words = ["agent", "--server", `http://10.${77 + wire}.0.1:8080`, "--disk", disk];
      const identity = ["--mac", mac, "--name", name, "--interface", "eth0", "--headless"];
      let child: ChildProcess;
      const launch = (): void => {
        child = start(namespace, [...words, ...identity, ...extra], log);
      };
      launch();
      return {
        name,
        namespace,
        mac,
        disk,
        log,
        start: launch,
        kill: () => end(child, "SIGKILL"),
        exitStatus: () => exited(child),
      };
    },
    pcs: () => client.get<PcView[]>("/pcs"),
    session: (id) => client.get<SessionView>(`/sessions/${id}`),
    async close() {
      for (const child of children) child.kill("SIGKILL");
      network.remove();
      await Promise.all(children.map(exited));
      await rm(folder, { recursive: true, force: true });
    },
  };
  return room;
}

/** Fills a disk file with data that does not compress well, all of it determined by `seed`. */
export async function fillDisk(path: string, diskBytes: number, seed: number): Promise<void> {
  await using file = await open(path, "r+");
  let state = seed;
  for (let offset = 0; offset < diskBytes; offset += mib) {
    const words = new Uint32Array(Math.min(mib, diskBytes - offset) >> 2);
    for (let index = 0; index < words.length; index++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      // Half of each word repeats, so that the codec has something to do.
      words[index] = (state & 0xffff0000) | 0x4d43;
    }
    await file.write(new Uint8Array(words.buffer), 0, words.byteLength, offset);
  }
}

/** A checksum of the first `length` bytes of a file. */
export async function checksum(path: string, length?: number): Promise<number> {
  let sum = 0;
  const options = length === undefined ? {} : { end: length - 1 };
  for await (const part of createReadStream(path, { highWaterMark: mib, ...options })) {
    sum = crc32(part as Buffer, sum);
  }
  return sum;
}

const readIfThere = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

const exited = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode ?? -1);
    else child.once("exit", (code) => resolve(code ?? -1));
  });

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await exited(child);
}
