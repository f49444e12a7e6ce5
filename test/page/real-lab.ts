/** The real server with real agents on disk files, all on the loopback and without root. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensurePage } from "../../client/page/build.ts";
import { assert } from "../../core/errors.ts";
import { freePort } from "../free-port.ts";
import { fillDisk, mib, program } from "../net/hosts.ts";
import { pinnedTo } from "../tls.ts";

export interface RealLab {
  /** Where the page is. */
  readonly url: string;
  /** An admin's. */
  readonly token: string;
  /** A call of the API, as an admin. */
  call<T>(method: string, path: string, body?: object): Promise<T>;
  /** The same, as the text that comes back. */
  text(method: string, path: string, body?: object): Promise<string>;
  /** Waits until this is so of what a path answers. */
  until<T>(path: string, accept: (value: T) => boolean): Promise<T>;
  /** The file that is the disk of `addPc`'s PC. */
  diskOf(pc: string): string;
  /** A PC with a disk that is filled with this seed's data; 0: with nothing. */
  addPc(number: number, seed: number): Promise<string>;
  /** An admin's token. */
  addOperator(name: string): Promise<string>;
  startServer(): Promise<void>;
  /** Without a word. */
  killServer(): Promise<void>;
  close(): Promise<void>;
}

const diskBytes = 24 * mib;
/** Milliseconds for whatever is waited for, on a machine that does other things too. */
const limitMs = 60_000;

export async function openRealLab(): Promise<RealLab> {
  await ensurePage();
  const folder = await mkdtemp(join(tmpdir(), "roomcast-page-"));
  const data = join(folder, "data");
  await mkdir(data);
  await mkdir(join(folder, "boot"));
  const config = join(folder, "config.toml");
  await writeFile(config, `[boot]\nfolder = "${join(folder, "boot")}"\n`);
  const [http, https] = [await freePort(), await freePort()];
  const children: ChildProcess[] = [];
  let process: ChildProcess | undefined;
  let server = pinnedTo("https://127.0.0.1", "");

  const start = (...words: string[]): ChildProcess => {
    const [command = "", ...args] = ["setpriv", "--pdeathsig", "KILL", ...program, ...words];
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    child.stderr?.resume();
    return child;
  };
  /** The token is made on the local socket, as on a first day. */
  const addOperator = async (name: string): Promise<string> => {
    const child = start("--data", data, "--json", "operator", "add", name, "--role", "admin");
    let text = "";
    child.stdout?.on("data", (part) => (text += part));
    await once(child, "close");
    return (JSON.parse(text) as { token: string }).token;
  };
  const text: RealLab["text"] = async (method, path, body) => {
    const headers = {
      authorization: `Bearer ${lab.token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const answer = await server.fetch(`/api/v1${path}`, {
      ...{ method, headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = await answer.text();
    assert(answer.ok, `${method} ${path}: ${said}`);
    return said;
  };
  const call: RealLab["call"] = async (method, path, body) => {
    const said = await text(method, path, body);
    return said === "" ? undefined : JSON.parse(said);
  };
  const lab: RealLab = {
    url: `https://127.0.0.1:${https}/`,
    token: "",
    ...{ call, text, addOperator },
    async until(path, accept) {
      for (const deadline = performance.now() + limitMs; ; await sleep(100)) {
        const value = await call<Parameters<typeof accept>[0]>("GET", path);
        if (accept(value)) return value;
        assert(performance.now() < deadline, `${path} stays ${JSON.stringify(value)}`);
      }
    },
    async startServer() {
      const words = ["serve", "--interface", "lo", "--dhcp", "off", "--config", config];
      const ports = ["--http-port", String(http), "--https-port", String(https)];
      const child = start("--data", data, ...words, ...ports);
      process = child;
      let said = "";
      child.stdout?.on("data", (text) => (said += text));
      while (!/^roomcast ready/m.test(said)) {
        assert(child.exitCode === null, `the server ended: ${said}`);
        await sleep(50);
      }
      const [, gate = "", pin = ""] = /(https:\S+) (sha256:\S+)$/m.exec(said) ?? [];
      await server.close();
      server = pinnedTo(gate, pin);
    },
    async killServer() {
      assert(process !== undefined, "a server runs");
      const gone = once(process, "exit");
      process.kill("SIGKILL");
      await gone;
    },
    diskOf: (pc) => join(folder, `${pc}.disk`),
    async addPc(number, seed) {
      const name = `pc${number}`;
      const disk = lab.diskOf(name);
      await using file = await open(disk, "w");
      await file.truncate(diskBytes);
      if (seed !== 0) await fillDisk(disk, diskBytes, seed);
      const mac = `52:54:00:00:02:${number.toString(16).padStart(2, "0")}`;
      const agent = [
        "agent",
        "--server",
        `http://127.0.0.1:${http}`,
        "--disk",
        disk,
        "--headless",
        "--shell",
      ];
      const identity = ["--mac", mac, "--name", name, "--interface", "lo"];
      start(...agent, ...identity, "--key", join(folder, `${name}.key`)).stdout?.resume();
      return name;
    },
    async close() {
      await server.close();
      const gone = children
        .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
        .map((child) => once(child, "exit"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(gone);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await lab.startServer();
  return Object.assign(lab, { token: await addOperator("ann") });
}
