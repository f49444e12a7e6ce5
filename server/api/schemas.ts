/** Parts of calls that several routes share. */
import { Type } from "typebox";

/** A PC, image or session as an operator names it. */
export const Reference = Type.String({ minLength: 1, maxLength: 128 });
export const ById = Type.Object({ id: Reference });
/** `/dev/sda`; null lets the PC's agent choose. */
export const Device = Type.Union([Type.String({ maxLength: 256 }), Type.Null()]);
/** Disks to use although SMART reports that they are failing: serial numbers, or paths of disks that have none. */
export const FailingDisks = Type.Array(Type.String({ maxLength: 256 }), { maxItems: 1000 });

export const closed = { additionalProperties: false } as const;
/** An empty object, or no body. */
export const NoBody = Type.Optional(Type.Union([Type.Object({}, closed), Type.Null()]));
