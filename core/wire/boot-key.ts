import { type Static, Type } from "typebox";
import { base64Pattern } from "./base64.ts";

/** SHA-256 of a public key, as the boot line and people have it. */
export const pinPattern = `^sha256:${base64Pattern(32)}$`;
const Key = Type.String({ pattern: pinPattern });

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
