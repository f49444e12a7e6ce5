/**
 * What is known of an image before its disk is read: its manifest but for the root hash, and which
 * chunks it will have. JSON: `{manifest, runs: [[first, count], …]}`, `runs` being chunk numbers on
 * the disk's grid, ascending; the manifest's `rootHash` is zeros.
 */
import type { Decoded } from "../errors.ts";
import { canonicalJson } from "../units/canonical-json.ts";
import { chunkCountOf } from "../units/units.ts";
import { parsedManifestDraft } from "./manifest.ts";
import type { ManifestDraft } from "./types.ts";

/** A longer plan is refused: a disk of 4 TB of which every other chunk is kept takes 25 MB. */
export const livePlanLimit = 32 * 1024 * 1024;
/** Of one disk: 16 TiB of it are kept. As numbers they take 64 MiB, however short their text was. */
const chunksLimit = 16 * 1024 * 1024;

export interface LivePlan {
  readonly manifest: Omit<ManifestDraft, "rootHash">;
  /** By entry. */
  readonly chunkIndexes: Uint32Array;
}

const unknownHash = "0".repeat(64);

export function encodeLivePlan({ manifest, chunkIndexes }: LivePlan): string {
  const runs: [first: number, count: number][] = [];
  for (const chunkIndex of chunkIndexes) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === chunkIndex) last[1]++;
    else runs.push([chunkIndex, 1]);
  }
  return canonicalJson({ manifest: { ...manifest, rootHash: unknownHash }, runs });
}

export function decodeLivePlan(text: string): Decoded<LivePlan> {
  if (text.length > livePlanLimit) return { ok: false, reason: "too long" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: "not JSON" };
  }
  const { manifest, runs } = (value ?? {}) as { manifest?: unknown; runs?: unknown };
  const draft = parsedManifestDraft(manifest);
  if (!draft.ok) return { ok: false, reason: `manifest: ${draft.reason}` };
  const { rootHash: _, ...rest } = draft.value;
  const { chunkCount, diskBytes } = rest;
  if (chunkCount > chunksLimit) return { ok: false, reason: `${chunkCount} chunks are too many` };
  if (!areRuns(runs)) return { ok: false, reason: "the runs are not a list of pairs of numbers" };
  const reason = runsFault(runs, chunkCount, chunkCountOf(diskBytes));
  if (reason !== null) return { ok: false, reason };
  const chunkIndexes = new Uint32Array(chunkCount);
  let filled = 0;
  for (const [first, count] of runs) {
    for (let at = 0; at < count; at++) chunkIndexes[filled++] = first + at;
  }
  return { ok: true, value: { manifest: rest, chunkIndexes } };
}

type Run = readonly [first: number, count: number];

const areRuns = (value: unknown): value is readonly Run[] =>
  Array.isArray(value) &&
  value.every((run) => Array.isArray(run) && run.length === 2 && run.every(isCount));

/** Why these are not `chunkCount` chunks of a disk that ends at chunk `end`, in ascending order; or null. */
function runsFault(runs: readonly Run[], chunkCount: number, end: number): string | null {
  let counted = 0;
  let next = 0;
  for (const [first, count] of runs) {
    if (count === 0) return "a run is empty";
    if (first < next) return "the runs do not ascend";
    next = first + count;
    if (next > end) return "a run ends beyond the disk";
    counted += count;
  }
  return counted === chunkCount ? null : `the runs have ${counted} chunks instead of ${chunkCount}`;
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
