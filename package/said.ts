import { spawnSync } from "node:child_process";
import { RoomcastError } from "../core/errors.ts";

/** What a program says on its standard output. Throws `failed` with its complaint. */
export function said(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: "utf8",
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C.UTF-8",
      ...env,
    },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  const why = error?.message ?? (stderr.trim() || `it ended with status ${status}`);
  throw new RoomcastError("failed", `${program}: ${why}`, "mend what it says, and start again");
}
