import { type Command, InvalidArgumentError } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { table } from "../../core/screen/table.ts";
import { seatGrid } from "../../core/session/seats.ts";
import type { WakeReport, WallLink } from "../../core/wire/api.ts";
import type { CampusRoomView } from "../../core/wire/campus.ts";
import type { RoomView, Seat } from "../../core/wire/rooms.ts";
import type { PcView } from "../../core/wire/views.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { sayLost, withDryRun } from "./dry-run.ts";
import { addListCommands } from "./room-list.ts";
import { addMoveCommand } from "./room-move.ts";
import { atServerOf } from "./room-server.ts";
import { addSettingOptions, changeOf, settingLines, warningLines } from "./room-settings.ts";
import { secondsUpTo } from "./seconds.ts";

const path = (name: string): string => `/rooms/${encodeURIComponent(name)}`;

export function addRoomCommands(program: Command, run: RunCommand): void {
  const runFor = atRooms(run);
  const room = program
    .command("room")
    .description("manages rooms: a name, its PCs and their seats");

  room
    .command("list")
    .description("lists the rooms, those of the other servers of the campus too")
    .action(() =>
      run(async ({ client, say, document }) => {
        const rooms = await client.get<CampusRoomView[]>("/campus/rooms");
        document(rooms);
        const hasCampus = rooms.some(({ server }) => server !== null);
        say(
          table(
            ["ROOM", ...(hasCampus ? ["SERVER"] : []), "PCS", "ONLINE", "SEATS", "SESSION"],
            rooms.map((each) => [
              each.name,
              ...(hasCampus ? [serverText(each)] : []),
              String(each.pcs),
              String(each.online),
              String(each.seats.length),
              sessionText(each),
            ]),
          ),
        );
        return 0;
      }),
    );

  room
    .command("show <R>")
    .description("shows a room and its settings")
    .action((name: string) =>
      runFor(name, async ({ client, say, document }) => {
        const found = await client.get<RoomView>(path(name));
        document(found);
        say(`${found.name}: ${found.online} of ${found.pcs} PCs online, ${seatsText(found)}`);
        for (const line of settingLines(found)) say(line);
        if (found.shutUntil !== null) say(shutText(found.name, found.shutUntil));
        return 0;
      }),
    );

  room
    .command("create <R>")
    .description("creates a room")
    .action((name: string) =>
      run(async ({ client, document }) => {
        document(await client.post<RoomView>("/rooms", { name }));
        return 0;
      }),
    );

  withDryRun(
    room.command("delete <R>").description("deletes a room; its PCs go to the room default"),
  ).action((name: string, { dryRun = false }: { dryRun?: boolean }) =>
    run(async (context) => {
      const { client, document } = context;
      if (dryRun) {
        const found = await client.get<RoomView>(path(name));
        const pcs = (await client.get<PcView[]>("/pcs")).filter(({ room }) => room === found.name);
        return sayLost(context, [
          `The room ${found.name} will be deleted, with its settings and ${seatsText(found)}:`,
          ...settingLines(found).map((line) => `  ${line}`),
          `PCs that go to the room default: ${pcs.map((pc) => pc.name).join(", ") || "none"}`,
        ]);
      }
      await client.delete(path(name));
      document({ room: name, deleted: true });
      return 0;
    }),
  );

  addSettingOptions(
    room.command("set <R>").description("changes the settings of a room, and shows them"),
  ).action((name: string, options: Record<string, unknown>) =>
    runFor(name, async ({ client, say, document }) => {
      const change = changeOf(options);
      const found = await client.patch<RoomView>(path(name), change);
      document(found);
      for (const line of [...settingLines(found), ...warningLines(change, found.name)]) say(line);
      return 0;
    }),
  );

  room
    .command("unlock <R>")
    .description("opens the menus of a room's PCs, if too many wrong PINs have shut them")
    .action((name: string) =>
      runFor(name, async ({ client, say, document }) => {
        document(await client.post<RoomView>(`${path(name)}/unlock`));
        say(`the menus of ${name} take PINs again`);
        return 0;
      }),
    );

  room
    .command("walk <R>")
    .description(
      "starts the seat walk: press Enter at one PC after another, and each takes the next seat",
    )
    .option("--end", "end the seat walk")
    .action((name: string, { end = false }: { end?: boolean }) =>
      runFor(name, async ({ client, say, document }) => {
        const found = await client.post<RoomView>(`${path(name)}/walk`, { on: !end });
        document(found);
        say(
          end
            ? `the seat walk of ${name} is over; PCs with a seat: ${seated(found)}`
            : `press Enter at each PC of ${name}; ${nextSeat(found)}; end it with \`roomcast room walk ${name} --end\``,
        );
        return 0;
      }),
    );

  room
    .command("wake <R>")
    .description("wakes the PCs of a room; the exit status is 1 if one of them did not start")
    .option(
      "--wait <S>",
      "how many seconds to wait for them; 0: do not wait",
      secondsUpTo(900),
      180,
    )
    .action((name: string, { wait }: { wait: number }) =>
      runFor(name, async ({ client, say, document }) => {
        const report = await client.post<WakeReport>(`${path(name)}/wake`, { timeout: wait });
        document(report);
        const { alreadyOn, came, missing } = report;
        if (wait === 0) {
          const names = missing.map((each) => each.name).join(", ");
          say(names === "" ? "every PC was on already" : `wake-on-LAN packets sent to: ${names}`);
          return 0;
        }
        say(`${alreadyOn.length} were on, ${came.length} started, ${missing.length} did not`);
        for (const each of missing) {
          say(
            `${each.name}: ${each.reached === "booting" ? "it asked for its boot files, but its agent did not connect" : "the server heard nothing from it"}`,
          );
        }
        return missing.length === 0 ? 0 : 1;
      }),
    );

  room
    .command("wall-link <R>")
    .description("makes a link for a projector: who has it watches this room, and nothing else")
    .option("--end", "ends the link, and the pages that were opened with it")
    .action((name: string, { end = false }: { end?: boolean }) =>
      run(async ({ client, say, document }) => {
        if (end) {
          await client.delete(`${path(name)}/wall-link`);
          document({ room: name, wallLink: null });
          say(`the link to ${name} is ended, and so are the pages that were opened with it`);
          return 0;
        }
        const link = await client.post<WallLink>(`${path(name)}/wall-link`);
        document(link);
        say(link.url);
        return 0;
      }),
    );

  addMoveCommand(program, room, run);
  addListCommands(room, run);
  addSeatCommands(program, runFor);
}

