/** What a restore does first for disks that are smaller than its image's, before anybody types the word. */

import { cannotFitText, fitLines } from "../../core/screen/fit.ts";
import { foreseenDisks, sectorsOf } from "../../core/screen/target.ts";
import { planFit } from "../../core/session/fit-plan.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { Model } from "./model.ts";
import { speechOf } from "./speech.ts";
import { overwrittenPcs, type RestoreOptions, type Targets } from "./state.ts";

/** `refused`: why it cannot be made so small; null: it can, or need not be. */
export function fitSaid(
  model: Model,
  targets: Targets,
  image: ImageView,
  { fit }: RestoreOptions,
): { readonly refused: string | null; readonly lines: readonly string[] } {
  if (fit === "never") return { refused: null, lines: [] };
  const { pcs } = overwrittenPcs(model, targets);
  const request = { named: null, failingDisks: [], sectors: sectorsOf(image) };
  const disks = foreseenDisks(pcs, model.rooms.values(), request);
  const plan = planFit(image, [...model.images.values()], disks);
  if (plan.kind !== "cannot")
    return { refused: null, lines: fitLines(plan, disks, speechOf(model)) };
  const { what, next } = cannotFitText(plan, speechOf(model));
  return { refused: `${what}; ${next}`, lines: [] };
}
