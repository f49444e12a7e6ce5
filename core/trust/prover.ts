/** How a PC proves who it is: by a key that signs what only this connection can have asked for. */
import type { KeyKind } from "../wire/login.ts";

/** What signs a login's digest (32 bytes): a quote's bytes with the TPM, the digest itself elsewhere. */
export interface Proof {
  /** The TPMS_ATTEST whose extraData is the digest; null where the digest itself is signed. */
  readonly quote: Uint8Array | null;
  /** ECDSA P-256 with SHA-256, r and s of 32 bytes each. */
  readonly signature: Uint8Array;
}

/** A PC's key at work. */
export interface Prover {
  readonly kind: KeyKind;
  /** The public key as a SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** Rejects with a RoomcastError (`failed`) when the key's holder does not sign. */
  prove(digest: Uint8Array): Promise<Proof>;
}
