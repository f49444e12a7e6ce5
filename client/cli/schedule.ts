import { type Command, InvalidArgumentError, Option } from "commander";
import { table } from "../../core/screen/table.ts";
import type { ScheduleView } from "../../core/wire/api.ts";
import type { RunCommand } from "./program.ts";

interface AddOptions {
  readonly room: string;
  readonly image: string;
  readonly delta?: boolean;
  readonly then: string;
  readonly wake: number;
  readonly timeZone?: string;
}

export function addScheduleCommands(program: Command, run: RunCommand): void {
  const schedule = program
    .command("schedule")
    .description(
      "restores by the clock: wake the room, restore it, switch it off, keep the report",
    );

  schedule
    .command("add <CRON>")
    .description('when, as cron has it: "30 6 * * 1-5" is 6:30 from Monday to Friday')
    .requiredOption("--room <R>")
    .requiredOption("--image <I>", "NAME is its newest version at that time")
    .option("--delta", "hash the disks first and send only what differs")
    .option("--wake <S>", "wait so many seconds for who is woken", seconds, 300)
    .addOption(
      new Option("--then <WHAT>", "what verified PCs do")
        .choices(["stay", "reboot", "poweroff", "boot-disk"])
        .default("poweroff"),
    )
    .option("--time-zone <ZONE>", "as Europe/Berlin; else the server's own")
    .action((cron: string, options: AddOptions) =>
      run(async ({ client, say, document, confirm }) => {
        const { room, image, delta = false, wake, timeZone = null } = options;
        await confirm([`At each ${cron} the disks of room ${room} are overwritten.`], room);
        const added = await client.post<ScheduleView>("/schedule", {
          ...{ cron, room, image, delta, timeZone, wakeSeconds: wake },
          ...{ afterwards: options.then, overwrite: room },
        });
        document(added);
        say(`${added.id}: ${image} to room ${room}, for the first time at ${added.dueAt}`);
        return 0;
      }),
    );

  schedule.command("list").action(() =>
    run(async ({ client, say, document }) => {
      const all = await client.get<ScheduleView[]>("/schedule");
      document(all);
      say(
        table(
          ["ID", "CRON", "ROOM", "IMAGE", "NEXT", "NOW", "LAST"],
          all.map(({ id, cron, room, image, dueAt, run: now, last }) => [
            ...[id, cron, room, image, dueAt],
            now === null ? "" : now.stage === "waking" ? "waking" : `session ${now.session}`,
            last === null ? "" : `${last.at} ${last.session ?? ""} ${last.outcome}`,
          ]),
        ),
      );
      return 0;
    }),
  );

  schedule.command("remove <ID>").action((id: string) =>
    run(async ({ client, say }) => {
      await client.delete(`/schedule/${encodeURIComponent(id)}`);
      say(`${id} is off the schedule`);
      return 0;
    }),
  );
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 900) return value;
  throw new InvalidArgumentError("whole seconds from 0 to 900");
}
