/** Values of a hive set by libhivex, in a process of its own, and proven before anything is written. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RoomcastError } from "../../../core/errors.ts";
import { runTool } from "../../disk/tool.ts";
import { decodeHive, type HiveKey, type HiveValue, isDirtyHive, keyAt } from "./hive.ts";

/** Texts (type 1) that a key is to have. The key is there. */
export interface KeyChange {
  readonly path: readonly string[];
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * The hive with the changes. All else in it is as before, or it rejects: with `bad-input` for a hive that
 * cannot be read, with `failed` when the tool did something else than that.
 */
export async function editHive(
  file: Uint8Array,
  changes: readonly KeyChange[],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const before = readHive(file);
  const wanted = changes.map(({ path, texts }) => ({
    path,
    values: withTexts(keyAt(before, ...path)?.values ?? [], texts),
  }));
  const folder = await mkdtemp(join(tmpdir(), "roomcast-hive-"));
  try {
    const hive = join(folder, "hive");
    const script = join(folder, "script");
    await writeFile(hive, file);
    await writeFile(script, scriptOf(wanted));
    const { status, complaint } = await runTool("hivexsh", ["-w", "-f", script, hive], signal);
    if (status !== 0) throw failed(`hivexsh ended with ${status}: ${complaint}`);
    const edited = await readFile(hive);
    requireSame(before, edited, wanted);
    return edited;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The root of a hive that is whole and clean; else it rejects with `bad-input`, and what helps. */
export function readHive(file: Uint8Array): HiveKey {
  const hive = decodeHive(file);
  const repair = "start the master from it, see that Windows is whole there, and capture again";
  if (!hive.ok)
    throw new RoomcastError(
      "bad-input",
      `its registry (SYSTEM) is damaged: ${hive.reason}`,
      repair,
    );
  if (!isDirtyHive(file)) return hive.value;
  const next = "start the master, run `shutdown /s /f /t 0` in Windows, and capture again";
  throw new RoomcastError("bad-input", "changes to its registry (SYSTEM) wait in its log", next);
}

interface KeyValues {
  readonly path: readonly string[];
  readonly values: readonly HiveValue[];
}

/** Those that are there keep their place and spelling. */
function withTexts(
  values: readonly HiveValue[],
  texts: Readonly<Record<string, string>>,
): HiveValue[] {
  const left = new Map(
    Object.entries(texts).map(([name, text]) => [name.toLowerCase(), { name, text }]),
  );
  const kept = values.map((value) => {
    const change = left.get(value.name.toLowerCase());
    left.delete(value.name.toLowerCase());
    return change === undefined ? value : textValue(value.name, change.text);
  });
  return [...kept, ...[...left.values()].map(({ name, text }) => textValue(name, text))];
}

const textValue = (name: string, text: string): HiveValue => ({
  ...{ name, type: 1 },
  data: Buffer.from(`${text}\0`, "utf16le"),
});

/** hivexsh(1): `setval` replaces all the values of a key, each of which is two lines. */
function scriptOf(keys: readonly KeyValues[]): string {
  const lines = keys.flatMap(({ path, values }) => [
    `cd \\${path.join("\\")}`,
    `setval ${values.length}`,
    ...values.flatMap(({ name, type, data }) => [
      name === "" ? "@" : name,
      `hex:${type}:${[...data].map((byte) => byte.toString(16).padStart(2, "0")).join(",")}`,
    ]),
  ]);
  return `${[...lines, "commit"].join("\n")}\n`;
}

/** Rejects unless the edited hive has these values in these keys, and all else is as before. */
function requireSame(before: HiveKey, edited: Uint8Array, wanted: readonly KeyValues[]): void {
  const after = decodeHive(edited);
  if (!after.ok) throw failed(`hivexsh has left a damaged hive: ${after.reason}`);
  const changed = new Map(wanted.map(({ path, values }) => [keyAt(before, ...path), values]));
  const pairs: [HiveKey, HiveKey][] = [[before, after.value]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [old, now] = pair;
    const values = changed.get(old) ?? old.values;
    const isSame = old.name === now.name && old.keys.length === now.keys.length;
    if (!isSame || !areSame(values, now.values))
      throw failed(`hivexsh has left another hive than it was told to, at key ${old.name}`);
    for (const [index, key] of old.keys.entries()) pairs.push([key, now.keys[index] as HiveKey]);
  }
  if (isDirtyHive(edited)) throw failed("hivexsh has left a hive that is not clean");
}

const areSame = (some: readonly HiveValue[], others: readonly HiveValue[]): boolean =>
  some.length === others.length &&
  some.every((value, index) => {
    const other = others[index] as HiveValue;
    const isSame = value.name === other.name && value.type === other.type;
    return isSame && Buffer.compare(value.data, other.data) === 0;
  });

const failed = (what: string): RoomcastError =>
  new RoomcastError("failed", what, "nothing was written; tell whoever made the image");
