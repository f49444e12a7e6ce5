import type { Command } from "commander";
import type { RoomView } from "../../core/wire/views.ts";
import type { RunCommand } from "./program.ts";
import { table } from "./table.ts";

export function addRoomCommands(program: Command, run: RunCommand): void {
  const room = program.command("room").description("rooms: a name and its PCs");

  room.command("list").action(() =>
    run(async ({ client, say, document }) => {
      const rooms = await client.get<RoomView[]>("/rooms");
      document(rooms);
      say(
        table(
          ["ROOM", "PCS", "ONLINE", "SESSION"],
          rooms.map((each) => [
            each.name,
            String(each.pcs),
            String(each.online),
            each.session ?? "",
          ]),
        ),
      );
      return 0;
    }),
  );

  room.command("create <R>").action((name: string) =>
    run(async ({ client, document }) => {
      document(await client.post<RoomView>("/rooms", { name }));
      return 0;
    }),
  );

  room.command("delete <R>").action((name: string) =>
    run(async ({ client }) => {
      await client.delete(`/rooms/${encodeURIComponent(name)}`);
      return 0;
    }),
  );
}
