/** Where a cast is heard, and the keys that it is kept from strangers with. */
import { type Static, Type } from "typebox";
import { base64Of } from "./base64.ts";
import { text } from "./fields.ts";

export const CastPlace = Type.Object({
  /** Random for each session: packets that carry another are not ours. */
  tag: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
  group: text(15),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
});
export type CastPlace = Static<typeof CastPlace>;

/** What a cast is kept from strangers with, in base64; never written down. */
export const CastKeys = Type.Object({
  /** 32 bytes: chunks are encrypted with it. */
  chunk: base64Of(32),
  /** 8 bytes: packets are sealed with it. */
  packet: base64Of(8),
});
export type CastKeys = Static<typeof CastKeys>;

/** The keys of an order that comes again, for work that is under way, take the place of those before. */
export const CastAddress = Type.Object({ ...CastPlace.properties, keys: CastKeys });
export type CastAddress = Static<typeof CastAddress>;
