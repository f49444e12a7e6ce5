/** Work of the server on an image that the command line may wait for. */
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { CliContext } from "./context.ts";
import { progressLines } from "./progress.ts";

/** How often it is asked how far it is, in milliseconds. */
const askEvery = 1000;

/** Of the API. */
export const imagePath = (reference: string): string => `/images/${encodeURIComponent(reference)}`;

export interface ImageWork {
  /** Of the progress line. */
  readonly doing: string;
  /** The command that stops it. */
  readonly stop: string;
  /** Throws when it has failed, or somebody stopped it. */
  stateOf(view: ImageView): "done" | "not begun" | WorkProgress;
}

export interface WorkProgress {
  readonly chunksDone: number;
  readonly chunksTotal: number;
}

/** The image once the work is done. Rejects as `stateOf`, and as Ctrl-C does, which does not stop the server. */
export async function workEnded(
  context: CliContext,
  ordered: ImageView,
  { doing, stop, stateOf }: ImageWork,
): Promise<ImageView> {
  using progress = progressLines(context, doing);
  let view = ordered;
  for (;;) {
    const state = stateOf(view);
    if (state === "done") break;
    const { chunkBytes, id } = view;
    if (state !== "not begun")
      progress.show(state.chunksDone * chunkBytes, state.chunksTotal * chunkBytes);
    await sleep(askEvery, null, { signal: progress.signal }).catch(() => {
      const next = `see \`roomcast image list\`; \`${stop}\` stops it`;
      throw new RoomcastError("cancelled", "the server goes on without you", next);
    });
    view = await context.client.get<ImageView>(imagePath(id));
  }
  progress.end();
  return view;
}
