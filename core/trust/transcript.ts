/** The bytes that both sides of a login hash: what is signed, and what the code is made of. */
import { joined } from "../units/joined.ts";
import type { KeyKind } from "../wire/login.ts";

const proofLabel = "roomcast link 3\0";
const codeLabel = "roomcast code\0";

export interface Transcript {
  /** 32 bytes of this TLS connection (RFC 8446 section 7.5), so that a proof is worth nothing on another. */
  readonly exporter: Uint8Array;
  readonly serverNonce: Uint8Array;
  readonly pcNonce: Uint8Array;
  /** SHA-256 of the hello's text. */
  readonly helloHash: Uint8Array;
  /** SHA-256 of the PC's SubjectPublicKeyInfo. */
  readonly spkiHash: Uint8Array;
  readonly kind: KeyKind;
}

/** What is hashed to the digest that a prover signs or quotes. All parts but the last have a fixed length. */
export const proofBytes = (transcript: Transcript): Uint8Array =>
  joined([
    ascii(proofLabel),
    transcript.exporter,
    transcript.serverNonce,
    transcript.pcNonce,
    transcript.helloHash,
    transcript.spkiHash,
    ascii(transcript.kind),
  ]);

/** What is hashed to the code. The PC's nonce was committed to, so nobody between can search for a match. */
export const codeBytes = (parts: {
  readonly serverSpki: Uint8Array;
  readonly pcSpki: Uint8Array;
  readonly serverNonce: Uint8Array;
  readonly pcNonce: Uint8Array;
}): Uint8Array =>
  joined([ascii(codeLabel), parts.serverSpki, parts.pcSpki, parts.serverNonce, parts.pcNonce]);

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
