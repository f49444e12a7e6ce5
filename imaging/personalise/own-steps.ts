/** Scripts of the owner's own, run with the restored system's root mounted. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printableLines } from "../../core/units/printable.ts";
import type { OwnStep, Personal } from "../../core/wire/personal.ts";
import type { Root } from "./root.ts";
import type { DiskOptions } from "./system.ts";

/** In milliseconds: a script that installs packages takes minutes, one that hangs must not hold up a room. */
const scriptLimit = 5 * 60_000;
/** In characters; of what a script says beyond it the beginning is lost. */
const outputLimit = 256 * 1024;
/** Of its last lines, in characters: what `StepView.detail` holds, with some words before it. */
const detailLimit = 1800;

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Steps of the owner's own are called so, whatever system they ran in. */
export const ownStepName = ({ name }: OwnStep): string => `own step ${name}`;

/** Each is said; all are run, also after one that failed. */
export async function runOwnSteps(
  root: Root,
  { personal, mac, signal, said, log }: DiskOptions,
): Promise<void> {
  for (const step of personal.steps) {
    signal.throwIfAborted();
    const isInside = await hasShell(root);
    const facts = factsOf(personal, mac, isInside ? "/" : root.folder);
    const name = ownStepName(step);
    const [interpreter = ""] = interpreterOf(step.script);
    // A name that is too long for a file is none.
    const found = isInside ? root.find(interpreter).catch(() => null) : existsSync(interpreter);
    if (!(await found)) {
      const where = isInside ? "the system has" : "the system has no shell, and beside it there is";
      const named = printableLines(interpreter.slice(0, 255));
      const detail = `${where} no ${named}, which the script's first line names`;
      said({ name, result: "failed", detail, files: [] });
      continue;
    }
    const { status, output } = await runInRoot(root, step.script, { isInside, facts, signal });
    log(`${name}:\n${output}`);
    const how =
      status === 0 ? "" : status === null ? "took longer than 5 minutes" : `ended with ${status}`;
    const last = printableLines(output.trim()).slice(-detailLimit);
    said({
      name,
      result: status === 0 ? "done" : "failed",
      detail: [how, last].filter((part) => part !== "").join(": "),
      files: [],
    });
  }
}

function factsOf(personal: Personal, mac: string, root: string): Record<string, string> {
  const { name, room, seat, address, fields } = personal;
  const named = Object.entries(fields).map(([field, value]) => [
    `ROOMCAST_FIELD_${field.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`,
    value.replaceAll("\0", ""),
  ]);
  return {
    ...Object.fromEntries(named),
    ROOMCAST_ROOT: root,
    ROOMCAST_NAME: name,
    ROOMCAST_ROOM: room,
    ROOMCAST_SEAT: seat ?? "",
    ROOMCAST_ADDRESS: address.kind === "static" ? `${address.address}/${address.prefix}` : "",
    ROOMCAST_MAC: address.kind === "static" ? address.mac : mac,
  };
}

const hasShell = async (root: Root): Promise<boolean> =>
  (await root.find("/bin/sh")) !== null && (await root.find("/dev")) !== null;

/** execve(2): what the script's first line names, and all behind that as one argument; without such a line the shell. */
function interpreterOf(script: string): string[] {
  const [, interpreter = "/bin/sh", rest = ""] = /^#![ \t]*([^ \t\n]+)([^\n]*)/.exec(script) ?? [];
  const argument = rest.trim();
  return argument === "" ? [interpreter] : [interpreter, argument];
}

/**
 * $1: the script; $2: the root; $3, $4: its /dev and /proc, or nothing; then its interpreter. Mounts are this
 * process' own. The system gets the devices that scripts need, and none that is a disk. The shell stays, as the
 * first process of its namespace: with it ends whatever the script became or left, in whatever group of processes.
 */
const inside = `set -e
mount -t tmpfs -o mode=755 roomcast "$3"
for each in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "$3/\${each%:*}" c 1 "\${each#*:}"
done
[ -z "$4" ] || mount -t proc proc "$4"
cat "$1" > "$3/roomcast-step"
root=$2
shift 4
chroot "$root" "$@" /dev/roomcast-step
exit $?`;
const outside = `cd "$2" && script=$1 && shift 4 && "$@" "$script"
exit $?`;

interface RunOptions {
  /** In the system, by chroot; else beside it, with the root as the working directory. */
  readonly isInside: boolean;
  readonly facts: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** `status` is null when it took too long. Rejects as `signal` says. */
export async function runInRoot(
  root: Root,
  script: string,
  { isInside, facts, signal }: RunOptions,
): Promise<{ readonly status: number | null; readonly output: string }> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-step-"));
  try {
    const file = join(folder, "script");
    await writeFile(file, script, { mode: 0o600 });
    const [dev, proc] = [await root.find("/dev"), await root.find("/proc")];
    const places = [file, root.folder, dev ?? "", proc ?? ""];
    const words = [isInside ? inside : outside, "sh", ...places, ...interpreterOf(script)];
    const args = ["-m", "-p", "-f", "/bin/sh", "-c", ...words];
    const env = { PATH: path, LC_ALL: "C", HOME: "/root", ...facts };
    signal.throwIfAborted();
    const child = spawn("unshare", args, {
      ...{ env, detached: true },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let isLate = false;
    const end = (): void => {
      // Once it has ended by itself there is nobody left to be told.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, "SIGKILL");
    };
    const late = setTimeout(() => {
      isLate = true;
      end();
    }, scriptLimit);
    signal.addEventListener("abort", end);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        output = (output + text).slice(-outputLimit);
      });
    }
    const status = await new Promise<number>((resolve) => {
      child.on("error", (error) => {
        output += error.message;
        resolve(-1);
      });
      child.on("close", (code) => resolve(code ?? -1));
    });
    clearTimeout(late);
    signal.removeEventListener("abort", end);
    signal.throwIfAborted();
    return { status: isLate ? null : status, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
