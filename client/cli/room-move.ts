/** `room move`: an operator's word that the server of a room is off for good. */
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import type { CampusRoomView } from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { GlobalOptions } from "./context.ts";
import type { RunCommand } from "./program.ts";

export function addMoveCommand(program: Command, room: Command, run: RunCommand): void {
  room
    .command("move <R>")
    .description(
      "takes over a room of the campus whose server is off for good; --server is the name of the server that takes it, on which this is run",
    )
    .action((name: string) =>
      run(
        async ({ client, say, document, confirm }) => {
          const server = serverOf(program);
          const rooms = await client.get<CampusRoomView[]>("/campus/rooms");
          const owner = rooms.find((each) => isNamed(each, name) && each.owner !== server)?.owner;
          const of = owner === null || owner === undefined ? "" : ` of the server ${owner}`;
          await confirm(
            [
              `The room ${name}${of} will be the server ${server}'s.`,
              "If its server runs, and only cannot reach the campus's database, both will work with it.",
            ],
            name,
          );
          const path = `/rooms/${encodeURIComponent(name)}/move`;
          document(await client.post<RoomView>(path, { server }));
          say(`the room ${name} is the server ${server}'s now`);
          return 0;
        },
        { isLocal: true },
      ),
    );
}

/** The option that names a remote server everywhere else. */
function serverOf(program: Command): string {
  const { server } = program.opts<GlobalOptions>();
  if (server !== undefined) return server;
  throw new RoomcastError(
    "usage",
    "it is not said which server takes the room over",
    "name it with --server NAME, as `roomcast status` has it",
  );
}

const isNamed = (room: CampusRoomView, name: string): boolean =>
  foldedName(room.name) === foldedName(name);
