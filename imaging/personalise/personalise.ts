/**
 * After the disk was verified and fitted: each system on it becomes this PC's own. What is changed is
 * no part of the verified image, so it is told step by step, with its files.
 */
import { errorText } from "../../core/errors.ts";
import type { Personal } from "../../core/wire/personal.ts";
import type { StepView } from "../../core/wire/views.ts";
import { ownStepName } from "./own-steps.ts";
import { systems } from "./systems.ts";
import { findVolumes } from "./volumes.ts";

export interface PersonaliseOptions {
  /** A disk, or a file that stands for one; nobody has it open for writing. */
  readonly path: string;
  readonly personal: Personal;
  /** Of the card that the PC booted from. */
  readonly mac: string;
  /** What has begun of a step is ended; all is unmounted. */
  readonly signal: AbortSignal;
  /** Each step, as soon as it has ended. */
  said(step: StepView): void;
  log(text: string): void;
  /** As `DiskOptions` has it. */
  driver(path: string): AsyncIterable<Uint8Array>;
}

/** Limits of `StepView`: what is longer is cut, what is more is counted. */
const [nameLimit, detailLimit, filesLimit, pathLimit] = [128, 2048, 64, 512];

/** Steps that failed were said; rejects as `signal` says, and when a volume stays mounted. */
export async function personaliseDisk(options: PersonaliseOptions): Promise<void> {
  const { path, personal, signal } = options;
  const names = new Set<string>();
  const said = (step: StepView): void => {
    names.add(step.name);
    options.said(cut(step));
  };
  const left = (name: string, detail: string): void =>
    said({ name, result: "left", detail, files: [] });
  if (process.getuid?.() !== 0) {
    return left("personalising", "this agent is not root's, so it cannot mount what it restored");
  }
  await using found = await findVolumes({ path, signal, left });
  const { volumes } = found;
  let count = 0;
  for (const volume of volumes) {
    for (const system of systems) {
      signal.throwIfAborted();
      try {
        if (!(await system(volume, { ...options, said, volumes }))) continue;
      } catch (error) {
        if (signal.aborted) throw error;
        said({ name: volume.name, result: "failed", detail: errorText(error), files: [] });
      }
      count++;
      break;
    }
  }
  if (count === 0) {
    left("personalising", "no system that roomcast knows was found; the name comes by DHCP only");
  }
  for (const step of personal.steps) {
    const name = ownStepName(step);
    if (!names.has(name)) left(name, "no system was found whose root could be mounted for it");
  }
}

function cut({ name, result, detail, files }: StepView): StepView {
  const more = files.length - filesLimit;
  const counted = more > 0 ? `; ${more} more files` : "";
  return {
    name: name.slice(0, nameLimit),
    result,
    detail: detail.slice(0, detailLimit - counted.length) + counted,
    files: files.slice(0, filesLimit).map((file) => file.slice(0, pathLimit)),
  };
}
