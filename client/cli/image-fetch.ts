import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { type ImageWork, imagePath, workEnded } from "./image-work.ts";

interface FetchFlags {
  readonly wait?: boolean;
  readonly stop?: boolean;
}

/** `image fetch`: the server brings an image of another server of its campus here. */
export function addFetchCommand(image: Command, run: RunCommand): void {
  image
    .command("fetch <I>")
    .description(
      "brings an image of another server of the campus to this one, in the background; a restore does so by itself, and begins before all of it is here",
    )
    .option("--wait", "wait for its end")
    .option("--stop", "stop it; what came by then goes, unless another image needs it")
    .action((reference: string, flags: FetchFlags) =>
      run((context) => fetchImage(context, reference, flags)),
    );
}

async function fetchImage(
  context: CliContext,
  reference: string,
  flags: FetchFlags,
): Promise<number> {
  const { client, say, document } = context;
  const before = await client.get<ImageView>(imagePath(reference));
  const name = imageName(before);
  const own = `${imagePath(before.id)}/fetch`;
  if (flags.stop === true) {
    document(await client.delete<ImageView>(own));
    say(`${name} is not fetched any more`);
    return 0;
  }
  const ordered = await client.post<ImageView>(own);
  if (flags.wait !== true && !ordered.here) {
    document(ordered);
    say(`${name} is on its way; \`roomcast image list\` says how far it is`);
    return 0;
  }
  document(await workEnded(context, ordered, fetching));
  say(before.here ? `${name} is here already` : `${name} is here`);
  return 0;
}

export const fetching: ImageWork = {
  doing: "fetching",
  stop: "roomcast image fetch I --stop",
  stateOf({ here, fetch }) {
    if (here) return "done";
    if (fetch?.state === "failed") {
      const next = "see `roomcast status`, then order it again";
      throw new RoomcastError("failed", `it was not fetched: ${fetch.reason}`, next);
    }
    if (fetch !== null) return fetch;
    throw new RoomcastError("cancelled", "somebody stopped it", "order it again at any time");
  },
};
