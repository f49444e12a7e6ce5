/**
 * What the firmware's boot entries are to be after a restore: the restored systems have theirs, what
 * points to partitions that are gone is removed, and the network or the disk comes first, as the room
 * says. What is not known for sure to be about this disk or a lost one stays as it is.
 */
import {
  active,
  decodeEntry,
  diskEntry,
  type EfiEntry,
  type EfiPartition,
  encodeEntry,
  entryNumber,
  fileOf,
  isApp,
  isNetwork,
  isOnMedia,
  isUsb,
  movedTo,
  partitionOf,
} from "./efi-entry.ts";

export interface BootVariables {
  /** The bytes of each Boot####, by its number. */
  readonly entries: ReadonlyMap<number, Uint8Array>;
  readonly order: readonly number[];
  /** What the firmware started: null, it does not say. */
  readonly current: number | null;
}

/** An EFI system partition of the restored disk. */
export interface SystemPartition {
  readonly partition: EfiPartition;
  /** Paths of its files, as in `\EFI\debian\shimx64.efi`. */
  readonly files: readonly string[];
}

export interface BootPlanOptions {
  readonly variables: BootVariables;
  readonly systemPartitions: readonly SystemPartition[];
  /** Of the partitions that the restored disk had before, and no disk has now. */
  readonly goneGuids: ReadonlySet<string>;
  readonly bootFirst: "network" | "disk";
}

export interface BootPlan {
  /** In this order: what is removed makes room for what is written, and the order comes last. */
  readonly removed: readonly number[];
  readonly written: readonly { readonly number: number; readonly bytes: Uint8Array }[];
  /** null: it is right. */
  readonly order: readonly number[] | null;
  /** What is done and what cannot be, in words. */
  readonly notes: readonly string[];
}

export function planBootEntries(options: BootPlanOptions): BootPlan {
  const { variables, goneGuids, bootFirst } = options;
  const entries: Entries = new Map();
  for (const [number, bytes] of variables.entries) {
    const entry = decodeEntry(bytes);
    if (entry.ok) entries.set(number, entry.value);
  }
  const stale = staleAmong(entries, goneGuids);
  const { own, written, notes } = ownEntries(options, { entries, stale });
  for (const number of stale) {
    const { description } = entries.get(number) as EfiEntry;
    notes.push(`${entryNumber(number)} ${description} removed: its partition is gone`);
    entries.delete(number);
  }
  const fromNetwork = [...entries.keys()].filter((number) =>
    startsFromNetwork(number, entries.get(number) as EfiEntry, variables),
  );
  const kept = [...new Set(variables.order)].filter((number) => !stale.has(number));
  // As they were; what is new comes after what was there.
  const disk = [...kept.filter((number) => own.includes(number)), ...own];
  const network = inOrder(fromNetwork, { variables, kept, entries });
  const first = bootFirst === "disk" ? disk : [...network, ...disk];
  const order = [...new Set([...first, ...kept])];
  const isSame = order.join() === variables.order.join();
  if (own.length === 0) notes.push("no loader was found on the disk");
  if (!isSame) notes.push(`order ${order.map(entryNumber).join(" ")}`);
  if (bootFirst === "network" && network.length === 0) {
    notes.push("no entry starts from the network: switch it on in the firmware's setup");
  }
  return { removed: [...stale], written, order: isSame ? null : order, notes };
}

/** Those that can be decoded, by number. */
type Entries = Map<number, EfiEntry>;

/**
 * On a partition that this disk had. What lies on another one may only be out of sight (USB disks, those behind a RAID
 * controller), and most entries do not say on what. A firmware's own tools are its affair.
 */
function staleAmong(entries: Entries, goneGuids: ReadonlySet<string>): Set<number> {
  const stale = new Set<number>();
  for (const [number, entry] of entries) {
    const partition = partitionOf(entry);
    if (partition === null || isUsb(entry) || isApp(entry)) continue;
    if (goneGuids.has(partition.guid)) stale.add(number);
  }
  return stale;
}

interface Own {
  /** In the loaders' order. */
  readonly own: number[];
  readonly written: { readonly number: number; readonly bytes: Uint8Array }[];
  readonly notes: string[];
}

/** An entry for each loader of the disk; `entries` gets what is written, and `stale` loses what is put right. */
function ownEntries(
  { variables, systemPartitions }: BootPlanOptions,
  { entries, stale }: { readonly entries: Entries; readonly stale: Set<number> },
): Own {
  const made: Own = { own: [], written: [], notes: [] };
  const write = (number: number, entry: EfiEntry, what: string): void => {
    entries.set(number, entry);
    made.written.push({ number, bytes: encodeEntry(entry) });
    made.notes.push(`${entryNumber(number)} ${entry.description} ${what}`);
  };
  for (const { partition, files } of systemPartitions) {
    for (const loader of loadersOf(files)) {
      const known = knownEntry({ entries, order: variables.order, partition, stale }, loader.file);
      const number = known ?? freeNumber(variables, entries);
      const entry = known === null ? undefined : entries.get(known);
      if (entry === undefined) write(number, diskEntry(partition, loader), "made");
      else if (!isRight(entry, partition)) write(number, movedTo(entry, partition), "corrected");
      stale.delete(number);
      made.own.push(number);
    }
  }
  return made;
}

