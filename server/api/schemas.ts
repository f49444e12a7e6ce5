/** Parts of calls that several routes share. */
import { Type } from "typebox";
import { nullable } from "../../core/wire/nullable.ts";

/** A PC, image or session as an operator names it. */
export const Reference = Type.String({ minLength: 1, maxLength: 128 });
export const ById = Type.Object({ id: Reference });
/** `/dev/sda`; null lets the PC's agent choose. */
export const Device = nullable(Type.String({ maxLength: 256 }));
/** Disks to use although SMART reports that they are failing: serial numbers, or paths of disks that have none. */
export const FailingDisks = Type.Array(Type.String({ maxLength: 256 }), { maxItems: 1000 });

export const closed = { additionalProperties: false } as const;
/** An empty object, or no body. */
export const NoBody = Type.Optional(nullable(Type.Object({}, closed)));
