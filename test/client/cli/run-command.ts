/** Runs a command of the command line without a server: what it asks for, and what it says before a word is typed. */
import type { ApiClient } from "../../../client/api/client.ts";
import type { GlobalOptions } from "../../../client/cli/context.ts";
import { plainTerminal, roomcastProgram } from "../../../client/cli/program.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { imageOf, pcOf } from "../console/fake-lab.ts";

export interface Ran {
  /** Calls that change something. */
  readonly calls: readonly (readonly [method: string, path: string, body: unknown])[];
  /** All calls: the server that is named, or nothing, and the path. */
  readonly asked: readonly string[];
  readonly said: readonly string[];
  /** What was shown before a word was asked for. */
  readonly shown: readonly string[];
  readonly error: Error | null;
  /** What is printed with `--json`. */
  readonly documents: readonly unknown[];
}

export const room = {
  ...{ name: "lab-1", pcs: 2, online: 2, session: null, settings: roomDefaults },
  ...{ pin: false, instructorPin: false, shutUntil: null, seats: [], walk: null },
};

/** Runs a command on a server that has `there`, by path. */
export async function ran(
  words: readonly string[],
  there: Record<string, unknown> = {},
): Promise<Ran> {
  const calls: [string, string, unknown][] = [];
  const asked: string[] = [];
  const said: string[] = [];
  const shown: string[] = [];
  const documents: unknown[] = [];
  const answers: Record<string, unknown> = {
    ...{ "/rooms": [room], "/rooms/lab-1": room, "/campus": null },
    ...there,
  };
  const call =
    (method: string, server: string | null) =>
    async (path: string, body?: unknown): Promise<unknown> => {
      asked.push(`${server ?? ""} ${path}`.trim());
      if (method !== "GET") calls.push([method, path, body]);
      const answer =
        path in answers ? answers[path] : { ...room, ...pcOf(1), ...imageOf(1), keys: [] };
      if (answer instanceof Error) throw answer;
      return answer;
    };
  const clientAt = (server: string | null): ApiClient =>
    ({
      ...{ server, at: clientAt, get: call("GET", server), post: call("POST", server) },
      ...{ patch: call("PATCH", server), delete: call("DELETE", server) },
      ...{ put: call("PUT", server), bytes: async () => Buffer.from("name,mac\r\n") },
    }) as unknown as ApiClient;
  let error: Error | null = null;
  const program = roomcastProgram(plainTerminal, "/nowhere", async (action) => {
    await action({
      ...{
        dataFolder: "/nowhere",
        workFolder: "/nowhere",
        json: false,
        plain: true,
        client: clientAt(program.opts<GlobalOptions>().serverName ?? null),
        document: (value: unknown) => void documents.push(value),
      },
      say: (line) => void said.push(line),
      async confirm(what) {
        shown.push(...what);
        if (program.opts<GlobalOptions>().yes) return;
        throw new Error("nobody types it");
      },
      async ask() {
        throw new Error("nobody answers");
      },
    });
  });
  await program.parseAsync(["node", "roomcast", ...words]).catch((thrown: Error) => {
    error = thrown;
  });
  return { calls, asked, said, shown, error, documents };
}
