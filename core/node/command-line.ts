import { exitStatus, RoomcastError } from "../errors.ts";
import { printable } from "../units/printable.ts";

/** Where the server keeps everything, unless `--data` names another folder. */
export const dataFolder = (env: NodeJS.ProcessEnv): string =>
  env.ROOMCAST_DATA ?? "/var/lib/roomcast";

/**
 * Refuses a Node that is too old, and lets a reader that goes away (`| head`) end the program
 * quietly: what every program of roomcast does before anything else.
 */
export function prepareProcess(neededNode = 24): void {
  if (Number(process.versions.node.split(".")[0]) < neededNode) {
    process.stderr.write(
      `roomcast: this is Node ${process.versions.node}, and it needs ${neededNode}: run \`npm ci\`, then \`npx roomcast\`\n`,
    );
    process.exit(2);
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

/**
 * The exit status of a command line that ended with an error. The error goes to stderr in one line:
 * what, why, what to do next. Throws what is neither the user's error nor an expected one.
 */
export function exitStatusOf(error: unknown, showsStack: boolean): number {
  // commander has printed its own errors; asking for help or the version is none.
  if (isCommanderError(error)) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof RoomcastError)) throw error;
  process.stderr.write(`roomcast: ${printable(`${error.message}; ${error.next}`)}\n`);
  if (showsStack) process.stderr.write(`${error.stack ?? ""}\n`);
  return exitStatus(error.code);
}

const isCommanderError = (error: unknown): error is { exitCode: number } =>
  error instanceof Error &&
  "exitCode" in error &&
  "code" in error &&
  /^commander\./.test(String(error.code));
