/** A restore whose image is larger than some of its disks waits for a version of it that fits. */
import type { FitView } from "../wire/views.ts";
import type { CastImage, FitProgress } from "./kind.ts";
import type { Table } from "./table.ts";

export type FitPhase = "fitting" | "fitted" | "failed";

export type FitFact = { readonly pc: null } & (
  | { readonly type: "fitted"; readonly image: CastImage }
  | { readonly type: "not-fitted"; readonly reason: string }
);

export const fitTable: Table<FitPhase, FitFact["type"]> = {
  fitting: { fitted: "fitted", "not-fitted": "failed" },
  fitted: {},
  failed: {},
};

export const isFitFact = (fact: { readonly type: string }): fact is FitFact =>
  fact.type === "fitted" || fact.type === "not-fitted";

/** For the history; why it failed is told with the PCs. */
export const fitText = (fact: FitFact): string =>
  fact.type === "fitted"
    ? `${fact.image.name} fits the disks of all PCs: they are ordered`
    : "nobody was ordered: the image could not be made to fit";

/** Why a PC that is there is not ordered yet. */
export const waitsForFit = "waits for the image to be made to fit";

export const fitView = (
  state: FitPhase,
  diskBytes: number,
  progress: FitProgress | null,
): FitView => ({
  ...{ state, diskBytes, fraction: null, secondsLeft: null },
  ...(state === "fitting" ? progress : null),
});
