/** A TPM 2.0 in software (swtpm), as a chip beside a PC: its state is a folder and outlives it. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";

export interface Swtpm {
  stop(): Promise<void>;
}

/** So long it takes at most to open its socket. */
const startMs = 10_000;

/**
 * Starts one, powered on and started up (`commands`: whoever connects speaks to it), or as QEMU wants it
 * (`qemu`: QEMU powers it). It ends with this process, even by SIGKILL. The socket is a path of at most 107
 * characters.
 */
export async function startSwtpm(
  use: "commands" | "qemu",
  folder: string,
  socket: string,
): Promise<Swtpm> {
  mkdirSync(folder, { recursive: true });
  rmSync(socket, { force: true });
  const log = join(folder, "swtpm.log");
  const output = openSync(log, "w");
  const child = spawn(
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "swtpm", "socket", "--tpm2", "--tpmstate", `dir=${folder}`],
      ...(use === "qemu"
        ? ["--ctrl", `type=unixio,path=${socket}`]
        : ["--server", `type=unixio,path=${socket}`, "--flags", "not-need-init,startup-clear"]),
    ],
    { stdio: ["ignore", output, output] },
  );
  let isRunning = true;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      isRunning = false;
      resolve();
    };
    child.on("exit", end);
    child.on("error", end);
  });
  for (const deadline = performance.now() + startMs; !existsSync(socket); await sleep(20)) {
    if (isRunning && performance.now() < deadline) continue;
    child.kill("SIGKILL");
    throw new RoomcastError(
      "failed",
      `swtpm does not start: ${readFileSync(log, "utf8").trim()}`,
      "install swtpm, and mend what it says",
    );
  }
  return {
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** How QEMU is given one as the chip of a PC. */
export const qemuTpm = (socket: string): string[] => [
  ...["-chardev", `socket,id=tpm-control,path=${socket}`],
  ...["-tpmdev", "emulator,id=tpm0,chardev=tpm-control", "-device", "tpm-tis,tpmdev=tpm0"],
];

/** Sends a command to one that takes commands, and answers what it says. */
export function askSwtpm(socket: string, command: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const connection = connect(socket, () => connection.write(command));
  let said = Buffer.alloc(0);
  connection.on("data", (data: Buffer) => {
    said = Buffer.concat([said, data]);
    // Bytes 2 to 5 of an answer are its length.
    if (said.length < 6 || said.length < said.readUInt32BE(2)) return;
    connection.end();
  });
  connection.on("error", reject);
  // It speaks to one at a time, so that the next one waits for this.
  connection.on("close", () => resolve(Uint8Array.from(said)));
  return promise;
}
