import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { durationText } from "../../core/screen/format.ts";
import { table } from "../../core/screen/table.ts";
import type { RequestView } from "../../core/wire/trust.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { RunCommand } from "./context.ts";

const path = (id: string): string => `/requests/${encodeURIComponent(id)}`;

export function addRequestCommands(program: Command, run: RunCommand): void {
  const request = program
    .command("request")
    .description("answers what people at PCs ask for and no PIN allows");

  request
    .command("list")
    .description("lists what waits for an answer, oldest first")
    .action(() =>
      run(async ({ client, say, document }) => {
        const all = await client.get<RequestView[]>("/requests");
        document(all);
        say(
          table(
            ["ID", "PC", "ROOM", "AGE", "ASKS TO"],
            all.map(({ id, name, room, askedAt, what }) => [
              ...[id, name, room],
              durationText((Date.now() - Date.parse(askedAt)) / 1000),
              what,
            ]),
          ),
        );
        return 0;
      }),
    );

  request
    .command("yes <ID>")
    .description("says yes: it is done once, as it was shown, and nothing else is allowed by it")
    .action((id: string) =>
      run(async ({ client, say, document, confirm }) => {
        const found = (await client.get<RequestView[]>("/requests")).find((each) => each.id === id);
        if (found === undefined) {
          const next = "see `roomcast request list`";
          throw new RoomcastError("not-found", `no request ${JSON.stringify(id)} waits`, next);
        }
        const { name, what, word, overwrites } = found;
        if (word !== null) {
          const lines = ["These disks will be overwritten:", ...overwrites];
          await confirm([`${name} asks to ${what}.`, ...lines], word);
        }
        const body = word === null ? {} : { overwrite: word };
        const session = await client.post<SessionView>(`${path(id)}/yes`, body);
        document(session);
        say(`${name}: ${what}: session ${session.id}`);
        return 0;
      }),
    );

  request
    .command("no <ID>")
    .description("says no: nothing happens, and the PC's screen says so")
    .action((id: string) =>
      run(async ({ client, say, document }) => {
        await client.post(`${path(id)}/no`);
        document({ request: id, answer: "no" });
        say(`${id}: no`);
        return 0;
      }),
    );
}
