/** The service that the package installs, as systemd has it. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { RoomcastError } from "../../core/errors.ts";

export const unit = "roomcast.service";
const execute = promisify(execFile);
const unitPlaces = ["/lib/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system"];

/** Throws `refused` on a host that has no such service. */
export function requireService(): void {
  const isInstalled = unitPlaces.some((place) => existsSync(`${place}/${unit}`));
  if (existsSync("/run/systemd/system") && isInstalled) return;
  throw new RoomcastError(
    "refused",
    isInstalled ? "systemd does not run on this host" : `${unit} is not installed on this host`,
    "install the package roomcast on a Debian with systemd, or start the server yourself: roomcast serve --interface IF",
  );
}

/** Starts it now and at every start of the host; resolves when it serves. Rejects with `failed` and its last words. */
export async function startService(): Promise<void> {
  await systemctl("enable", unit);
  // Also where it runs already: it has a new configuration.
  await systemctl("restart", unit).catch(async (cause: RoomcastError) => {
    const why = (await lastWords()) ?? cause.message;
    throw new RoomcastError(
      "failed",
      `the service does not start: ${why}`,
      `see \`journalctl -u ${unit}\`, mend what it says, and run \`roomcast setup\` again`,
      { cause },
    );
  });
}

async function systemctl(...words: readonly string[]): Promise<void> {
  try {
    await execute("systemctl", ["--quiet", ...words]);
  } catch (cause) {
    const { stderr = "" } = cause as { stderr?: string };
    const why = stderr.trim().split("\n")[0] || (cause as Error).message;
    const next = "run it as root, and see `systemctl status`";
    throw new RoomcastError("failed", `systemctl ${words.join(" ")}: ${why}`, next, { cause });
  }
}

/** The error with which the server ended, or null. */
async function lastWords(): Promise<string | null> {
  const words = ["-u", unit, "-n", "50", "--output=cat", "--no-pager"];
  const said = await execute("journalctl", words).catch(() => ({ stdout: "" }));
  const lines = said.stdout.split("\n").filter((line) => line.startsWith("roomcast: "));
  return lines.at(-1)?.slice("roomcast: ".length) ?? null;
}
