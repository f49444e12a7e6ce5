import { readFile } from "node:fs/promises";
import { createInterface, type Interface } from "node:readline/promises";
import { Writable } from "node:stream";
import { errorText, RoomcastError } from "../../core/errors.ts";

/** The password in the file, whose last line may have an end. Throws `bad-input`. */
export async function passwordIn(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new RoomcastError("bad-input", errorText(cause), "check --password-file", { cause });
  }
}

/** Asks for it twice on the terminal, which shows nothing of it. Throws `refused` without a terminal, `usage` for two that differ. */
export async function askPassword(name: string): Promise<string> {
  if (!process.stdin.isTTY) {
    const next = "run it in a terminal, or name a file that has it with --password-file";
    throw new RoomcastError("refused", "there is no terminal to ask for the password on", next);
  }
  // With a terminal that echoes nothing, readline echoes to its output, and this one goes nowhere.
  const output = new Writable({ write: (_text, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  try {
    const first = await ask(terminal, `Password for ${name}: `);
    if (first === (await ask(terminal, "The same again: "))) return first;
  } finally {
    terminal.close();
  }
  throw new RoomcastError("usage", "the two passwords differ", "type the same one twice");
}

async function ask(terminal: Interface, question: string): Promise<string> {
  process.stderr.write(question);
  const interrupted = new AbortController();
  terminal.once("SIGINT", () => interrupted.abort());
  try {
    return await terminal.question("", { signal: interrupted.signal });
  } catch (cause) {
    const next = "run it again at any time";
    throw new RoomcastError("cancelled", "no password was set", next, { cause });
  } finally {
    process.stderr.write("\n");
  }
}
