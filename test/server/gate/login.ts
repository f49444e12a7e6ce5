/** A PC's side of a login, spoken by hand: each step can be bent. */
import { randomBytes } from "node:crypto";
import { sha256 } from "../../../core/node/hash.ts";
import { loginDigest } from "../../../core/node/login.ts";
import type { Prover } from "../../../core/trust/prover.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import { controlProtocol, type Greet, type Proof } from "../../../core/wire/login.ts";

export interface LoginParts {
  readonly prover: Prover;
  readonly hello: Hello;
  readonly exporter: Uint8Array;
  /** In base64, as the challenge has it. */
  readonly serverNonce: string;
  readonly pcNonce: Uint8Array;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export const newNonce = (): Uint8Array => randomBytes(32);

export const greetOf = (pcNonce: Uint8Array): Greet => ({
  type: "greet",
  protocol: controlProtocol,
  commit: base64(sha256(pcNonce)),
});

export async function proofOf(parts: LoginParts): Promise<Proof> {
  const { prover, exporter, pcNonce } = parts;
  const hello = JSON.stringify(parts.hello);
  const { kind, spki } = prover;
  const serverNonce = Buffer.from(parts.serverNonce, "base64");
  const { quote, signature } = await prover.prove(
    loginDigest({ exporter, serverNonce, pcNonce, hello, spki, kind }),
  );
  return {
    type: "proof",
    nonce: base64(pcNonce),
    kind,
    spki: base64(spki),
    hello,
    quote: quote === null ? null : base64(quote),
    signature: base64(signature),
  };
}
