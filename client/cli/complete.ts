/** `roomcast complete`: names for the completion of a shell, which asks as somebody types. */
import { Argument, type Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { ImageView, PcView, SessionView } from "../../core/wire/views.ts";
import type { RunCommand } from "./program.ts";

/** Whoever types does not wait longer, in milliseconds. */
const limitMs = 500;

type Kind = "pcs" | "rooms" | "images" | "sessions";

/** Of each kind, its names in what the API answers. */
const namesIn: Readonly<Record<Kind, (answer: never) => string[]>> = {
  pcs: (pcs: PcView[]) => pcs.map(({ name }) => name),
  rooms: (rooms: RoomView[]) => rooms.map(({ name }) => name),
  images: (images: ImageView[]) => [
    ...new Set(images.flatMap((image) => [image.name, imageName(image)])),
  ],
  sessions: (sessions: SessionView[]) => sessions.map(({ id }) => id),
};

export function addCompleteCommand(program: Command, run: RunCommand): void {
  program
    .command("complete", { hidden: true })
    .description("lists names for the completion of a shell; nothing where no server answers")
    .addArgument(new Argument("<KIND>", "of what").choices(Object.keys(namesIn)))
    .action((kind: Kind) =>
      run(async ({ client }) => {
        try {
          const answer = await client.bytes("GET", `/${kind}`, {
            signal: AbortSignal.timeout(limitMs),
          });
          const names = namesIn[kind](JSON.parse(answer.toString("utf8")) as never);
          // A name that a shell would take apart is not offered.
          const whole = names.filter((name) => /^[^\s"'\\$`()|&;<>*?[\]]+$/.test(name));
          process.stdout.write(whole.map((name) => `${name}\n`).join(""));
        } catch (error) {
          const isLate = error instanceof Error && error.name === "TimeoutError";
          if (!(error instanceof RoomcastError) && !isLate) throw error;
        }
        return 0;
      }),
    );
}
