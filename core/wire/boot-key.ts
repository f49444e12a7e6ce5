import { type Static, Type } from "typebox";

const Key = Type.String({ pattern: "^sha256:[A-Za-z0-9+/]{43}=$" });

/** The answer of `GET /boot/key`: where the gate is, and by which keys it is known. */
export const BootKey = Type.Object({
  /** `https://ADDRESS:PORT` */
  gate: Type.String({ pattern: "^https://[!-~]+$", maxLength: 300 }),
  /** The key that the gate has now. */
  key: Key,
  /** All keys to pin: that one, and the one that takes its place. */
  keys: Type.Array(Key, { minItems: 1, maxItems: 2 }),
});
export type BootKey = Static<typeof BootKey>;
