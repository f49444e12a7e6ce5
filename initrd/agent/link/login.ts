/** The agent's side of one login: its nonce, its proof, and the code that its screen shows. */
import { randomBytes } from "node:crypto";
import { sha256 } from "../../../core/node/hash.ts";
import { loginCode, loginDigest } from "../../../core/node/login.ts";
import type { Prover } from "../../../core/trust/prover.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import {
  type Challenge,
  controlProtocol,
  type Greet,
  nonceBytes,
  type Proof,
} from "../../../core/wire/login.ts";

/** The TLS connection, as both its ends know it. */
export interface LinkChannel {
  readonly exporter: Uint8Array;
  /** The server's public key, DER. */
  readonly spki: Uint8Array;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export class Login {
  private readonly channel: LinkChannel;
  private readonly nonce = randomBytes(nonceBytes);
  private ownCode: string | null = null;

  constructor(channel: LinkChannel) {
    this.channel = channel;
  }

  get greet(): Greet {
    return { type: "greet", protocol: controlProtocol, commit: base64(sha256(this.nonce)) };
  }

  /** Six digits; null before the challenge is heard. */
  get code(): string | null {
    return this.ownCode;
  }

  /** Answers the challenge with the PC's key and with what it says of itself. Rejects when the key does not sign. */
  async prove(challenge: Challenge, said: Hello, prover: Prover): Promise<Proof> {
    const { nonce: pcNonce } = this;
    const { exporter, spki: serverSpki } = this.channel;
    const { kind, spki } = prover;
    const serverNonce = Buffer.from(challenge.nonce, "base64");
    this.ownCode = loginCode({ serverSpki, pcSpki: spki, serverNonce, pcNonce });
    const hello = JSON.stringify(said);
    const digest = loginDigest({ exporter, serverNonce, pcNonce, hello, spki, kind });
    const { quote, signature } = await prover.prove(digest);
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
}
