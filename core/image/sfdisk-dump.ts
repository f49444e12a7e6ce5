/** A partition table as `sfdisk --dump` writes it, which Clonezilla and FOG keep (sfdisk(8), "Input formats"). */
import type { Decoded } from "../errors.ts";

export interface DumpedPartition {
  /** The number at the end of the device's name. */
  readonly index: number;
  /** The name without `/dev/`. */
  readonly device: string;
  /** In sectors. */
  readonly start: number;
  readonly count: number;
  /** A GUID in lower case, or `0x83`. */
  readonly type: string;
  readonly isBootable: boolean;
}

export interface SfdiskDump {
  readonly kind: "gpt" | "mbr";
  /** null: it does not say, and 512 is meant. */
  readonly logicalSector: number | null;
  /** Of the disk; null: it does not say, as those of `sfdisk --dump` itself. */
  readonly diskBytes: number | null;
  /** Without empty entries; the extended partition of an MBR is among them. */
  readonly partitions: readonly DumpedPartition[];
}

const lineLimit = 1024;

export function decodeSfdiskDump(text: string): Decoded<SfdiskDump> {
  let label = "";
  let logicalSector: number | null = null;
  let diskBytes: number | null = null;
  const partitions: DumpedPartition[] = [];
  const lines = text.split("\n");
  if (lines.length > lineLimit) return { ok: false, reason: "too long" };
  for (const line of lines) {
    // As `sfdisk --list` writes it, which some folders have before the dump.
    const size = /^#?\s*Disk \/\S+: .*?(\d+) bytes/.exec(line);
    if (size !== null) diskBytes = Number(size[1]);
    const head = /^([a-z-]+):\s*(\S.*)$/.exec(line.trim());
    if (head !== null) {
      if (head[1] === "label") label = head[2] as string;
      if (head[1] === "sector-size") logicalSector = Number(head[2]);
      continue;
    }
    const found = /^(?:\/dev\/)?(\S*?(\d+))\s*:\s*(.*)$/.exec(line.trim());
    if (found === null) continue;
    const [, device = "", index = "", rest = ""] = found;
    const fields = new Map(
      rest.split(",").map((field): [string, string] => {
        const [key = "", value = ""] = field.split("=");
        return [key.trim().toLowerCase(), value.trim()];
      }),
    );
    const start = Number(fields.get("start"));
    const count = Number(fields.get("size"));
    const type = fields.get("type") ?? fields.get("id") ?? "";
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(count)) {
      return { ok: false, reason: `an invalid line: ${line.slice(0, 80)}` };
    }
    if (count === 0) continue;
    partitions.push({
      index: Number(index),
      device,
      start,
      count,
      type: /^[0-9a-f]{1,2}$/i.test(type)
        ? `0x${type.toLowerCase().padStart(2, "0")}`
        : type.toLowerCase(),
      isBootable: fields.has("bootable"),
    });
  }
  if (partitions.length === 0) return { ok: false, reason: "no partitions" };
  if (label !== "" && label !== "gpt" && label !== "dos") {
    return { ok: false, reason: `a table of kind ${label.slice(0, 20)}` };
  }
  if (logicalSector !== null && ![512, 1024, 2048, 4096].includes(logicalSector)) {
    return { ok: false, reason: `sectors of ${logicalSector} bytes` };
  }
  const isGpt = label === "gpt" || partitions.every(({ type }) => type.length === 36);
  return { ok: true, value: { kind: isGpt ? "gpt" : "mbr", logicalSector, diskBytes, partitions } };
}
