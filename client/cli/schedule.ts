import { type Command, InvalidArgumentError, Option } from "commander";
import { table } from "../../core/screen/table.ts";
import type { ScheduleView } from "../../core/wire/api.ts";
import type { RunCommand } from "./context.ts";

interface AddOptions {
  readonly room: string;
  readonly image: string;
  readonly delta?: boolean;
  readonly then: string;
  readonly personalise: string;
  readonly fit: string;
  readonly wake: number;
  readonly timeZone?: string;
}

export function addScheduleCommands(program: Command, run: RunCommand): void {
  const schedule = program
    .command("schedule")
    .description("manages restores by the clock: wake a room, restore it, switch it off");

  schedule
    .command("add <CRON>")
    .description(
      'restores a room at set times, written as in cron: "30 6 * * 1-5" is 6:30 from Monday to Friday',
    )
    .requiredOption("--room <R>", "the room to restore")
    .requiredOption("--image <I>", "the image; NAME is its newest version at that time")
    .option("--delta", "hash the disks first, and send only what differs")
    .option("--wake <S>", "how many seconds to wait for the PCs that are woken", seconds, 300)
    .addOption(
      new Option("--then <WHAT>", "what verified PCs do")
        .choices(["stay", "reboot", "poweroff", "boot-disk"])
        .default("poweroff"),
    )
    .addOption(
      new Option(
        "--personalise <HOW>",
        "auto: verified PCs are given their own names, addresses and keys",
      )
        .choices(["auto", "none"])
        .default("auto"),
    )
    .addOption(
      new Option(
        "--fit <HOW>",
        "auto: before the room is woken, the image is made to fit its smallest disk, if it does not",
      )
        .choices(["auto", "never"])
        .default("auto"),
    )
    .option("--time-zone <ZONE>", "the time zone, like Europe/Berlin; by default the server's own")
    .action((cron: string, options: AddOptions) =>
      run(async ({ client, say, document, confirm }) => {
        const { room, image, delta = false, wake, timeZone = null } = options;
        await confirm(
          [`The disks of room ${room} will be overwritten each time that ${cron} comes.`],
          room,
        );
        const added = await client.post<ScheduleView>("/schedule", {
          ...{ cron, room, image, delta, timeZone, wakeSeconds: wake },
          ...{ afterwards: options.then, personalise: options.personalise, fit: options.fit },
          overwrite: room,
        });
        document(added);
        say(`${added.id}: ${image} to room ${room}, first at ${added.dueAt}`);
        return 0;
      }),
    );

  schedule
    .command("list")
    .description("lists what is on the schedule")
    .action(() =>
      run(async ({ client, say, document }) => {
        const all = await client.get<ScheduleView[]>("/schedule");
        document(all);
        say(
          table(
            ["ID", "CRON", "ROOM", "IMAGE", "NEXT", "NOW", "LAST"],
            all.map(({ id, cron, room, image, dueAt, run: now, last }) => [
              ...[id, cron, room, image, dueAt],
              now === null ? "" : now.stage === "restoring" ? `session ${now.session}` : now.stage,
              last === null ? "" : `${last.at} ${last.session ?? ""} ${last.outcome}`,
            ]),
          ),
        );
        return 0;
      }),
    );

  schedule
    .command("remove <ID>")
    .description("takes a restore off the schedule")
    .action((id: string) =>
      run(async ({ client, say, document }) => {
        await client.delete(`/schedule/${encodeURIComponent(id)}`);
        document({ schedule: id, removed: true });
        say(`${id} is off the schedule`);
        return 0;
      }),
    );
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 900) return value;
  throw new InvalidArgumentError("It has to be a whole number of seconds from 0 to 900.");
}
