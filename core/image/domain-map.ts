/**
 * The used blocks of a file system, as `partclone.X -D` writes them: a ddrescue map file, lines of
 * `0xPOS 0xSIZE STATUS`, `+` used, `?` unused (GNU ddrescue manual, "Mapfile structure").
 */
import type { Decoded } from "../errors.ts";
import type { Extent } from "./extents.ts";

/**
 * The extents of a partition of `partitionBytes` that are in use, merged and in order. What the map
 * does not speak of counts as used: the map of NTFS ends at the last cluster, the backup boot sector
 * lies after it.
 */
export function decodeDomainMap(text: string, partitionBytes: number): Decoded<Extent[]> {
  const used: Extent[] = [];
  const add = (start: number, end: number): void => {
    const last = used.at(-1);
    if (end <= start) return;
    if (last !== undefined && last.start + last.length === start) {
      used[used.length - 1] = { start: last.start, length: end - last.start };
    } else used.push({ start, length: end - start });
  };
  let at = 0;
  let lineCount = 0;
  let statusSeen = false;
  for (const line of text.split("\n")) {
    const fields = line.trim();
    if (fields === "" || fields.startsWith("#")) continue;
    if (!statusSeen && /^0x[0-9a-f]+\s+[?*/\-+FG](\s+\d+)?$/i.test(fields)) {
      // The first line that is no comment is the position of ddrescue itself.
      statusSeen = true;
      continue;
    }
    const found = /^(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+([?*/\-+])$/i.exec(fields);
    if (found === null) return { ok: false, reason: `an invalid line: ${fields.slice(0, 80)}` };
    statusSeen = true;
    lineCount++;
    const start = Number(found[1]);
    const length = Number(found[2]);
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(length)) {
      return { ok: false, reason: "a number out of range" };
    }
    if (start < at) return { ok: false, reason: "ranges out of order" };
    add(at, Math.min(start, partitionBytes));
    const end = Math.min(start + length, partitionBytes);
    if (found[3] !== "?") add(Math.min(start, partitionBytes), end);
    at = Math.max(at, end);
  }
  if (lineCount === 0) return { ok: false, reason: "no ranges" };
  add(at, partitionBytes);
  return { ok: true, value: used };
}
