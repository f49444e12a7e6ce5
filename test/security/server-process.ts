/** A server of its own process on the loopback, as strangers find it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.ts";

const main = join(import.meta.dirname, "..", "..", "server", "main.ts");

export interface ServerProcess {
  readonly pid: number;
  readonly folder: string;
  readonly url: string;
  readonly gateUrl: string;
  readonly pin: string;
  readonly socketPath: string;
  /** Its log. */
  said(): string;
  end(): Promise<void>;
}

/** `config`: more of the configuration, in TOML. `prepare`: makes the data folder, which is else not there yet. */
export async function startServer(
  config = "",
  prepare?: (data: string) => void,
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-strangers-"));
  const boot = join(folder, "boot");
  await mkdir(boot);
  await writeFile(join(folder, "config.toml"), `${config}\n[boot]\nfolder = "${boot}"\n`);
  const data = join(folder, "data");
  prepare?.(data);
  const child = spawn(process.execPath, [
    ...[main, "--data", data, "serve", "--interface", "lo", "--dhcp", "off"],
    ...["--http-port", `${await freePort()}`, "--https-port", `${await freePort()}`],
    ...["--config", join(folder, "config.toml")],
  ]);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => {
      said += text;
    });
  const ready = /^roomcast ready (http:\S+) (https:\S+) (sha256:\S+)$/m;
  while (!ready.test(said)) {
    assert.equal(child.exitCode, null, said);
    await sleep(50);
  }
  const [, url = "", gateUrl = "", pin = ""] = ready.exec(said) ?? [];
  return {
    ...{ pid: child.pid ?? 0, folder, url, gateUrl, pin },
    socketPath: join(data, "roomcast.sock"),
    said: () => said,
    async end() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
