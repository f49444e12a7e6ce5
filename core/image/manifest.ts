/** The manifest: canonical JSON (RFC 8785: sorted keys, no white space), decoded with every field checked. */
import type { Decoded } from "../errors.ts";
import { chunkBytes, chunkCountOf } from "../units/units.ts";
import type { Manifest, ManifestDraft } from "./types.ts";

/** A longer manifest is refused: 128 partitions and their warnings take some 64 KiB. */
export const manifestLimit = 4 * 1024 * 1024;

/**
 * RFC 8785, for what a manifest holds: strings, safe integers, booleans, null, arrays and objects.
 * Keys sort by UTF-16 code units, as `Array.prototype.sort` does.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, held]) => held !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([key, held]) => `${JSON.stringify(key)}:${canonicalJson(held)}`).join(",")}}`;
}

/** Reads a manifest's text. */
export const decodeManifest = (text: string): Decoded<Manifest> =>
  decodeText(text, { ...draftRules, ...stampRules }) as Decoded<Manifest>;

/** Reads a draft's text: a manifest without id, name, version, time and stored size. */
export const decodeManifestDraft = (text: string): Decoded<ManifestDraft> =>
  decodeText(text, draftRules) as Decoded<ManifestDraft>;

/** SHA-256 of a text's UTF-8, in lower-case hex. */
export type TextHash = (text: string) => string;

/** The manifest's file: the canonical JSON with one more field, `selfHash`, the hash of the rest. */
export const encodeManifestFile = (manifest: Manifest, hash: TextHash): string =>
  canonicalJson({ ...manifest, selfHash: hash(canonicalJson(manifest)) });

/** Reads a manifest's file; version 1 had no hash of itself. */
export function decodeManifestFile(source: string, hash: TextHash): Decoded<Manifest> {
  const parsed = source.length > manifestLimit ? null : parseObject(source);
  if (parsed?.formatVersion !== 2) return decodeManifest(source);
  const { selfHash, ...rest } = parsed;
  const bare = canonicalJson(rest);
  if (selfHash !== hash(bare)) return { ok: false, reason: "it does not match its own hash" };
  return decodeManifest(bare);
}

type Rule = (value: unknown) => boolean;

const text =
  (limit: number): Rule =>
  (value) =>
    typeof value === "string" && value.length <= limit;
const matches =
  (pattern: RegExp): Rule =>
  (value) =>
    typeof value === "string" && pattern.test(value);
const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null || rule(value);
const oneOf =
  (...values: readonly unknown[]): Rule =>
  (value) =>
    values.includes(value);
const count: Rule = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const list =
  (rule: Rule, limit: number): Rule =>
  (value) =>
    Array.isArray(value) && value.length <= limit && value.every(rule);

const partitionRules: Readonly<Record<string, Rule>> = {
  index: count,
  type: text(64),
  fs: orNull(text(64)),
  label: orNull(text(256)),
  uuid: orNull(text(64)),
  start: count,
  size: count,
  usedBytes: count,
  mode: oneOf("used", "raw", "skipped"),
};

const draftRules: Readonly<Record<string, Rule>> = {
  format: oneOf("roomcast-image"),
  formatVersion: oneOf(1, 2),
  source: text(1024),
  diskBytes: count,
  logicalSector: oneOf(512, 1024, 2048, 4096),
  chunkBytes: oneOf(chunkBytes),
  chunkCount: count,
  usedBytes: count,
  partitionTable: oneOf("gpt", "mbr", "none"),
  partitions: list((value) => misfitOf(value, partitionRules) === null, 1024),
  rootHash: matches(/^[0-9a-f]{64}$/),
  warnings: list(text(4096), 1024),
};

const stampRules: Readonly<Record<string, Rule>> = {
  id: matches(/^[0-9a-f]{16}$/),
  name: matches(/^[a-z0-9][a-z0-9._-]{0,62}$/),
  version: (value) => count(value) && (value as number) >= 1,
  capturedAt: matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  storedBytes: count,
};

function decodeText(source: string, rules: Readonly<Record<string, Rule>>): Decoded<unknown> {
  if (source.length > manifestLimit) return { ok: false, reason: "too long" };
  const value = parseObject(source);
  if (value === null) return { ok: false, reason: "not a JSON object" };
  const misfit = misfitOf(value, rules);
  if (misfit !== null) return { ok: false, reason: misfit };
  const manifest = value as unknown as ManifestDraft;
  const { diskBytes, chunkCount, partitions } = manifest;
  // The index numbers chunks in 32 bits.
  if (chunkCountOf(diskBytes) > 0xffff_ffff) return { ok: false, reason: "diskBytes: too large" };
  if (chunkCount > chunkCountOf(diskBytes)) return { ok: false, reason: "chunkCount: too large" };
  for (const { index, start, size } of partitions) {
    if (start + size > diskBytes) {
      return { ok: false, reason: `partition ${index} ends beyond the disk` };
    }
  }
  return { ok: true, value };
}

function parseObject(source: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(source);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What does not fit, or null. Fields that no rule knows are a misfit as well: the format has a version. */
function misfitOf(value: unknown, rules: Readonly<Record<string, Rule>>): string | null {
  if (!isObject(value)) return "no object";
  for (const [field, rule] of Object.entries(rules)) {
    if (!Object.hasOwn(value, field)) return `${field}: missing`;
    if (!rule(value[field])) return `${field}: not as the format has it`;
  }
  const unknown = Object.keys(value).find((field) => !Object.hasOwn(rules, field));
  return unknown === undefined ? null : `${unknown}: unknown field`;
}

/** NAME@VERSION, as people name an image. */
export const imageName = ({ name, version }: Pick<Manifest, "name" | "version">): string =>
  `${name}@${version}`;
