/** Parts that several routes take. */
import { Type } from "typebox";
import { nullable } from "../../core/wire/nullable.ts";

/** A PC, image or session as an operator names it. */
export const Reference = Type.String({ minLength: 1, maxLength: 128 });
export const ById = Type.Object({ id: Reference });
/** `/dev/sda`, or null: the PC's own choice. */
export const Device = nullable(Type.String({ maxLength: 256 }));
/** Serial numbers (paths, of disks that have none) of disks to take although SMART says that they fail. */
export const FailingDisks = Type.Array(Type.String({ maxLength: 256 }), { maxItems: 1000 });

export const closed = { additionalProperties: false } as const;
/** An empty object, or nothing at all. */
export const NoBody = Type.Optional(nullable(Type.Object({}, closed)));
