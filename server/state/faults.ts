import { dirname } from "node:path";
import { RoomcastError } from "../../core/errors.ts";

/** sqlite.org/rescode.html; an extended code has the primary one in its low byte. */
const code = { busy: 5, readOnly: 8, corrupt: 11, full: 13, notADatabase: 26 } as const;

/** Every call of `store` with what SQLite says as a RoomcastError; any other error is a bug and stays as it is. */
export function withFaults<T extends object>(path: string, store: T): T {
  const wrapped = Object.entries(store).map(([name, call]) => [
    name,
    typeof call === "function"
      ? (...values: readonly unknown[]) => stateCall(path, name, () => call(...values))
      : withFaults(path, call),
  ]);
  return Object.fromEntries(wrapped) as T;
}

/** Does `work` on the file; throws, or rejects with, what SQLite says as a RoomcastError that names what was done. */
export function stateCall<T>(path: string, doing: string, work: () => T): T {
  const fault = (cause: unknown): never => {
    throw sqliteFault(path, doing, cause);
  };
  try {
    const result = work();
    return result instanceof Promise ? (result.catch(fault) as T) : result;
  } catch (cause) {
    return fault(cause);
  }
}

/** What SQLite says as a RoomcastError that names what was done; any other error as it is. */
export const sqliteFault = (path: string, doing: string, cause: unknown): unknown =>
  isSqliteError(cause) ? faultOf(path, doing, cause) : cause;

interface SqliteError extends Error {
  readonly errcode: number;
}

const isSqliteError = (error: unknown): error is SqliteError =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number";

function faultOf(path: string, doing: string, cause: SqliteError): RoomcastError {
  const what = `${path} (${doing}): ${cause.message}`;
  switch (cause.errcode & 0xff) {
    case code.full: {
      const next = `free some space on the disk of the data folder (\`df ${dirname(path)}\`), or delete images`;
      return new RoomcastError("no-space", `${what}: the disk is full`, next, { cause });
    }
    case code.busy: {
      const next = "end the other program that has the file open (`fuser`), then try again";
      return new RoomcastError("conflict", what, next, { cause });
    }
    case code.readOnly: {
      const next =
        "see that the data folder is the server's own and its disk is not mounted read only";
      return new RoomcastError("failed", what, next, { cause });
    }
    case code.corrupt:
    case code.notADatabase: {
      const next =
        "put back a copy of the file, or move it away: PCs and rooms are then registered anew";
      return new RoomcastError("bad-input", what, next, { cause });
    }
    default: {
      const next = "check the disk that holds the data folder (`dmesg`)";
      return new RoomcastError("failed", what, next, { cause });
    }
  }
}
