import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { printableLines } from "../../core/units/printable.ts";
import type { Locale } from "../../core/words/languages.ts";
import { ApiClient, type ServerPlace } from "../api/client.ts";
import { agentFor } from "../api/trust.ts";

/** What every command gets: the global options, a client, and ways to print. */
export interface CliContext {
  readonly dataFolder: string;
  /** For large temporary files: beside the images of a server on this machine. */
  readonly workFolder: string;
  readonly json: boolean;
  /** No colour, and no line that is drawn again. */
  readonly plain: boolean;
  readonly client: ApiClient;
  /** A line for people; silent with `--json`. */
  say(line: string): void;
  /** A JSON document, with `--json` only. */
  document(value: unknown): void;
  /**
   * Shows `what` and asks the user to type the word that names what will be destroyed. It returns at
   * once with `--yes`, and throws `refused` where there is no terminal to ask on.
   */
  confirm(what: readonly string[], word: string): Promise<void>;
  /**
   * Asks for something to choose, with what is suggested. It answers the suggestion at once with `--yes`, and
   * throws `refused` where there is no terminal, or nothing is suggested and nobody can be asked.
   */
  ask(question: string, suggested: string | null): Promise<string>;
}

/** How a command registers its work with the program. */
export type RunCommand = (
  action: (context: CliContext) => Promise<number>,
  options?: { readonly isLocal?: boolean },
) => Promise<void>;

/** What the environment says of the terminal that the client runs in. */
export interface ClientTerminal {
  /** As in TERM. */
  readonly term: string;
  readonly locale: Locale;
}

/** The local socket of a server that runs on this data folder. */
export const socketPathOf = (dataFolder: string): string => join(dataFolder, "roomcast.sock");

/** The global options, as they stand before a command's own. */
export interface GlobalOptions {
  readonly data: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly pin?: readonly string[];
  readonly ca?: string;
  readonly serverName?: string;
  readonly json: boolean;
  readonly yes: boolean;
  readonly plain: boolean;
}

/** Reads the token's and the certificate's file; throws `usage` and `bad-input`. */
async function placeOf({ data, server, tokenFile, pin, ca }: GlobalOptions): Promise<ServerPlace> {
  if (server === undefined) return { socketPath: socketPathOf(data) };
  const url = URL.canParse(server) ? new URL(server) : null;
  if (url?.protocol === "http:") {
    throw new RoomcastError(
      "usage",
      "an operator's token is not sent to an http address, where everybody can read it",
      "use the https address and the key that the server's ready line has: --server https://10.77.0.1:8443 --pin sha256:…",
    );
  }
  if (url?.protocol !== "https:") {
    throw new RoomcastError(
      "usage",
      `${server} is not the address of a server`,
      "write it like https://10.77.0.1:8443",
    );
  }
  if (pin !== undefined && ca !== undefined) {
    const next = "name the server's key with --pin, or who signed its certificate with --ca";
    throw new RoomcastError("usage", "--pin and --ca exclude each other", next);
  }
  if (tokenFile === undefined) {
    throw new RoomcastError(
      "usage",
      "a remote server requires an operator's token",
      "name the file that holds it with --token-file; an admin creates one with `roomcast operator add`",
    );
  }
  const token = (await readNamed(tokenFile, "--token-file")).trim();
  const trust =
    pin === undefined
      ? { ca: ca === undefined ? null : await readNamed(ca, "--ca") }
      : { pins: pin };
  return { url, token, agent: agentFor(url, trust) };
}

async function readNamed(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new RoomcastError("bad-input", errorText(cause), `check ${option}`, { cause });
  }
}

/** `isLocal`: the command is not a client; it reads `--server` itself if it needs it. */
export async function contextFor(program: Command, isLocal: boolean): Promise<CliContext> {
  const options = program.opts<GlobalOptions>();
  const { data: dataFolder, json, yes, plain, serverName = null } = options;
  if (isLocal && serverName !== null) {
    const next = "leave out --server-name";
    throw new RoomcastError("usage", "this command asks no other server of the campus", next);
  }
  const place = isLocal ? { socketPath: socketPathOf(dataFolder) } : await placeOf(options);
  return {
    dataFolder,
    workFolder:
      "socketPath" in place
        ? join(dataFolder, "fitting")
        : `/var/tmp/roomcast-${process.getuid?.()}`,
    json,
    plain,
    client: new ApiClient(place, serverName),
    say: (line) => void (json || process.stdout.write(`${printableLines(line)}\n`)),
    document: (value) => void (json && process.stdout.write(`${JSON.stringify(value)}\n`)),
    async confirm(what, word) {
      if (yes) return;
      if (!process.stdin.isTTY || json) {
        throw new RoomcastError(
          "refused",
          `this destroys data (${word}), and there is no terminal to confirm it on`,
          "run it in a terminal, or add --yes",
        );
      }
      process.stderr.write(`${printableLines(what.join("\n"))}\n`);
      if ((await answerTo(`Type ${word} to continue: `)) === word) return;
      throw new RoomcastError(
        "refused",
        "it was not confirmed, and nothing was changed",
        `type exactly ${word}`,
      );
    },
    async ask(question, suggested) {
      if (yes && suggested !== null) return suggested;
      if (yes || !process.stdin.isTTY || json) {
        throw new RoomcastError(
          "refused",
          `nobody can be asked: ${question}`,
          suggested === null ? "say it with an option" : "run it in a terminal, or add --yes",
        );
      }
      const given = await answerTo(`${question}${suggested === null ? "" : ` [${suggested}]`} `);
      return given === "" && suggested !== null ? suggested : given;
    },
  };
}

async function answerTo(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } catch (cause) {
    // Ctrl-C, or Ctrl-D.
    if (!(cause instanceof Error && cause.name === "AbortError")) throw cause;
    process.stderr.write("\n");
    const next = "run it again at any time";
    const what = "it was not confirmed, and nothing was changed";
    throw new RoomcastError("refused", what, next, { cause });
  } finally {
    terminal.close();
  }
}
