/** The thread of a sweep: it says when it is loaded, and then a step each time it is asked for one. */
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { errorText } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import { checkHere } from "./checkers.ts";
import { nodeFiles } from "./files.ts";
import { readIndex } from "./image-files.ts";
import { findDead, type SweepStep } from "./sweep.ts";

export interface SweepSetup {
  /** The file of the catalogue. */
  readonly catalogue: string;
  /** Of manifests and indexes. */
  readonly folder: string;
  readonly images: readonly Manifest[];
}

/** `over`: `problem` is why what is alive could not be told, or null. */
export type SweepWord = SweepStep | { readonly type: "over"; readonly problem: string | null };

const { catalogue, folder, images } = workerData as SweepSetup;
const port = parentPort;

async function* indexes(): AsyncGenerator<Uint8Array> {
  for (const image of images) yield await readIndex(nodeFiles, folder, image, checkHere);
}

if (port !== null) {
  port.postMessage("loaded");
  using db = new DatabaseSync(catalogue, { readOnly: true });
  const say = async (word: SweepWord): Promise<void> => {
    await once(port, "message");
    port.postMessage(word);
  };
  try {
    for await (const step of findDead(db, indexes(), async () => {})) await say(step);
    await say({ type: "over", problem: null });
  } catch (error) {
    await say({ type: "over", problem: errorText(error) });
  }
}
