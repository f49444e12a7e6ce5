/**
 * How a PC proves its key before anything else is said on the link (docs/protocol.md, "Login"):
 * `greet`, `challenge`, `proof`, and then the welcome. All that a stranger can send is read here.
 */
import { type Static, type TSchema, Type } from "typebox";
import type { Decoded } from "../errors.ts";
import { base64Of } from "./base64.ts";
import { fitted } from "./misfit.ts";
import { nullable } from "./nullable.ts";

/** Raised when a message changes so that an older peer would misread it. */
export const controlProtocol = 3;
/** What a link takes before its proof is right, in bytes: the hello of a PC with dozens of disks has 20 KB. */
export const loginBytes = 64 * 1024;
/** Of a nonce, of either side. */
export const nonceBytes = 32;

/** Where the private key lives: in the TPM, in a file of the host, or in the memory of one start. */
export const KeyKind = Type.Union([
  Type.Literal("tpm"),
  Type.Literal("file"),
  Type.Literal("memory"),
]);
export type KeyKind = Static<typeof KeyKind>;

/** What an operator has made of a key; `doubt`: it contradicts what is known, and a human has to say. */
export const KeyState = Type.Union([
  Type.Literal("waiting"),
  Type.Literal("placed"),
  Type.Literal("doubt"),
  Type.Literal("revoked"),
]);
export type KeyState = Static<typeof KeyState>;

/** What a PC with a proven key may do; ordered in `core/trust/level.ts`. */
export const LinkLevel = Type.Union([
  Type.Literal("waiting"),
  Type.Literal("unproven"),
  Type.Literal("placed"),
  Type.Literal("attested"),
]);
export type LinkLevel = Static<typeof LinkLevel>;

/** Six digits that the PC's screen and the console both show while nobody has placed the PC. */
export const PairingCode = Type.String({ pattern: "^[0-9]{6}$" });

const Nonce = base64Of(nonceBytes);
/** A P-256 key as SubjectPublicKeyInfo (RFC 5480) with an uncompressed point. */
export const spkiBytes = 91;
/** r‖s of an ECDSA signature on P-256. */
export const signatureBytes = 64;
/** A TPMS_ATTEST over five PCRs has 145 bytes; one with every field at its longest less than this. */
const quoteLimit = 1024;

export const Greet = Type.Object({
  type: Type.Literal("greet"),
  protocol: Type.Integer(),
  /** SHA-256 of the nonce in the proof: it is chosen before the server's is known. */
  commit: base64Of(32),
});
export type Greet = Static<typeof Greet>;

export const Challenge = Type.Object({
  type: Type.Literal("challenge"),
  protocol: Type.Integer(),
  serverVersion: Type.String({ maxLength: 256 }),
  time: Type.String({ maxLength: 40 }),
  nonce: Nonce,
});
export type Challenge = Static<typeof Challenge>;

export const Proof = Type.Object({
  type: Type.Literal("proof"),
  nonce: Nonce,
  kind: KeyKind,
  spki: base64Of(spkiBytes),
  /** The text of the hello, byte for byte what is signed. */
  hello: Type.String({ maxLength: loginBytes }),
  /** TPMS_ATTEST in base64; of a TPM, and of nothing else. */
  quote: nullable(Type.String({ pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: quoteLimit })),
  signature: base64Of(signatureBytes),
});
export type Proof = Static<typeof Proof>;

function decode<T extends TSchema>(schema: T, frame: string, whole: string): Decoded<Static<T>> {
  if (frame.length > loginBytes) return { ok: false, reason: "too long" };
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return { ok: false, reason: "not JSON" };
  }
  return fitted(schema, value, whole);
}

/** Reads the first frame of a link. */
export const decodeGreet = (frame: string): Decoded<Greet> => decode(Greet, frame, "the greeting");
/** Reads the second one. */
export const decodeProof = (frame: string): Decoded<Proof> => decode(Proof, frame, "the proof");

/** The protocol that a greeting names, when it is not ours: the rest of it may be of another form. */
export function otherProtocol(frame: string): number | null {
  if (frame.length > loginBytes) return null;
  try {
    const { type, protocol } = JSON.parse(frame) as { type?: unknown; protocol?: unknown };
    return type === "greet" && Number.isInteger(protocol) && protocol !== controlProtocol
      ? (protocol as number)
      : null;
  } catch {
    return null;
  }
}