type RunForRoom = (room: string, action: (context: CliContext) => Promise<number>) => Promise<void>;

/** Runs a command at the server whose room it is. */
const atRooms =
  (run: RunCommand): RunForRoom =>
  (room, action) =>
    run(async (context) => action(await atServerOf(context, room)));

/** Whose room it is, and since when that was not heard. */
function serverText({ server, owner, since }: CampusRoomView): string {
  const whose = owner === null ? " (not known yet whose)" : ` (a copy: ${owner} has it)`;
  const asOf = since === null ? "" : `, as of ${since}`;
  return `${server}${owner === server ? "" : whose}${asOf}`;
}

function sessionText({ session, running, walk, server }: CampusRoomView): string {
  if (session === null) return walk === null ? "" : "seat walk";
  return server === null || running === null ? session : `${session}: ${running}`;
}

const shutText = (name: string, until: string): string =>
  `too many wrong PINs: its menus are shut until ${until}, or until \`roomcast room unlock ${name}\``;

const nextSeat = ({ walk }: RoomView): string =>
  walk === null || walk.next === null
    ? "there is no free seat"
    : `the next PC takes seat ${walk.next}`;

const seatsText = ({ seats }: RoomView): string =>
  seats.length === 1 ? "1 seat" : `${seats.length} seats`;

const seated = (room: RoomView): number => room.seats.filter(({ pc }) => pc !== null).length;

function addSeatCommands(program: Command, runFor: RunForRoom): void {
  const seat = program.command("seat").description("manages the seats of a room");

  seat
    .command("list <R>")
    .description("lists the seats and the PCs in them")
    .action((name: string) =>
      runFor(name, async ({ client, say, document }) => {
        const { seats } = await client.get<RoomView>(path(name));
        document(seats);
        const pcs = new Map((await client.get<PcView[]>("/pcs")).map((pc) => [pc.id, pc.name]));
        say(
          table(
            ["SEAT", "COLUMN", "ROW", "PC"],
            seats.map(({ name: each, column, row, pc }) => [
              each,
              String(column),
              String(row),
              pc === null ? "" : (pcs.get(pc) ?? pc),
            ]),
          ),
        );
        return 0;
      }),
    );

  seat
    .command("add <R> <SEAT>")
    .description("adds a seat to the map")
    .requiredOption("--at <COLUMN,ROW>", "its place; both count from 0, front row first", place)
    .action((name: string, seatName: string, { at }: { at: Omit<Seat, "name"> }) =>
      runFor(name, (context) =>
        redraw(context, name, (seats) => [
          ...seats.filter((each) => each.name !== seatName),
          { name: seatName, ...at },
        ]),
      ),
    );

  seat
    .command("remove <R> <SEAT>")
    .description("removes a seat from the map")
    .action((name: string, seatName: string) =>
      runFor(name, (context) =>
        redraw(context, name, (seats) => {
          const left = seats.filter((each) => each.name !== seatName);
          if (left.length < seats.length) return left;
          throw new RoomcastError(
            "not-found",
            `room ${name} has no seat ${seatName}`,
            `see \`roomcast seat list ${name}\``,
          );
        }),
      ),
    );

  seat
    .command("grid <R> <COLUMNSxROWS>")
    .description("replaces the map with a grid: A1, A2, … in the front row, then B1, …")
    .action((name: string, size: string) =>
      runFor(name, (context) => redraw(context, name, () => seatGrid(...gridSize(size)))),
    );
}

async function redraw(
  { client, say, document }: CliContext,
  name: string,
  draw: (seats: readonly Seat[]) => Seat[],
): Promise<number> {
  const { seats } = await client.get<RoomView>(path(name));
  const next = draw(seats.map(({ name: each, column, row }) => ({ name: each, column, row })));
  const room = await client.put<RoomView>(`${path(name)}/seats`, { seats: next });
  document(room);
  say(`room ${name} has ${seatsText(room)}`);
  return 0;
}

function place(text: string): Omit<Seat, "name"> {
  const [column, row, ...rest] = text.split(",").map(Number);
  if (column === undefined || row === undefined || rest.length > 0 || !(column >= 0 && row >= 0)) {
    throw new InvalidArgumentError("A place looks like 3,0.");
  }
  return { column, row };
}

function gridSize(text: string): [number, number] {
  const [, columns, rows] = /^(\d{1,3})x(\d{1,3})$/.exec(text) ?? [];
  if (columns !== undefined && rows !== undefined) return [Number(columns), Number(rows)];
  throw new RoomcastError("usage", `${text} is not a grid`, "write it like 6x5: 6 columns, 5 rows");
}
