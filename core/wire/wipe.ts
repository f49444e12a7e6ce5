/** How disks are wiped, and what was seen of it afterwards. */
import { type Static, Type } from "typebox";
import { DiskView } from "./views.ts";

/** As it is ordered. */
export const WipeMethod = Type.Union([
  Type.Literal("discard"),
  Type.Literal("zero"),
  Type.Literal("secure-erase"),
]);
export type WipeMethod = Static<typeof WipeMethod>;

/** What was done: a disk without discard is zeroed instead. */
const fields = {
  way: Type.Union([
    Type.Literal("discard"),
    Type.Literal("zero"),
    Type.Literal("nvme-sanitize"),
    Type.Literal("nvme-format"),
    Type.Literal("ata-secure-erase"),
  ]),
  /** In words. */
  detail: Type.String({ maxLength: 512 }),
  /** The word of NIST SP 800-88 for it; null: it is neither, for something may be left that the disk does not show. */
  sanitization: Type.Union([Type.Literal("clear"), Type.Literal("purge"), Type.Null()]),
  readBack: Type.Object(
    {
      bytes: Type.Integer({ minimum: 0 }),
      diskBytes: Type.Integer({ minimum: 0 }),
      /** `changed`: zeros or not, nothing reads as it did before. `unverifiable`: the disk does not promise what reads there, so nothing was concluded. */
      finding: Type.Union([
        Type.Literal("zeros"),
        Type.Literal("changed"),
        Type.Literal("unverifiable"),
      ]),
      detail: Type.String({ maxLength: 512 }),
    },
    { additionalProperties: false },
  ),
};

/** As a certificate has it. */
export const WipeRecord = Type.Object(fields, { additionalProperties: false });
export type WipeRecord = Static<typeof WipeRecord>;

/** As an agent reports it, with the disk that was taken. */
export const WipeProof = Type.Object({ ...fields, disk: DiskView });
export type WipeProof = Static<typeof WipeProof>;
