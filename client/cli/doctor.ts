import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import type { DoctorView, Finding } from "../../core/wire/api.ts";
import { isShut } from "../api/client.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { examineWithoutServer } from "./host.ts";

export function addDoctorCommand(program: Command, run: RunCommand): void {
  program
    .command("doctor")
    .description("checks the host and the network, and says what to fix")
    .option("--interface <IF>", "the lab's interface; not needed while the server is running")
    .option(
      "--room <R>",
      "checks the network to the idle PCs of a room, by multicast at rising rates",
    )
    .option("--image <I>", "with --room: the image whose time is told, not the room's last one")
    .action((options: { interface?: string; room?: string; image?: string }) =>
      run(async (context) => {
        const { client, document, say } = context;
        const { image } = options;
        if (image !== undefined && options.room === undefined) {
          const next = "name the room as well: its network is measured";
          throw new RoomcastError("usage", "--image is for --room", next);
        }
        if (options.room !== undefined) {
          const path = `/rooms/${encodeURIComponent(options.room)}/check`;
          const found = await client.post<Finding[]>(path, image === undefined ? {} : { image });
          document(found);
          for (const finding of found) sayFinding(finding, say);
          return found.every(({ level }) => level === "ok") ? 0 : 1;
        }
        const isHere = program.opts().server === undefined;
        const view = await findings(context, { interface: options.interface, isHere });
        document(view);
        const who = view.isServing ? "the server is running" : "no server is running";
        say(`roomcast doctor: ${view.interfaces.join(", ")}, ${who}`);
        for (const finding of view.findings) sayFinding(finding, say);
        say(
          view.isWell ? "No problems found." : "Fix what is marked with !!, then run doctor again.",
        );
        return view.isWell ? 0 : 1;
      }),
    );
}

/** As the server finds it; where none is running, and it would be here, as this host does. */
export async function findings(
  { client, dataFolder }: CliContext,
  where: { readonly interface: string | undefined; readonly isHere: boolean },
): Promise<DoctorView> {
  const served = await client.get<DoctorView>("/doctor").catch((error: unknown) => {
    const isAway = error instanceof RoomcastError && error.code === "unreachable";
    if (isAway && where.isHere && !isShut(error.cause)) return undefined;
    throw error;
  });
  return served ?? examineWithoutServer(dataFolder, where.interface);
}

const marks: Readonly<Record<Finding["level"], string>> = {
  ok: "ok",
  warning: " !",
  problem: "!!",
};

/** With what to do about it. */
export function sayFinding(
  { level, check, text, mend }: Finding,
  say: (line: string) => void,
): void {
  say(`${marks[level]}  ${check}: ${text}`);
  if (mend !== null && mend !== "") say(`      -> ${mend}`);
}