/** The one that the PC was started with, those of the order, then those that the order leaves out. */
function inOrder(
  fromNetwork: readonly number[],
  {
    variables: { current },
    kept,
    entries,
  }: {
    readonly variables: BootVariables;
    readonly kept: readonly number[];
    readonly entries: Entries;
  },
): number[] {
  const isActive = (number: number): boolean =>
    ((entries.get(number) as EfiEntry).attributes & active) !== 0;
  return [
    ...fromNetwork.filter((number) => number === current),
    ...kept.filter((number) => fromNetwork.includes(number)),
    ...fromNetwork.filter(isActive),
  ];
}

/** Firmware that names its cards in a way of its own started the agent from the network all the same. */
const startsFromNetwork = (number: number, entry: EfiEntry, { current }: BootVariables): boolean =>
  isNetwork(entry) || (number === current && !isOnMedia(entry) && !isUsb(entry) && !isApp(entry));

interface Known {
  readonly entries: Entries;
  readonly order: readonly number[];
  readonly partition: EfiPartition;
  readonly stale: ReadonlySet<number>;
}

/** The entry of this loader: on this partition, else on one that is gone; the first of the order. */
function knownEntry({ entries, order, partition, stale }: Known, file: string): number | null {
  const numbers = [...new Set([...order, ...[...entries.keys()].sort((a, b) => a - b)])];
  const named = numbers.filter((number) => {
    const entry = entries.get(number);
    return entry !== undefined && fileOf(entry)?.toLowerCase() === file.toLowerCase();
  });
  const isHere = (number: number): boolean => {
    const entry = entries.get(number);
    return entry !== undefined && partitionOf(entry)?.guid === partition.guid;
  };
  return named.find(isHere) ?? named.find((number) => stale.has(number)) ?? null;
}

function isRight(entry: EfiEntry, partition: EfiPartition): boolean {
  const found = partitionOf(entry);
  return (
    (entry.attributes & active) !== 0 &&
    found?.number === partition.number &&
    found.firstLba === partition.firstLba &&
    found.lbaCount === partition.lbaCount &&
    found.guid === partition.guid
  );
}

/** Neither there nor in the order, which may name what is not there. */
function freeNumber(variables: BootVariables, entries: Entries): number {
  let number = 0;
  const isTaken = (): boolean =>
    entries.has(number) || variables.entries.has(number) || variables.order.includes(number);
  while (isTaken()) number++;
  return number;
}

interface Loader {
  readonly description: string;
  readonly file: string;
}

const fallback = "\\efi\\boot\\bootx64.efi";
const windows = "\\efi\\microsoft\\boot\\bootmgfw.efi";
/** In a system's own folder, the first that is there: shim, GRUB, FreeBSD's loader, systemd-boot. */
const ownLoaders = ["shimx64.efi", "grubx64.efi", "loader.efi", "systemd-bootx64.efi"];
const descriptions: Readonly<Record<string, string>> = {
  freebsd: "FreeBSD",
  fedora: "Fedora",
  systemd: "Linux Boot Manager",
};

/**
 * The systems' own loaders, Windows' last, for the others can start it; where there is none, the one that
 * firmware starts from any disk.
 */
function loadersOf(files: readonly string[]): Loader[] {
  const byPath = new Map(files.map((file) => [file.toLowerCase(), file]));
  const folders = new Set(
    [...byPath.keys()].flatMap((path) => /^\\efi\\([^\\]+)\\[^\\]+$/.exec(path)?.[1] ?? []),
  );
  const loaders: Loader[] = [];
  for (const folder of [...folders].sort()) {
    if (folder === "boot" || folder === "microsoft") continue;
    const name = ownLoaders.find((each) => byPath.has(`\\efi\\${folder}\\${each}`));
    if (name === undefined) continue;
    const file = byPath.get(`\\efi\\${folder}\\${name}`) as string;
    loaders.push({ description: descriptions[folder] ?? folder, file });
  }
  const bootManager = byPath.get(windows);
  if (bootManager !== undefined) {
    loaders.push({ description: "Windows Boot Manager", file: bootManager });
  }
  const last = byPath.get(fallback);
  if (loaders.length === 0 && last !== undefined) {
    loaders.push({ description: "Hard disk", file: last });
  }
  return loaders;
}
