/** Runs a command line in this process: what a start of Node and the program's modules take is not paid each time. */
import { AsyncLocalStorage } from "node:async_hooks";
import { runCommandLine } from "../../client/cli/program.ts";
import type { RunResult } from "../room/run.ts";

const writtenBy = new AsyncLocalStorage<{ stdout: string; stderr: string }>();

// Several commands can run at once: each has what its own calls write.
for (const name of ["stdout", "stderr"] as const) {
  const stream = process[name];
  const write = stream.write.bind(stream);
  stream.write = ((...words: Parameters<typeof write>) => {
    const written = writtenBy.getStore();
    if (written === undefined) return write(...words);
    const [text] = words;
    written[name] += typeof text === "string" ? text : Buffer.from(text).toString();
    return true;
  }) as typeof stream.write;
}

/** `words` are what follows `roomcast`. */
export async function commandHere(words: readonly string[]): Promise<RunResult> {
  const written = { stdout: "", stderr: "" };
  const argv = [process.execPath, "roomcast", ...words];
  const status = await writtenBy.run(written, () => runCommandLine(argv, process.env));
  return { status, ...written };
}
