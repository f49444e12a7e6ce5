/** What PostgreSQL and the way to it say, as errors of roomcast. */
import { errorText, RoomcastError } from "../../core/errors.ts";

/** An SQLSTATE (PostgreSQL's manual, appendix A) and the words of the database. */
interface Answer extends Error {
  readonly code: string;
  readonly severity: string;
}

const isAnswer = (error: unknown): error is Answer =>
  error instanceof Error && "severity" in error && "code" in error;

/** The SQLSTATE that the database answered with, or null. */
export const sqlState = (error: unknown): string | null => (isAnswer(error) ? error.code : null);

/** SQLSTATEs that are looked for by name. */
export const state = {
  uniqueViolation: "23505",
  foreignKeyViolation: "23503",
} as const;

/** Of the connection, of shutting down and starting up, of who may connect: by their beginnings. */
const notReached = ["08", "57P", "28", "3D", "53300", "25006"];
/** What was ended since it took too long or stood in the way: a statement, a wait for a lock, a transaction in which nothing happened. */
const ended = ["57014", "55P03", "25P03", "40P01", "40001"];

/** `away`: the database was not reached, and why; else it answered with an error. Null: it is a bug. */
export function faultOf(
  shown: string,
  doing: string,
  cause: unknown,
): { readonly away: string | null; readonly error: RoomcastError } | null {
  if (cause instanceof RoomcastError)
    return { away: cause.code === "away" ? cause.message : null, error: cause };
  if (!isAnswer(cause)) {
    // Codes of Node, of TLS and of the library.
    const isOfTheWay = cause instanceof Error && "code" in cause && typeof cause.code === "string";
    if (!isOfTheWay) return null;
    const reason = reasonOf(cause);
    return { away: reason, error: away(shown, reason, cause) };
  }
  const { code, message } = cause;
  const begins = (starts: readonly string[]): boolean =>
    starts.some((start) => code.startsWith(start));
  if (begins(notReached)) return { away: message, error: away(shown, message, cause) };
  if (begins(ended)) return { away: null, error: away(shown, message, cause) };
  const what = `the campus's database at ${shown} (${doing}): ${message}`;
  if (code === "53100") {
    const next = "free some space on the disk of PostgreSQL";
    return { away: null, error: new RoomcastError("no-space", what, next, { cause }) };
  }
  if (code === "42501") {
    const next = "let roomcast's user own the database: ALTER DATABASE … OWNER TO …";
    return { away: null, error: new RoomcastError("refused", what, next, { cause }) };
  }
  const isTheirs = /^(53|58|F0|XX)/.test(code);
  if (!isTheirs) return null;
  const next = "see the log of PostgreSQL";
  return { away: null, error: new RoomcastError("failed", what, next, { cause }) };
}

/** Nothing came from it. Its code is one of the way to it. */
export const silent = (why: string): Error => Object.assign(new Error(why), { code: "SILENT" });

/** The database is not there, or does not answer. `reason`: in words. */
export const away = (shown: string, reason: string, cause?: unknown): RoomcastError =>
  new RoomcastError(
    "away",
    `the campus's database at ${shown} is away: ${reason}`,
    "see that PostgreSQL runs there and can be reached; nothing has to be done here when it is back",
    { cause },
  );

/** What the library that speaks to it says, in words. */
function reasonOf(cause: Error & { readonly code?: unknown }): string {
  switch (cause.code) {
    case "CONNECT_TIMEOUT":
      return "it does not answer";
    case "CONNECTION_CLOSED":
    case "CONNECTION_ENDED":
    case "CONNECTION_DESTROYED":
      return "the connection was closed";
    default:
      return errorText(cause) || String(cause.code);
  }
}
