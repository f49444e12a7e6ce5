/** Labels of FreeBSD slices (struct disklabel of its sys/sys/disklabel.h), as `bsdlabel` writes them. */

/** In sectors; `start` counts from the slice's start. */
export interface BsdPart {
  readonly letter: string;
  readonly start: number;
  readonly size: number;
  /** fs_type: 1 swap, 7 4.2BSD. */
  readonly type: number;
}

/** What lies in the slice from byte 512 on. `base`: the slice's own start, for labels that count from the disk's. */
export function bsdLabel(parts: readonly BsdPart[], sliceSectors: number, base = 0): Buffer {
  const label = Buffer.alloc(512);
  for (const at of [0, 132]) label.writeUInt32LE(0x82564557, at);
  label.writeUInt32LE(512, 40);
  const whole = { letter: "c", start: 0, size: sliceSectors, type: 0 };
  const all = [...parts, whole].map((part) => ({ ...part, index: part.letter.charCodeAt(0) - 97 }));
  const count = Math.max(...all.map(({ index }) => index)) + 1;
  label.writeUInt16LE(count, 138);
  for (const { index, start, size, type } of all) {
    label.writeUInt32LE(size, 148 + 16 * index);
    label.writeUInt32LE(start + base, 152 + 16 * index);
    label.writeUInt8(type, 160 + 16 * index);
  }
  let sum = 0;
  for (let at = 0; at < 148 + 16 * count; at += 2) sum ^= label.readUInt16LE(at);
  label.writeUInt16LE(sum, 136);
  return label;
}
