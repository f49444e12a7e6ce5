/** The manifest: canonical JSON (RFC 8785: sorted keys, no white space), decoded with every field checked. */
import type { Decoded } from "../errors.ts";
import { canonicalJson } from "../units/canonical-json.ts";
import { printableIn } from "../units/printable.ts";
import { chunkCountOf } from "../units/units.ts";
import { ManifestDraftFields, ManifestFields } from "../wire/manifest.ts";
import { fitted } from "../wire/misfit.ts";
import type { Manifest, ManifestDraft } from "./types.ts";

/** A longer manifest is refused: 128 partitions and their warnings take some 64 KiB. */
export const manifestLimit = 4 * 1024 * 1024;

/** Reads a manifest's text. */
export const decodeManifest = (text: string): Decoded<Manifest> =>
  decodeText(text, (value) => withOrigin(fitted(ManifestFields, value, "the manifest")));

/** Version 3 is of fitted images, and only that. */
function withOrigin(decoded: Decoded<Manifest>): Decoded<Manifest> {
  if (!decoded.ok) return decoded;
  const { formatVersion, fitOf, fitSize } = decoded.value;
  const isFitted = formatVersion === 3;
  if ((fitOf !== undefined) === isFitted && (fitSize !== undefined) === isFitted) return decoded;
  return {
    ok: false,
    reason: "it is of a fitted image, and does not say of which, or the reverse",
  };
}

/** Reads a draft's text: a manifest without id, name, version, time and stored size. */
export const decodeManifestDraft = (text: string): Decoded<ManifestDraft> =>
  decodeText(text, draftFields);

/** As `decodeManifestDraft`, of what was parsed as a part of another JSON text. */
export const parsedManifestDraft = (value: unknown): Decoded<ManifestDraft> =>
  consistent(draftFields(value));

/** Images that are there already may end within a sector. */
function draftFields(value: unknown): Decoded<ManifestDraft> {
  const decoded = fitted(ManifestDraftFields, value, "the manifest");
  if (!decoded.ok || decoded.value.diskBytes % decoded.value.logicalSector === 0) return decoded;
  return { ok: false, reason: "diskBytes is no whole number of sectors" };
}

/** SHA-256 of a text's UTF-8, in lower-case hex. */
export type TextHash = (text: string) => string;

/** The manifest's file: the canonical JSON with one more field, `selfHash`, the hash of the rest. */
export const encodeManifestFile = (manifest: Manifest, hash: TextHash): string =>
  canonicalJson({ ...manifest, selfHash: hash(canonicalJson(manifest)) });

/** Reads a manifest's file; version 1 had no hash of itself. */
export function decodeManifestFile(source: string, hash: TextHash): Decoded<Manifest> {
  const parsed = source.length > manifestLimit ? null : parseObject(source);
  const isHashed = parsed?.formatVersion === 2 || parsed?.formatVersion === 3;
  if (!isHashed) return decodeManifest(source);
  const { selfHash, ...rest } = parsed;
  const bare = canonicalJson(rest);
  if (selfHash !== hash(bare)) return { ok: false, reason: "it does not match its own hash" };
  return decodeManifest(bare);
}

function decodeText<T extends ManifestDraft>(
  source: string,
  decode: (value: unknown) => Decoded<T>,
): Decoded<T> {
  if (source.length > manifestLimit) return { ok: false, reason: "too long" };
  const value = parseObject(source);
  if (value === null) return { ok: false, reason: "not a JSON object" };
  return consistent(decode(value));
}

/** Holds the numbers of a manifest against each other; its words come from a disk, or from whoever sends it. */
function consistent<T extends ManifestDraft>(decoded: Decoded<T>): Decoded<T> {
  if (!decoded.ok) return decoded;
  const { diskBytes, chunkCount, partitions } = decoded.value;
  // The index numbers chunks in 32 bits.
  if (chunkCountOf(diskBytes) > 0xffff_ffff) return { ok: false, reason: "diskBytes is too large" };
  if (chunkCount > chunkCountOf(diskBytes)) return { ok: false, reason: "chunkCount is too large" };
  for (const { index, start, size } of partitions) {
    if (start + size > diskBytes) {
      return { ok: false, reason: `partition ${index} ends beyond the disk` };
    }
  }
  return { ok: true, value: printableIn(decoded.value) };
}

function parseObject(source: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(source);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

/** NAME@VERSION, as people name an image; of a fitted one NAME@VERSION-fit-SIZE. */
export const imageName = (image: {
  readonly name: string;
  readonly version: number;
  readonly fitSize?: string | null;
}): string => {
  const { name, version, fitSize = null } = image;
  return fitSize === null ? `${name}@${version}` : `${name}@${version}-fit-${fitSize}`;
};
