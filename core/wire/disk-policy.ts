/** Which of a PC's disks a room's tasks take when no disk is named. */
import { type Static, Type } from "typebox";
import { nullable } from "./nullable.ts";

/**
 * The disk that fits every line is taken; where several do, none is. Disks that something protects from being
 * chosen (USB, removable, write-protected) fit only if `serials` has theirs.
 */
export const DiskPolicy = Type.Object(
  {
    /** `nvme`, `sata`, `sas`, `scsi`, `mmc`, `virtio`, `ide`; null: any. */
    transports: nullable(Type.Array(Type.String({ maxLength: 32 }), { minItems: 1, maxItems: 16 })),
    /** A pattern for the whole name, `*` for any text, upper and lower case alike. */
    model: nullable(Type.String({ minLength: 1, maxLength: 256 })),
    /** Serial numbers or WWNs, as the disks say them. */
    serials: nullable(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 1000 }),
    ),
    /** In bytes, both included. */
    minBytes: nullable(Type.Integer({ minimum: 0 })),
    maxBytes: nullable(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type DiskPolicy = Static<typeof DiskPolicy>;

/** Any internal disk, so the only one of a PC. */
export const anyDisk: DiskPolicy = {
  transports: null,
  model: null,
  serials: null,
  minBytes: null,
  maxBytes: null,
};

/** How a task that overwrites a disk has to choose it. */
export const TargetRule = Type.Object({
  policy: DiskPolicy,
  /** Serial numbers (paths, of disks that have none) of disks to take although SMART says that they fail. */
  failingDisks: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 1000 }),
});
export type TargetRule = Static<typeof TargetRule>;

export const usualRule: TargetRule = { policy: anyDisk, failingDisks: [] };
