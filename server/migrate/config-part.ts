/** The configuration's part of a campus: from the words of a command line, and into the file of a server. */
import { parse, stringify } from "smol-toml";
import { Value } from "typebox/value";
import { RoomcastError } from "../../core/errors.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import { Config, decodeConfig } from "../host/config.ts";
import type { CampusSettings } from "./ends.ts";

type Storage = CampusSettings["storage"];
const storageSchema = Config.properties.store.properties.s3;

/** `--s3`: KEY=VALUE words. Throws `usage` for what is no setting of the storage, or lacks one. */
export function storageOfWords(words: readonly string[]): Storage {
  const values: Record<string, string | boolean> = {};
  for (const word of words) {
    const [key = "", ...rest] = word.split("=");
    const value = rest.join("=");
    if (rest.length === 0 || value === "") throw noStorage(`${word} is not KEY=VALUE`);
    values[key] =
      key === "forcePathStyle" && /^(true|false)$/.test(value) ? value === "true" : value;
  }
  return checked(values);
}

/** `--s3`: a file with the settings of the storage, alone or in the configuration of a server. Throws `bad-input`, and `usage` as above. */
export function storageOfFile(text: string, path: string): Storage {
  let value: Record<string, unknown>;
  try {
    value = parse(text);
  } catch (cause) {
    const next = "name the configuration of a server of the campus, or a file with [store.s3]";
    throw new RoomcastError("bad-input", `${path} is no TOML`, next, { cause });
  }
  const { store } = value as { store?: { s3?: unknown } };
  return checked(store?.s3 ?? value);
}

function checked(value: unknown): Storage {
  if (Value.Check(storageSchema, value)) return { forcePathStyle: false, ...value };
  const [first] = Value.Errors(storageSchema, value);
  throw noStorage(`${first?.instancePath ?? ""} ${first?.message ?? "is wrong"}`.trim());
}

const noStorage = (why: string): RoomcastError =>
  new RoomcastError(
    "usage",
    `--s3 does not say what the storage is: ${why}`,
    "give endpoint=, region=, bucket=, accessKeyFile= and secretKeyFile=, or name a file that has [store.s3]",
  );

type Tables = readonly (readonly [table: string, values: Readonly<Record<string, unknown>>])[];

/** The tables of a campus, as they stand in a configuration. */
function tablesOf({ server, database, storage, seal }: CampusSettings, isNamed: boolean): Tables {
  return [
    ...(isNamed ? [["server", { name: server }] as const] : []),
    ["state", { ...database }],
    ...(seal === null ? [] : [["store", { seal }] as const]),
    ["store.s3", { ...storage }],
  ];
}

/** As TOML. `isNamed`: the server's name is not its host's. */
export const partText = (settings: CampusSettings, isNamed: boolean): string =>
  tablesOf(settings, isNamed)
    .map(([table, values]) => `[${table}]\n${stringify(values).trimEnd()}\n`)
    .join("\n");

/**
 * The text of a configuration with the part of a campus in it; null: it has it already. All else, and its comments, stay.
 * Throws `conflict` for one of another campus, and where it is written so that it cannot be done.
 */
export function withPart(
  text: string,
  path: string,
  { settings, isNamed }: { readonly settings: CampusSettings; readonly isNamed: boolean },
): string | null {
  const before = decodeConfig(text, path);
  const wanted = merged(before, settings, isNamed);
  if (isSame(before, wanted)) return null;
  if (before.state !== undefined || before.store?.s3 !== undefined) {
    const what = `${path} has the settings of another campus`;
    const next = "leave that one first: roomcast migrate --out";
    throw new RoomcastError("conflict", what, next);
  }
  let written = text;
  for (const [table, values] of tablesOf(settings, isNamed))
    written = withTable(written, table, stringify(values).trimEnd());
  if (isReadAs(written, path, wanted)) return written;
  throw new RoomcastError(
    "conflict",
    `${path} is written so that this cannot be put into it`,
    "put in by hand what is printed without --write",
  );
}

function merged(before: Config, settings: CampusSettings, isNamed: boolean): Config {
  const { server: name, database, storage, seal } = settings;
  return {
    ...before,
    ...(isNamed ? { server: { ...before.server, name } } : {}),
    state: { ...database },
    store: { ...before.store, ...(seal === null ? {} : { seal }), s3: { ...storage } },
  };
}

function withTable(text: string, table: string, lines: string): string {
  const escaped = table.replaceAll(".", "\\.");
  const header = new RegExp(`^[ \\t]*\\[[ \\t]*${escaped}[ \\t]*\\][ \\t]*(#.*)?$`, "m");
  const found = header.exec(text);
  if (found === null) return `${text.trimEnd()}\n\n[${table}]\n${lines}\n`.trimStart();
  const at = found.index + found[0].length;
  return `${text.slice(0, at)}\n${lines}${text.slice(at)}`;
}

function isReadAs(text: string, path: string, wanted: Config): boolean {
  try {
    return isSame(decodeConfig(text, path), wanted);
  } catch {
    return false;
  }
}

const isSame = (one: Config, other: Config): boolean => canonicalJson(one) === canonicalJson(other);
