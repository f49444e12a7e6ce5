import { type Command, InvalidArgumentError } from "commander";
import { table } from "../../core/screen/table.ts";
import type { HistoryEvent, StatusView } from "../../core/wire/api.ts";
import type { RunCommand } from "./context.ts";

const subjects = ["pc", "room", "image", "session", "operator"] as const;

type Options = Partial<Record<(typeof subjects)[number], string>> & { readonly limit: number };

export function addHistoryCommand(program: Command, run: RunCommand): void {
  program
    .command("history")
    .description(
      "lists what happened, oldest first; of other servers of a campus, the sessions that are over",
    )
    .option("--pc <PC>", "only events of this PC")
    .option("--room <R>", "only events of this room")
    .option("--image <I>", "only events of this image")
    .option("--session <S>", "only events of this session")
    .option("--operator <NAME>", "only what this operator did")
    .option("--limit <N>", "how many of the newest events to show", count, 200)
    .action((options: Options) =>
      run(async ({ client, say, document }) => {
        const query = new URLSearchParams({ limit: String(options.limit) });
        for (const subject of subjects) {
          const value = options[subject];
          if (value !== undefined) query.set(subject, value);
        }
        const events = await client.get<HistoryEvent[]>(`/history?${query}`);
        document(events);
        say(eventTable(events));
        const { campus } = await client.get<Pick<StatusView, "campus">>("/status");
        if (campus !== null && campus.away !== null)
          say(
            `the campus's database is away since ${campus.away.since}: this is the server ${campus.server}'s alone`,
          );
        return 0;
      }),
    );
}

/** Of a campus, with the server of each. */
function eventTable(events: readonly HistoryEvent[]): string {
  const isOfCampus = events.some(({ server }) => server !== undefined);
  return table(
    ["TIME", ...(isOfCampus ? ["SERVER"] : []), "ROOM", "PC", "SESSION", "WHAT"],
    events.map((event) => [
      event.at,
      ...(isOfCampus ? [event.server ?? ""] : []),
      event.room ?? "",
      event.pcName ?? event.pc ?? "",
      event.session ?? "",
      event.text,
    ]),
  );
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 10_000) return value;
  throw new InvalidArgumentError("a number from 1 to 10000");
}
