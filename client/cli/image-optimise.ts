import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { optimisedText } from "../../core/screen/optimise.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { type ImageWork, imagePath, workEnded } from "./image-work.ts";

interface OptimiseFlags {
  readonly level?: string;
  readonly threads?: string;
  readonly wait?: boolean;
  readonly stop?: boolean;
}

/** `image optimise`: the server packs an image anew. */
export function addOptimiseCommand(image: Command, run: RunCommand): void {
  image
    .command("optimise <I>")
    .description(
      "packs the image's chunks anew where that is smaller, in the background and while no session has PCs at work: less goes over the wire, and the image stays what it is",
    )
    .option("--level <N>", "of zstd, 1 to 19 (default: 19)")
    .option("--threads <N>", "how many cores it may use (default: all but one)")
    .option("--wait", "wait for its end")
    .option("--stop", "stop it; what is packed by then stays so")
    .action((reference: string, flags: OptimiseFlags) =>
      run((context) => optimise(context, reference, flags)),
    );
}

async function optimise(
  context: CliContext,
  reference: string,
  flags: OptimiseFlags,
): Promise<number> {
  const { client, say, document } = context;
  const before = await client.get<ImageView>(imagePath(reference));
  const name = imageName(before);
  const own = `${imagePath(before.id)}/optimise`;
  if (flags.stop === true) {
    document(await client.delete<ImageView>(own));
    say(`${name} is not packed anew any more`);
    return 0;
  }
  const ordered = await client.post<ImageView>(own, {
    ...numberOf("level", flags.level, 19),
    ...numberOf("threads", flags.threads, 256),
  });
  if (flags.wait !== true) {
    document(ordered);
    say(`${name} is packed anew in the background; \`roomcast image list\` says how far it is`);
    return 0;
  }
  const after = await workEnded(context, ordered, packing);
  document(after);
  say(optimisedText(after, before.storedBytes));
  return 0;
}

const packing: ImageWork = {
  doing: "packing",
  stop: "roomcast image optimise I --stop",
  stateOf({ optimise: how }) {
    if (how?.state === "failed") {
      const next = "see `roomcast history`, then order it again: it goes on where it ended";
      throw new RoomcastError("failed", `it was not packed anew: ${how.reason}`, next);
    }
    if (how?.state === "done") return "done";
    if (how === null) {
      const next = "order it again: it goes on where it ended";
      throw new RoomcastError("cancelled", "somebody stopped it", next);
    }
    return how.state === "waiting" ? "not begun" : how;
  },
};

function numberOf(
  name: "level" | "threads",
  text: string | undefined,
  limit: number,
): Readonly<Record<string, number>> {
  if (text === undefined) return {};
  const number = Number(text);
  if (/^\d{1,3}$/.test(text) && number >= 1 && number <= limit) return { [name]: number };
  throw new RoomcastError(
    "usage",
    `--${name} ${text} is not 1 to ${limit}`,
    `--${name} 4, for instance`,
  );
}
