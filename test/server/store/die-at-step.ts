/**
 * Kills this process (SIGKILL) at the nth thing that it does to files or to SQLite: before it, after it,
 * or in the middle of a write. Has to be called before anything opens a file.
 */
import promises, { open, rm } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";

type Method = (...values: unknown[]) => unknown;

export async function dieAtStep(limit: number): Promise<void> {
  let step = 0;
  const die = (): void => {
    step++;
    if (step === limit) process.kill(process.pid, "SIGKILL");
  };
  const wrap = (owner: object, name: string): void => {
    const held = owner as Record<string, Method>;
    const original = held[name] as Method;
    held[name] = function (this: unknown, ...values: unknown[]) {
      die();
      const result = original.apply(this, values);
      if (!(result instanceof Promise)) {
        die();
        return result;
      }
      return result.then((value: unknown) => {
        die();
        return value;
      });
    };
  };
  for (const name of ["open", "rename", "unlink", "readdir", "rm", "mkdir"]) wrap(promises, name);
  const path = join(tmpdir(), `die-${process.pid}`);
  const handle = await open(path, "w");
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  await rm(path);
  const write = prototype.write as Method;
  prototype.write = function (
    this: unknown,
    data: Uint8Array,
    from: number,
    length: number,
    at: number,
  ) {
    // A torn record: half of it is there when the process dies.
    step++;
    if (step !== limit) return write.call(this, data, from, length, at);
    const half = write.call(this, data, from, Math.ceil(length / 2), at) as Promise<unknown>;
    return half.then(() => process.kill(process.pid, "SIGKILL"));
  };
  for (const name of ["writeFile", "sync", "datasync"]) wrap(prototype, name);
  wrap(DatabaseSync.prototype, "exec");
  wrap(StatementSync.prototype, "run");
  syncBuiltinESMExports();
}
