import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { ApiClient, type ServerPlace } from "../api/client.ts";

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

/** The global options, as they stand before a command's own. */
export interface GlobalOptions {
  readonly data: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly json: boolean;
  readonly yes: boolean;
}

/** Reads the token's file; throws `usage` and `bad-input`. */
async function placeOf({ data, server, tokenFile }: GlobalOptions): Promise<ServerPlace> {
  if (server === undefined) return { socketPath: socketPathOf(data) };
  const url = URL.canParse(server) ? new URL(server) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new RoomcastError("usage", `${server} is no server address`, "as http://10.77.0.1:8080");
  }
  if (tokenFile === undefined) {
    throw new RoomcastError(
      "usage",
      "a server elsewhere wants an operator's token",
      "name the file it is in with --token-file; an admin makes one with `roomcast operator add`",
    );
  }
  try {
    return { url, token: (await readFile(tokenFile, "utf8")).trim() };
  } catch (cause) {
    const why = errorText(cause);
    throw new RoomcastError("bad-input", why, "check --token-file", { cause });
  }
}

/** `isLocal`: the command is no client; `--server`, if it has one, is its own affair. */
export async function contextFor(program: Command, isLocal: boolean): Promise<CliContext> {
  const options = program.opts<GlobalOptions>();
  const { data: dataFolder, json, yes } = options;
  const place = isLocal ? { socketPath: socketPathOf(dataFolder) } : await placeOf(options);
  return {
    dataFolder,
    json,
    client: new ApiClient(place),
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
