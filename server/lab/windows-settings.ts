/**
 * What the owner keeps for the Windows PCs of a room in the data folder, `windows/ROOM/…`, all of it optional:
 * `settings.toml` (locale, timeZone), `first-logon.cmd`, and `join/NAME.blob` for each PC, as
 * `djoin /provision /savefile` makes it. It is read at the moment of need.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { foldedName } from "../../core/wire/names.ts";
import { WindowsPersonal } from "../../core/wire/personal.ts";

const { locale, timeZone, joinBlob, firstLogon } = WindowsPersonal.properties;
const SettingsFile = Type.Object(
  { locale: Type.Optional(locale), timeZone: Type.Optional(timeZone) },
  { additionalProperties: false },
);

export interface WindowsPc {
  readonly room: string;
  /** The PC's own. */
  readonly name: string;
  /** Whether it may be given what must not get into other hands. */
  readonly maySecrets: boolean;
}

/** `folder`: `windows` in the data folder. Throws `bad-input` for a file that is not as it has to be. */
export async function windowsSettings(
  folder: string,
  { room, name, maySecrets }: WindowsPc,
): Promise<Omit<WindowsPersonal, "drivers">> {
  const within = await entryNamed(folder, room);
  const settings = within === null ? {} : await settingsIn(join(within, "settings.toml"));
  const script = within === null ? null : await contentOf(join(within, "first-logon.cmd"));
  const blobFile = within === null ? null : await entryNamed(join(within, "join"), `${name}.blob`);
  const blob = blobFile === null || !maySecrets ? null : await textIn(blobFile);
  return {
    locale: settings.locale ?? null,
    timeZone: settings.timeZone ?? null,
    joinBlob: blobFile === null ? null : checked(joinBlob, blob?.trim() ?? null, blobFile),
    isJoinWithheld: blobFile !== null && !maySecrets,
    firstLogon:
      within === null ? null : checked(firstLogon, script?.toString("latin1") || null, within),
  };
}

async function settingsIn(path: string): Promise<Static<typeof SettingsFile>> {
  const text = await contentOf(path);
  if (text === null) return {};
  try {
    const settings = parse(text.toString());
    if (Value.Check(SettingsFile, settings)) return settings;
  } catch (error) {
    throw wrong(path, errorText(error));
  }
  throw wrong(
    path,
    'it has `locale = "de-DE"` and `timeZone = "W. Europe Standard Time"`, or one of them',
  );
}

/** djoin writes UTF-16, which begins so, and ends its text with a zero. */
async function textIn(path: string): Promise<string> {
  const content = (await contentOf(path)) ?? Buffer.alloc(0);
  const isWide = content[0] === 0xff && content[1] === 0xfe;
  return new TextDecoder(isWide ? "utf-16le" : "utf-8").decode(content).replaceAll("\0", "");
}

function checked<T extends typeof joinBlob | typeof firstLogon>(
  schema: T,
  text: string | null,
  path: string,
): string | null {
  if (Value.Check(schema, text)) return text;
  throw wrong(path, "its text is not what it has to be, or too long");
}

/** What in a folder is named so, whatever the case; null: nothing. */
async function entryNamed(folder: string, name: string): Promise<string | null> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const found = names.find((each) => foldedName(each) === foldedName(name));
  return found === undefined ? null : join(folder, found);
}

const contentOf = (path: string): Promise<Buffer | null> =>
  readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });

const wrong = (path: string, reason: string): RoomcastError =>
  new RoomcastError("bad-input", `${path}: ${reason}`, "see docs/personalise.md, Windows");
