/** What a Linux system mounts, and from where (fstab(5)). */

export interface FstabEntry {
  /** `UUID=…`, `/dev/mapper/…` */
  readonly source: string;
  readonly where: string;
  readonly fs: string;
  readonly options: readonly string[];
}

/** Of more lines the rest is left out. */
const linesLimit = 256;

/** The entries of volumes that are mounted at the system's start, those that others lie in first. */
export const fstabEntries = (text: string): FstabEntry[] =>
  text
    .split("\n")
    .slice(0, linesLimit)
    .map((line) =>
      line
        .trim()
        .split(/[ \t]+/)
        .map(unescaped),
    )
    .flatMap(([source = "", where = "", fs = "", options = ""]) =>
      source.startsWith("#") || !where.startsWith("/")
        ? []
        : [{ source, where, fs, options: options.split(",") }],
    )
    .filter(({ options }) => !options.includes("noauto"))
    .sort((one, other) => depthOf(one) - depthOf(other));

const depthOf = ({ where }: FstabEntry): number => where.split("/").filter(Boolean).length;

/** A blank is `\040`. */
const unescaped = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8) & 0xff),
  );

/** What a volume can be named by. */
export interface VolumeNames {
  /** `partition 2`, `debian-vg/root` */
  readonly name: string;
  readonly uuid: string | null;
  readonly label: string | null;
  readonly partUuid: string | null;
}

/**
 * Whether an entry means this volume. `disk`: the device file of the disk, as the system calls it, if
 * that is known: `/dev/sda` of the system's own `/dev/sda2`.
 */
export function isNamed(source: string, volume: VolumeNames, disk: string | null): boolean {
  const { name, uuid, label, partUuid } = volume;
  const tag = /^(UUID|LABEL|PARTUUID)=(["']?)(.*)\2$/.exec(source);
  const byId = /^\/dev\/disk\/by-(uuid|label|partuuid)\/(.*)$/.exec(source);
  const kind = (tag?.[1] ?? byId?.[1] ?? "").toUpperCase();
  const value = tag?.[3] ?? byId?.[2] ?? "";
  switch (kind) {
    case "UUID":
      return value.toLowerCase() === uuid?.toLowerCase();
    case "LABEL":
      return value === label;
    case "PARTUUID":
      return value.toLowerCase() === partUuid?.toLowerCase();
  }
  if (source === `/dev/${name}` || source === mapperPath(name)) return true;
  return disk !== null && source === partitionPath(disk, name);
}

/** `/dev/sda` of `/dev/sda2`, `/dev/nvme0n1` of `/dev/nvme0n1p2`; null of anything else. */
export const diskOf = (source: string): string | null =>
  /^(\/dev\/(?:[hsv]d[a-z]+|xvd[a-z]+|(?:nvme\d+n|mmcblk)\d+(?=p)))p?\d+$/.exec(source)?.[1] ??
  null;

/** dmsetup(8): a hyphen in a name is doubled, one alone stands between group and volume. */
function mapperPath(name: string): string | null {
  const parts = name.split("/");
  if (parts.length !== 2) return null;
  return `/dev/mapper/${parts.map((part) => part.replaceAll("-", "--")).join("-")}`;
}

function partitionPath(disk: string, name: string): string | null {
  const index = /^partition (\d+)$/.exec(name)?.[1];
  return index === undefined ? null : `${disk}${/\d$/.test(disk) ? "p" : ""}${index}`;
}
