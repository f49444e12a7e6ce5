/**
 * After a restore the firmware's boot entries are put right, on a PC with UEFI. They lie in the PC's
 * NVRAM and not on its disk: a firmware that refuses is told, and the restore is none the worse.
 */
import { existsSync, readdirSync } from "node:fs";
import { realpath } from "node:fs/promises";
import {
  type BootPlan,
  planBootEntries,
  type SystemPartition,
} from "../../../core/boot/boot-entries.ts";
import { encodeNumbers } from "../../../core/boot/efi-entry.ts";
import { errorText } from "../../../core/errors.ts";
import { partOf } from "../../../core/image/byte-source.ts";
import { fatFiles } from "../../../core/image/fat-files.ts";
import { type GptPartition, gptPartitions } from "../../../core/image/gpt.ts";
import type { Personal } from "../../../core/wire/personal.ts";
import type { StepView } from "../../../core/wire/views.ts";
import { type Disk, openDisk, sourceOf } from "../../disk/disk.ts";
import { listDisks } from "../../disk/disks.ts";
import { systemRoots } from "../../disk/sysfs.ts";
import { runTool } from "../../disk/tool.ts";
import { EfiVariables } from "./efi-variables.ts";

export interface BootEntriesOptions {
  /** The restored disk. */
  readonly disk: string;
  readonly bootFirst: Personal["bootFirst"];
  readonly signal: AbortSignal;
  /** Of the partitions that the disk had before it was restored, as `partitionGuids` answered then. */
  readonly formerGuids: ReadonlySet<string>;
  /** The other disks of the PC: by default those that it has. */
  readonly otherDisks?: readonly string[];
  /** The firmware's folder in sysfs. */
  readonly firmware?: string;
}

/** EFI system partition (UEFI 2.10, section 5.3.3) */
const systemPartitionType = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
/** `\EFI\Microsoft\Boot\bootmgfw.efi` is the deepest. */
const loaderDepth = 3;
const stepName = "UEFI boot entries";
/** Characters of a step's detail. */
const detailLimit = 2048;

/** The step that was done, or left; null on a PC without UEFI. */
export async function setBootEntries(options: BootEntriesOptions): Promise<StepView | null> {
  const { firmware = "/sys/firmware/efi", signal } = options;
  if (!existsSync(firmware)) return null;
  const step = (result: "done" | "left", detail: string): StepView => ({
    name: stepName,
    result,
    detail: detail.slice(0, detailLimit),
    files: [],
  });
  const folder = `${firmware}/efivars`;
  const variables = new EfiVariables(folder);
  const done: string[] = [];
  try {
    if (existsSync(folder) && readdirSync(folder).length === 0) {
      await runTool("mount", ["-t", "efivarfs", "efivarfs", folder], signal);
    }
    const disks = await readDisks(options);
    const plan = async (): Promise<BootPlan> =>
      planBootEntries({
        ...disks,
        variables: await variables.read(),
        bootFirst: options.bootFirst,
      });
    const wanted = await plan();
    await carryOut(wanted, variables, done);
    const rest = await plan();
    if (rest.removed.length + rest.written.length > 0 || rest.order !== null) {
      return step("left", `the firmware did not keep all of it: ${rest.notes.join(", ")}`);
    }
    const notes = [...disks.notes, ...wanted.notes];
    return step("done", notes.length === 0 ? "they are right already" : notes.join(", "));
  } catch (error) {
    signal.throwIfAborted();
    const before = done.length === 0 ? "" : `; before that: ${done.join(", ")}`;
    return step("left", `${reasonOf(error)}${before}`);
  }
}

async function carryOut(plan: BootPlan, variables: EfiVariables, done: string[]): Promise<void> {
  for (const number of plan.removed) {
    await variables.removeEntry(number);
    done.push("a stale entry removed");
  }
  for (const { number, bytes } of plan.written) {
    await variables.writeEntry(number, bytes);
    done.push("an entry written");
  }
  if (plan.order !== null) await variables.writeOrder(encodeNumbers(plan.order));
}

function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOSPC":
      return "the firmware's memory for variables is full: clear it in the firmware's setup";
    case "EROFS":
    case "EPERM":
    case "EACCES":
    case "EINVAL":
      return "the firmware's variables cannot be written; look for a lock in the firmware's setup";
    case "ENOENT":
      return "the firmware shows no variables";
    default:
      return errorText(error);
  }
}

/** Of all its partitions; none where there is no GPT. */
export async function partitionGuids(disk: Disk): Promise<Set<string>> {
  return new Set((await partitionsOf(disk)).map(({ guid }) => guid));
}

const partitionsOf = (disk: Disk): Promise<GptPartition[]> =>
  gptPartitions({ ...sourceOf(disk), diskBytes: disk.size, logicalSector: disk.logicalSector });

interface Disks {
  readonly systemPartitions: readonly SystemPartition[];
  readonly goneGuids: ReadonlySet<string>;
  /** What could not be read. */
  readonly notes: readonly string[];
}

async function readDisks(options: BootEntriesOptions): Promise<Disks> {
  const { disk, otherDisks, formerGuids } = options;
  const notes: string[] = [];
  const present = new Set<string>();
  const systemPartitions = await readDisk(disk, present, notes);
  const own = await realpath(disk);
  let isWhole = true;
  for (const path of otherDisks ?? listDisks(systemRoots).map((each) => each.path)) {
    if (path === own) continue;
    try {
      await using opened = await openDisk(path, { write: false });
      for (const guid of await partitionGuids(opened)) present.add(guid);
    } catch {
      isWhole = false;
      notes.push(`${path} could not be read, and so no entry was removed`);
    }
  }
  const gone = [...formerGuids].filter((guid) => isWhole && !present.has(guid));
  return { systemPartitions, goneGuids: new Set(gone), notes };
}

/** The restored disk's system partitions with their files; `guids` gets all its partitions. */
async function readDisk(
  path: string,
  guids: Set<string>,
  notes: string[],
): Promise<SystemPartition[]> {
  await using disk = await openDisk(path, { write: false });
  const { logicalSector } = disk;
  const source = sourceOf(disk);
  const partitions = await partitionsOf(disk);
  for (const { guid } of partitions) guids.add(guid);
  const found: SystemPartition[] = [];
  for (const partition of partitions.filter(({ type }) => type === systemPartitionType)) {
    const place = placeOf(partition, logicalSector);
    const part = partOf(source, place.start, place.length);
    const files = await fatFiles(part, { folder: "EFI", depth: loaderDepth });
    if (files.ok) found.push({ partition, files: files.value });
    else notes.push(`partition ${partition.number} cannot be read: ${files.reason}`);
  }
  return found;
}

const placeOf = (
  { firstLba, lbaCount }: GptPartition,
  logicalSector: number,
): { readonly start: number; readonly length: number } => ({
  start: firstLba * logicalSector,
  length: lbaCount * logicalSector,
});
