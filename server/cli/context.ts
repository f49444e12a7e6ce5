import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { ApiClient } from "../api/client.ts";

/** What every command gets: the global options, a client, and a voice. */
export interface CliContext {
  readonly dataFolder: string;
  readonly json: boolean;
  readonly client: ApiClient;
  /** A line for people; silent with `--json`. */
  say(line: string): void;
  /** A JSON document, with `--json` only. */
  document(value: unknown): void;
  /**
   * Has the word typed that names what is destroyed, after showing `what`; answers at once with
   * `--yes`, and refuses where nobody can be asked.
   */
  confirm(what: readonly string[], word: string): Promise<void>;
}

/** The local socket of a server that runs on this data folder. */
export const socketPathOf = (dataFolder: string): string => join(dataFolder, "roomcast.sock");

export function contextFor(program: Command): CliContext {
  const options = program.opts<{ data: string; json: boolean; yes: boolean }>();
  const { data: dataFolder, json, yes } = options;
  return {
    dataFolder,
    json,
    client: new ApiClient(socketPathOf(dataFolder)),
    say: (line) => void (json || process.stdout.write(`${line}\n`)),
    document: (value) => void (json && process.stdout.write(`${JSON.stringify(value)}\n`)),
    async confirm(what, word) {
      if (yes) return;
      if (!process.stdin.isTTY || json) {
        throw new RoomcastError(
          "refused",
          `this destroys data (${word}), and there is no one to ask`,
          "run it in a terminal, or say --yes",
        );
      }
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      try {
        process.stderr.write(`${what.join("\n")}\n`);
        const said = await terminal.question(`Type ${word} to go on: `);
        if (said.trim() === word) return;
      } finally {
        terminal.close();
      }
      throw new RoomcastError(
        "refused",
        "not confirmed; nothing was changed",
        `type ${word} exactly`,
      );
    },
  };
}
