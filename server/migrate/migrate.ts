/** `roomcast migrate`: a server that stood alone brings its images into a campus. */
import { imageName } from "../../core/image/manifest.ts";
import { Checkers } from "../store/checkers.ts";
import { checkMoved } from "./check-moved.ts";
import { type CampusSettings, openEnds } from "./ends.ts";
import { Island } from "./island.ts";
import { type MoveOptions, moveIn } from "./move-in.ts";
import { planMove } from "./plan.ts";
import { requireOwnSecrets } from "./secret-owners.ts";

export interface MigrateOptions {
  readonly dataFolder: string;
  readonly settings: CampusSettings;
  readonly isDry: boolean;
  /** All chunks are read back, and not some of each image. */
  readonly isFull: boolean;
  readonly signal: AbortSignal;
  readonly progress: MoveOptions["progress"];
  note(text: string): void;
  /** Another part of the work, whose progress follows. */
  begin(doing: string): void;
  /** What is going to be done. */
  planned(plan: PlanView): void;
}

/** Images are named NAME@VERSION. */
export interface PlanView {
  readonly images: readonly string[];
  readonly there: readonly string[];
  readonly clashes: readonly string[];
  readonly chunks: number;
  readonly bytes: number;
  /** Bytes that the storage took a second, of one object. */
  readonly rate: number;
  /** At that rate. */
  readonly seconds: number;
}

export interface MigrateReport extends PlanView {
  /** Images of this server that the campus has, checked; null: nothing was done. */
  readonly checked: { readonly images: number; readonly chunksRead: number } | null;
}

/** Killed, or stopped by the signal, it goes on where it was when it is done again. Nothing of this server is changed. */
export async function migrateIn(options: MigrateOptions): Promise<MigrateReport> {
  const { dataFolder, settings, isDry, isFull, signal, note, progress } = options;
  await using island = await Island.open(dataFolder);
  await requireOwnSecrets(settings, dataFolder);
  await using ends = await openEnds(settings, { isDry, warn: note });
  const { registry, images: campusImages, rate } = ends;
  const plan = await planMove(island.images, {
    ...{ campusImages, signal },
    placesOf: registry.hasTables ? (hashes) => registry.placesOf(hashes) : null,
    index: (id) => island.index(id),
  });
  const { lacking, there, clashes, chunks, bytes } = plan;
  const view = {
    images: lacking.map(imageName),
    there: there.map(imageName),
    clashes: clashes.map(imageName),
    ...{ chunks, bytes, rate, seconds: bytes / rate },
  };
  options.planned(view);
  if (isDry) return { ...view, checked: null };
  options.begin("moving");
  const moved = await moveIn(island, plan, ends, { signal, progress, note });
  options.begin("checking");
  const checker = new Checkers();
  try {
    const checked = await checkMoved([...there, ...moved], {
      ...{ ends, checker, isFull, signal, progress, note },
      random: Math.random,
    });
    return { ...view, checked };
  } finally {
    await checker.close();
  }
}
