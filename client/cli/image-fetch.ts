import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { CliContext } from "./context.ts";
import type { RunCommand } from "./program.ts";
import { progressLines } from "./progress.ts";

/** How often it is asked how far it is, in milliseconds. */
const askEvery = 1000;

interface FetchFlags {
  readonly wait?: boolean;
  readonly stop?: boolean;
}

const path = (reference: string): string => `/images/${encodeURIComponent(reference)}`;

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
  const before = await client.get<ImageView>(path(reference));
  const name = imageName(before);
  const own = `${path(before.id)}/fetch`;
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
  document(await ended(context, ordered));
  say(before.here ? `${name} is here already` : `${name} is here`);
  return 0;
}

/** The image once it is here. Rejects with `failed`, and as Ctrl-C does, which does not stop the server. */
async function ended(context: CliContext, ordered: ImageView): Promise<ImageView> {
  const { client } = context;
  using progress = progressLines(context, "fetching");
  let view = ordered;
  while (!view.here) {
    const { fetch, chunkBytes, id } = view;
    if (fetch?.state === "failed") {
      const next = "see `roomcast status`, then order it again";
      throw new RoomcastError("failed", `it was not fetched: ${fetch.reason}`, next);
    }
    if (fetch === null) {
      const next = "order it again at any time";
      throw new RoomcastError("cancelled", "somebody stopped it", next);
    }
    progress.show(fetch.chunksDone * chunkBytes, fetch.chunksTotal * chunkBytes);
    await waitOrStop(progress.signal);
    view = await client.get<ImageView>(path(id));
  }
  progress.end();
  return view;
}

async function waitOrStop(signal: AbortSignal): Promise<void> {
  try {
    await sleep(askEvery, null, { signal });
  } catch {
    const next = "see `roomcast image list`; `roomcast image fetch I --stop` stops it";
    throw new RoomcastError("cancelled", "the server goes on without you", next);
  }
}
