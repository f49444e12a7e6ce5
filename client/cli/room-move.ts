/** `room move`: an operator's word that a server of the campus shall have a room. */
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import type { CampusRoomView, CampusStatus, MovedRoomView } from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import { english } from "../../core/words/english.ts";
import type { GlobalOptions, RunCommand } from "./context.ts";

export function addMoveCommand(program: Command, room: Command, run: RunCommand): void {
  room
    .command("move <R>")
    .description(
      "moves a room of the campus to another server, with its PCs, keys, seats, settings and schedules; --server is the name of the server that takes it, on which this is run",
    )
    .action((name: string) =>
      run(
        async ({ client, say, document, confirm }) => {
          const server = serverOf(program);
          const rooms = await client.get<CampusRoomView[]>("/campus/rooms");
          const found = rooms.find((each) => isNamed(each, name) && each.owner !== server);
          const { campus } = await client.get<{ readonly campus: CampusStatus | null }>("/status");
          await confirm(textOf(name, server, { found, campus }), name);
          const path = `/rooms/${encodeURIComponent(name)}/move`;
          const moved = await client.post<MovedRoomView>(path, { server });
          document(moved);
          for (const text of moved.move.notes) say(`note: ${text}`);
          say(cameText(moved, server));
          return 0;
        },
        { isLocal: true },
      ),
    );
}

/** What is about to be done, in sentences. */
function textOf(
  name: string,
  server: string,
  known: { readonly found: CampusRoomView | undefined; readonly campus: CampusStatus | null },
): string[] {
  const owner = known.found?.owner ?? null;
  const of = owner === null ? "" : ` of the server ${owner}`;
  const move = `The room ${name}${of} will be the server ${server}'s, with its PCs.`;
  const away = known.campus?.servers.find((each) => each.name === owner)?.away ?? null;
  if (owner === null || away === null) return [move];
  return [
    move,
    `Nothing was heard of ${owner} since ${away}: what comes along is as it told it last.`,
    `If ${owner} runs, and only cannot reach the campus's database, both will work with the room.`,
  ];
}

function cameText({ name, pcs, move }: MovedRoomView, server: string): string {
  const of = move.from === null || move.from === server ? "" : `, from the server ${move.from}`;
  const as = move.told === null ? "" : `, as of ${move.told}`;
  const count = english.t("line.pcs", { count: pcs });
  return `the room ${name} is the server ${server}'s now${of}: ${count}${as}`;
}

/** The option that names a remote server everywhere else. */
function serverOf(program: Command): string {
  const { server } = program.opts<GlobalOptions>();
  if (server !== undefined) return server;
  throw new RoomcastError(
    "usage",
    "it is not said which server takes the room",
    "name it with --server NAME, as `roomcast status` has it",
  );
}

const isNamed = (room: CampusRoomView, name: string): boolean =>
  foldedName(room.name) === foldedName(name);
