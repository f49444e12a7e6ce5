/** Windows on an NTFS volume: its name, and what a generalised one asks for at its first start. */
import { RoomcastError } from "../../../core/errors.ts";
import type { DiskOptions, SystemOptions, Volume } from "../system.ts";
import { answer } from "./answer.ts";
import { driverFolder, putDrivers } from "./drivers.ts";
import { editHive } from "./edit-hive.ts";
import { controlSets, nameChanges, requireWindowsName } from "./name.ts";
import { asWindows, find, withNtfs } from "./ntfs.ts";
import { putSshKeys } from "./ssh-keys.ts";
import { isGeneralised, notGeneralised, openSystemHive, systemHive } from "./state.ts";
import { type Changed, type Done, done, left, Steps } from "./steps.ts";
import { rewriteFile } from "./write.ts";

type Options = SystemOptions & Pick<DiskOptions, "driver">;

/** As `Personalise` has it. */
export async function personaliseWindows(volume: Volume, options: Options): Promise<boolean> {
  if (volume.fs !== "ntfs") return false;
  const { device } = volume;
  const { signal } = options;
  const steps = new Steps(volume, options);
  let isWindows = true;
  await steps.run("volume", async () => {
    const look = (root: string) => find(root, ...systemHive);
    isWindows = (await withNtfs(device, { write: false, signal }, look)) !== null;
    if (!isWindows) return null;
    const work = (root: string) => personalise(root, steps, options);
    await withNtfs(device, { write: true, signal }, work);
    return null;
  });
  return isWindows;
}

async function personalise(root: string, steps: Steps, options: Options): Promise<void> {
  const { personal, signal } = options;
  const isFresh = await isGeneralised(root);
  if (isFresh) await steps.run("answer file", (changed) => answer(root, personal, changed));
  else {
    await steps.run("name", (changed) => rename(root, options, changed));
    await steps.run("clones", async () => left(notGeneralised));
    await steps.run("settings", async () => settingsLeft(options));
  }
  await steps.run("drivers", async (changed) => {
    const wanted = personal.windows?.drivers ?? [];
    if (wanted.length === 0) return null;
    await putDrivers(root, wanted, { ...options, signal, changed });
    const where = `${wanted.length} files in ${driverFolder}`;
    return isFresh
      ? done(`${where}, to be installed at the first start`)
      : left(`${where}; run \`pnputil /add-driver ${driverFolder}\\*.inf /subdirs /install\``);
  });
  await steps.run("administrators' SSH keys", (changed) =>
    putSshKeys(root, personal.sshKeys, changed),
  );
  if (personal.address.kind === "static") await steps.run("address", async () => left(addressLeft));
  if (personal.windows?.isJoinWithheld) await steps.run("domain join", async () => left(withheld));
}

const addressLeft =
  "Windows keeps an address under a number that each card has on each PC alone: have it reserved " +
  "by DHCP (`room set R --address reserved`)";

const withheld =
  "the server has a blob of djoin for this PC, and gives it to a PC that has proven its key alone " +
  "(`room set R --secrets unproven` gives it to any)";

/** Windows that has been set up has its name in the registry. */
async function rename(
  root: string,
  { personal: { name, domain }, signal }: SystemOptions,
  changed: Changed,
): Promise<Done> {
  requireWindowsName(name);
  const { path, file, hive } = await openSystemHive(root);
  const sets = controlSets(hive);
  if (sets.length === 0) {
    const next = "see on the master whether this is a whole Windows";
    throw new RoomcastError("bad-input", "its registry has no place for a computer name", next);
  }
  const changes = nameChanges(hive, name, domain);
  if (changes.length === 0) return done(`it is ${name} already`);
  await rewriteFile(path, file, await editHive(file, changes, signal));
  changed(asWindows(root, path));
  return done(`${name}, in ${sets.join(" and ")}`);
}

/** What only an answer file can tell a Windows. */
function settingsLeft({ personal: { windows } }: SystemOptions): Done {
  const set = [
    ...(windows?.locale ? ["locale"] : []),
    ...(windows?.timeZone ? ["time zone"] : []),
    ...(windows?.joinBlob ? ["domain join"] : []),
    ...(windows?.firstLogon ? ["first-logon script"] : []),
  ];
  if (set.length === 0) return null;
  return left(`${set.join(", ")}: Windows takes this at its first start after sysprep alone`);
}
