/** Grants: what a PC may ask its server for over HTTP, and what it gets when a person at the PC wants to see it. */
import { type Static, Type } from "typebox";
import { text } from "./fields.ts";
import { nullable } from "./nullable.ts";
import { ImageView } from "./views.ts";

/** Goes with each request over HTTP: `authorization: Bearer GRANT`. */
export const Grant = text(512);

/** What a person looks at on the PC's screen: the images, the disks of its room, the network check. */
const view = Type.Union([Type.Literal("list"), Type.Literal("targets"), Type.Literal("check")]);

/** The PC asks for what is no part of an order; answered by `grant`. */
export const GrantRequest = Type.Object({ type: Type.Literal("grant-request"), view });

/** The answer to `grant-request`: a grant for some minutes, or in words why there is none. */
export const GrantAnswer = Type.Object({
  type: Type.Literal("grant"),
  view,
  grant: nullable(Grant),
  reason: nullable(text(512)),
});
export type GrantAnswer = Static<typeof GrantAnswer>;

export const ImageList = Type.Array(ImageView);

/** A PC of a room, and in words the disk that a cast to the room would overwrite there. */
export const RoomTarget = Type.Object({ name: text(64), disk: text(1024) });
export type RoomTarget = Static<typeof RoomTarget>;
export const RoomTargets = Type.Array(RoomTarget, { maxItems: 10_000 });
