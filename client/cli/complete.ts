/** `roomcast complete`: names for the completion of a shell, which asks as somebody types. */
import { Argument, type Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { CampusRoomView, CampusStatus } from "../../core/wire/campus.ts";
import type { ImageView, PcView, SessionView } from "../../core/wire/views.ts";
import type { RunCommand } from "./context.ts";

/** Whoever types does not wait longer, in milliseconds. */
const limitMs = 500;

/** Where the API has what is listed, and its names there. */
const kinds = {
  pcs: ["/pcs", (pcs: PcView[]) => pcs.map(({ name }) => name)],
  // Those of all servers of the campus: a command about one finds the way.
  rooms: ["/campus/rooms", (rooms: CampusRoomView[]) => rooms.map(({ name }) => name)],
  images: [
    "/images",
    (images: ImageView[]) => images.flatMap((image) => [image.name, imageName(image)]),
  ],
  sessions: ["/sessions", (sessions: SessionView[]) => sessions.map(({ id }) => id)],
  servers: [
    "/campus",
    (campus: CampusStatus | null) => (campus?.servers ?? []).map(({ name }) => name),
  ],
} satisfies Record<string, readonly [path: string, names: (answer: never) => string[]]>;

export function addCompleteCommand(program: Command, run: RunCommand): void {
  program
    .command("complete", { hidden: true })
    .description("lists names for the completion of a shell; nothing where no server answers")
    .addArgument(new Argument("<KIND>", "of what").choices(Object.keys(kinds)))
    .action((kind: keyof typeof kinds) =>
      run(async ({ client }) => {
        try {
          const [path, namesIn] = kinds[kind];
          const answer = await client.bytes("GET", path, { signal: AbortSignal.timeout(limitMs) });
          const names = new Set(namesIn(JSON.parse(answer.toString("utf8")) as never));
          // A name that a shell would take apart is not offered.
          const whole = [...names].filter((name) => /^[^\s"'\\$`()|&;<>*?[\]]+$/.test(name));
          process.stdout.write(whole.map((name) => `${name}\n`).join(""));
        } catch (error) {
          const isLate = error instanceof Error && error.name === "TimeoutError";
          if (!(error instanceof RoomcastError) && !isLate) throw error;
        }
        return 0;
      }),
    );
}
