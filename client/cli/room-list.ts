/** `room import` and `room export`: a room's PCs as a list in CSV. */
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { RoomImport } from "../../core/wire/api.ts";
import { english } from "../../core/words/english.ts";
import type { RunCommand } from "./context.ts";

const path = (name: string, what: string): string => `/rooms/${encodeURIComponent(name)}/${what}`;

export function addListCommands(room: Command, run: RunCommand): void {
  room
    .command("import <R> <FILE>")
    .description(
      "names and places PCs by their MACs as a CSV file says (name, seat, mac, address, uuid, field:NAME): all of it, or nothing",
    )
    .action((name: string, file: string) =>
      run(async ({ client, say, document }) => {
        const csv = await utf8Of(file);
        const done = await client.post<RoomImport>(path(name, "import"), { csv });
        document(done);
        const of = (wanted: string): string[] =>
          done.pcs.filter(({ result }) => result === wanted).map((pc) => pc.name);
        const expected = of("expected");
        say(`${of("changed").length} changed, ${of("same").length} were so already`);
        if (expected.length > 0) {
          say(`expected, since their MACs are new here: ${expected.join(", ")}`);
          say("Boot them from the network, compare each code, then `roomcast pc admit PC`.");
        }
        return 0;
      }),
    );

  room
    .command("export <R> <FILE>")
    .description("writes a room's PCs to a CSV file, as `room import` takes it")
    .action((name: string, file: string) =>
      run(async ({ client, say, document }) => {
        const signal = new AbortController().signal;
        const csv = await client.bytes("GET", path(name, "export"), { signal });
        await writeFile(file, csv).catch((cause: unknown) => {
          const next = "name another file";
          throw new RoomcastError("bad-input", errorText(cause), next, { cause });
        });
        // The last line has an end, too.
        const pcs = csv.toString("utf8").split("\r\n").length - 2;
        document({ room: name, path: resolve(file), pcs });
        say(`${file}: ${english.t("line.pcs", { count: pcs })}`);
        return 0;
      }),
    );
}

/** The text of a file; throws `bad-input` for one that cannot be read, or is in another encoding. */
export async function utf8Of(file: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (cause) {
    const isOther = cause instanceof TypeError;
    const what = isOther ? `${file} is no text in UTF-8` : errorText(cause);
    const next = isOther ? "save it as UTF-8" : "check the file's name";
    throw new RoomcastError("bad-input", what, next, { cause });
  }
}
