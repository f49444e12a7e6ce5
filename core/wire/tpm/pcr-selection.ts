import type { Decoded } from "../../errors.ts";
import type { TpmReader } from "./reader.ts";

/** Some of a TPM's registers of one hash (TPMS_PCR_SELECTION). */
export interface PcrSelection {
  /** The bank; one that has no name here is its number, as `0x0012`. */
  readonly hash: string;
  /** Ascending. */
  readonly pcrs: readonly number[];
}

/** TCG Algorithm Registry, table 3: TPM_ALG_ID of the hashes that a bank may have. */
const hashIds: Readonly<Record<string, number>> = {
  sha1: 0x0004,
  sha256: 0x000b,
  sha384: 0x000c,
  sha512: 0x000d,
};

/** Part 2, 10.9.7: a TPML_PCR_SELECTION has at most a selection a hash (HASH_COUNT); no TPM has more banks. */
const selectionLimit = 16;

/** A PC's TPM has 24 PCRs (PC Client Platform TPM Profile, 4.6), so a bitmap of at least three bytes. */
const selectBytes = 3;

/**
 * A list of selections: a count of four bytes; of each the hash (2), the bitmap's length (1) and the
 * bitmap, PCR 0 in the lowest bit of its first byte.
 */
export function pcrSelections(selections: readonly PcrSelection[]): number[] {
  return [
    ...[0, 0, 0, selections.length],
    ...selections.flatMap(({ hash, pcrs }) => {
      const bitmap = new Array<number>(selectBytes).fill(0);
      for (const pcr of pcrs) bitmap[pcr >> 3] = (bitmap[pcr >> 3] ?? 0) | (1 << (pcr & 7));
      const id = hashIds[hash] ?? 0;
      return [id >> 8, id & 255, selectBytes, ...bitmap];
    }),
  ];
}

/** Reads such a list. */
export function readPcrSelections(reader: TpmReader): Decoded<PcrSelection[]> {
  const count = reader.u32();
  if (count > selectionLimit) return { ok: false, reason: `${count} selections of PCRs` };
  const selections: PcrSelection[] = [];
  for (let index = 0; index < count; index++) {
    const id = reader.u16();
    const bitmap = reader.bytes(reader.u8());
    selections.push({ hash: hashName(id), pcrs: pcrsOf(bitmap) });
  }
  return reader.isTruncated ? { ok: false, reason: "truncated" } : { ok: true, value: selections };
}

const hashName = (id: number): string =>
  Object.entries(hashIds).find(([, each]) => each === id)?.[0] ??
  `0x${id.toString(16).padStart(4, "0")}`;

const pcrsOf = (bitmap: Uint8Array): number[] =>
  [...bitmap].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => index * 8 + bit),
  );
