import { type Command, InvalidArgumentError } from "commander";
import { table } from "../../core/screen/table.ts";
import type { HistoryEvent } from "../../core/wire/api.ts";
import type { RunCommand } from "./program.ts";

const subjects = ["pc", "room", "image", "session", "operator"] as const;

type Options = Partial<Record<(typeof subjects)[number], string>> & { readonly limit: number };

export function addHistoryCommand(program: Command, run: RunCommand): void {
  program
    .command("history")
    .description("what happened, oldest first")
    .option("--pc <PC>")
    .option("--room <R>")
    .option("--image <I>")
    .option("--session <S>")
    .option("--operator <NAME>", "what this operator did")
    .option("--limit <N>", "the newest so many", count, 200)
    .action((options: Options) =>
      run(async ({ client, say, document }) => {
        const query = new URLSearchParams({ limit: String(options.limit) });
        for (const subject of subjects) {
          const wished = options[subject];
          if (wished !== undefined) query.set(subject, wished);
        }
        const events = await client.get<HistoryEvent[]>(`/history?${query}`);
        document(events);
        say(
          table(
            ["TIME", "ROOM", "PC", "SESSION", "WHAT"],
            events.map((event) => [
              event.at,
              event.room ?? "",
              event.pcName ?? event.pc ?? "",
              event.session ?? "",
              event.text,
            ]),
          ),
        );
        return 0;
      }),
    );
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 10_000) return value;
  throw new InvalidArgumentError("a number from 1 to 10000");
}
