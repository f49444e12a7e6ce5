/** The answer file of one PC, put where a generalised Windows looks for it. */
import { type Decoded, RoomcastError } from "../../../core/errors.ts";
import type { Personal } from "../../../core/wire/personal.ts";
import { answerFile, isPending } from "./answer-file.ts";
import { driverFolder } from "./drivers.ts";
import { architectureOf, namedAnswerFile, requireWindowsName } from "./name.ts";
import { asWindows, contentOf, find, makeFolders } from "./ntfs.ts";
import { openSystemHive } from "./state.ts";
import { type Changed, type Done, done } from "./steps.ts";
import { expectedOf, putFile } from "./write.ts";

/** Those of Windows' own tool have some hundred lines. */
const limitBytes = 4 << 20;

type Place = readonly [folder: readonly string[], file: string];
const panther: Place = [["Windows", "Panther"], "unattend.xml"];
const script: Place = [["Windows", "Setup", "Scripts"], "roomcast-first-logon.cmd"];
/** Where Windows looks first. */
const earlier: readonly Place[] = [
  [["Windows", "Panther", "Unattend"], "unattend.xml"],
  [["Windows", "Panther", "Unattend"], "autounattend.xml"],
];
/** In the order in which Windows looks, which Microsoft documents ("Windows Setup automation overview"). */
const places: readonly Place[] = [
  ...earlier,
  panther,
  [["Windows", "System32", "Sysprep"], "unattend.xml"],
  [[], "unattend.xml"],
];

/** pnputil ends with other numbers than 0 where nothing has failed, and Setup would stop at them. */
const addDrivers = `cmd.exe /c "pnputil.exe /add-driver ${driverFolder}\\*.inf /subdirs /install & exit /b 0"`;

/** Rejects with `bad-input` when the image has an answer file that cannot be read: ours would hide it. */
export async function answer(
  root: string,
  { name, windows }: Pick<Personal, "name" | "windows">,
  changed: Changed,
): Promise<Done> {
  requireWindowsName(name);
  const { hive } = await openSystemHive(root);
  const named = namedAnswerFile(hive);
  if (named !== "") {
    const what = `the image names another answer file, which comes before this: ${named}`;
    const next = "remove HKLM\\SYSTEM\\Setup\\UnattendFile before sysprep, and capture again";
    throw new RoomcastError("refused", what, next);
  }
  const firstLogon = windows?.firstLogon ?? null;
  const made = answerFile(await imagesOwn(root), {
    ...{ name, architecture: architectureOf(hive) },
    locale: windows?.locale ?? null,
    timeZone: windows?.timeZone ?? null,
    joinBlob: windows?.joinBlob ?? null,
    firstLogon: firstLogon === null ? null : `cmd.exe /c ${asWindows("", pathOf(script))}`,
    setup: windows?.drivers.length ? addDrivers : null,
  });
  if (!made.ok) throw unreadable(panther, made.reason);

  const put = async ([folder, file]: Place, content: Buffer): Promise<void> => {
    const within = await makeFolders(root, folder);
    const path = (await find(within, file)) ?? `${within}/${file}`;
    const isNew = await putFile(path, expectedOf(content), () => [content]);
    if (isNew) changed(asWindows(root, path));
  };
  // cmd.exe finds its labels by lines that end as Windows ends them.
  if (firstLogon !== null)
    await put(script, Buffer.from(firstLogon.replace(/\r?\n/g, "\r\n"), "latin1"));
  const text = Buffer.from(made.value);
  for (const place of earlier)
    if ((await find(root, ...namesOf(place))) !== null) await put(place, text);
  await put(panther, text);
  return done(`${name}, for the first start after sysprep`);
}

const namesOf = ([folder, file]: Place): readonly string[] => [...folder, file];
const pathOf = (place: Place): string => `/${namesOf(place).join("/")}`;

/** The answer file that Windows would take: the first that has something left to answer. */
async function imagesOwn(root: string): Promise<string | null> {
  for (const place of places) {
    const content = await contentOf(root, namesOf(place), limitBytes);
    if (content === null) continue;
    const text = decoded(content);
    if (!text.ok) throw unreadable(place, text.reason);
    const pending = isPending(text.value);
    if (!pending.ok) throw unreadable(place, pending.reason);
    if (pending.value) return text.value;
  }
  return null;
}

/** By how it begins, else by what it says of itself, which is then made true of the text as we write it. */
function decoded(content: Uint8Array): Decoded<string> {
  const said = encodingSaid.exec(new TextDecoder("latin1").decode(content.subarray(0, 256)))?.[2];
  const isWide = content[0] === 0xff && content[1] === 0xfe;
  const isMarked = content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf;
  const encoding = isWide ? "utf-16le" : isMarked ? "utf-8" : (said ?? "utf-8");
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(content);
    return { ok: true, value: text.replace(encodingSaid, "$1utf-8") };
  } catch {
    return { ok: false, reason: `it is no text in ${encoding}; save it as UTF-8` };
  }
}

/** Another one than the UTF-8 that we write. */
const encodingSaid = /^(<\?xml\s[^>]*?\bencoding\s*=\s*["'])(?!utf-8["'])([^"'>]*)/i;

const unreadable = (place: Place, reason: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the image's answer file ${asWindows("", pathOf(place))} is not understood: ${reason}`,
    "mend it on the master and capture again",
  );
