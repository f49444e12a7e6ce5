/**
 * What is known of an image before its disk is read: its manifest but for the root hash, and which
 * chunks it will have. JSON: `{manifest, runs: [[first, count], …]}`, `runs` being chunk numbers on
 * the disk's grid, ascending; the manifest's `rootHash` is zeros.
 */
import type { Decoded } from "../errors.ts";
import { chunkCountOf } from "../units/units.ts";
import { canonicalJson, decodeManifestDraft } from "./manifest.ts";
import type { ManifestDraft } from "./types.ts";

/** A longer plan is refused: a disk of 4 TB of which every other chunk is kept takes 25 MB. */
export const livePlanLimit = 32 * 1024 * 1024;

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
  const draft = decodeManifestDraft(JSON.stringify(manifest) ?? "");
  if (!draft.ok) return { ok: false, reason: `manifest: ${draft.reason}` };
  if (!Array.isArray(runs)) return { ok: false, reason: "no runs" };
  const { rootHash: _, ...rest } = draft.value;
  const chunkIndexes = new Uint32Array(rest.chunkCount);
  const end = chunkCountOf(rest.diskBytes);
  let filled = 0;
  let next = 0;
  for (const run of runs as unknown[]) {
    const [first, count] = Array.isArray(run) ? (run as unknown[]) : [];
    if (!isCount(first) || !isCount(count) || count === 0 || first < next || first + count > end)
      return { ok: false, reason: "a run is invalid" };
    if (filled + count > rest.chunkCount) return { ok: false, reason: "more chunks than counted" };
    for (let at = 0; at < count; at++) chunkIndexes[filled++] = first + at;
    next = first + count;
  }
  if (filled < rest.chunkCount) return { ok: false, reason: "fewer chunks than counted" };
  return { ok: true, value: { manifest: rest, chunkIndexes } };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
