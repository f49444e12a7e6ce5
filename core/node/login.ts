/** The two digests of a login, which both sides make of what they have seen of it. */
import { codeOf } from "../trust/code.ts";
import { codeBytes, proofBytes } from "../trust/transcript.ts";
import type { KeyKind } from "../wire/login.ts";
import { sha256 } from "./hash.ts";

/** What a prover signs: 32 bytes. */
export const loginDigest = (login: {
  readonly exporter: Uint8Array;
  readonly serverNonce: Uint8Array;
  readonly pcNonce: Uint8Array;
  /** The hello's text. */
  readonly hello: string;
  readonly spki: Uint8Array;
  readonly kind: KeyKind;
}): Uint8Array => {
  const { hello, spki, ...rest } = login;
  const helloHash = sha256(new TextEncoder().encode(hello));
  return sha256(proofBytes({ ...rest, helloHash, spkiHash: sha256(spki) }));
};

/** The six digits that both sides show. */
export const loginCode = (parts: Parameters<typeof codeBytes>[0]): string =>
  codeOf(sha256(codeBytes(parts)));
