/** The server's side of one login: a nonce, and what has to be right of the answer to it. */
import { createPublicKey, type KeyObject, randomBytes, verify } from "node:crypto";
import { sha256 } from "../../core/node/hash.ts";
import { loginCode, loginDigest } from "../../core/node/login.ts";
import { pinOf } from "../../core/node/pin.ts";
import { version } from "../../core/node/version.ts";
import { bootPcrs, type Quote, readQuote } from "../../core/trust/quote.ts";
import { isP256Spki } from "../../core/trust/spki.ts";
import { decodeHello } from "../../core/wire/hello.ts";
import {
  type Challenge,
  controlProtocol,
  decodeGreet,
  decodeProof,
  nonceBytes,
  type Proof,
} from "../../core/wire/login.ts";
import type { Login } from "../lab/agents.ts";
import type { Channel } from "./channel.ts";
import { derSignature } from "./der.ts";

/** What was wrong with a login; they are counted. */
export const loginFaults = [
  "greeting",
  "protocol",
  "proof",
  "commitment",
  "key",
  "quote",
  "signature",
  "hello",
  "repeated",
  "refused",
] as const;
export type LoginFault = (typeof loginFaults)[number];

export type LoginStep<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: LoginFault; readonly reason: string };

/** Whoever has proven its key. */
export type Proven = Omit<Login, "address" | "cameTo">;

const fail = (fault: LoginFault, reason: string) => ({ ok: false, fault, reason }) as const;

/** One login on one connection: one greeting, one challenge, one proof. */
export class LoginCheck {
  private readonly channelOf: () => Channel;
  private readonly nonce = randomBytes(nonceBytes);
  private commit: Buffer | null = null;
  private isSpent = false;

  /** The channel is asked for once there is a proof to hold against it. */
  constructor(channelOf: () => Channel) {
    this.channelOf = channelOf;
  }

  get challenge(): Challenge {
    return {
      type: "challenge",
      protocol: controlProtocol,
      serverVersion: version,
      time: new Date().toISOString(),
      nonce: this.nonce.toString("base64"),
    };
  }

  /** The challenge has been said, and the proof is awaited. */
  get isGreeted(): boolean {
    return this.commit !== null;
  }

  greet(frame: string): LoginStep<Challenge> {
    const greet = decodeGreet(frame);
    if (!greet.ok) return fail("greeting", `that is no greeting: ${greet.reason}`);
    this.commit = Buffer.from(greet.value.commit, "base64");
    return { ok: true, value: this.challenge };
  }

  prove(frame: string): LoginStep<Proven> {
    if (this.isSpent) return fail("repeated", "a nonce is good for one proof");
    this.isSpent = true;
    const proof = decodeProof(frame);
    if (!proof.ok) return fail("proof", `that is no proof: ${proof.reason}`);
    const { kind, hello: text } = proof.value;
    const pcNonce = Buffer.from(proof.value.nonce, "base64");
    if (this.commit === null || !this.commit.equals(sha256(pcNonce)))
      return fail("commitment", "the nonce is another one than was committed to");
    const spki = Buffer.from(proof.value.spki, "base64");
    const key = publicKeyOf(spki);
    if (key === null) return fail("key", "the key is no point of the curve P-256");
    const { exporter, serverSpki } = this.channelOf();
    const { nonce: serverNonce } = this;
    const digest = loginDigest({ exporter, serverNonce, pcNonce, hello: text, spki, kind });
    const quote = quoteOf(proof.value, digest);
    if (!quote.ok) return quote;
    const signature = Buffer.from(proof.value.signature, "base64");
    if (!isSigned(quote.value?.bytes ?? digest, key, signature))
      return fail("signature", "the signature is not of this key, this server and this connection");
    const hello = decodeHello(text);
    if (!hello.ok) return fail("hello", hello.reason);
    return {
      ok: true,
      value: {
        key: { fingerprint: pinOf(spki), kind, spki: proof.value.spki },
        hello: hello.value,
        code: loginCode({ serverSpki, pcSpki: spki, serverNonce, pcNonce }),
        pcrDigest: quote.value === null ? null : pcrDigestOf(quote.value.quote),
      },
    };
  }
}

/** Null for anything but the one encoding of a point on P-256. */
function publicKeyOf(spki: Buffer): KeyObject | null {
  if (!isP256Spki(spki)) return null;
  try {
    // As text and without options: Node finds out by exceptions what an object is, for a tenth of a millisecond.
    return createPublicKey(
      `-----BEGIN PUBLIC KEY-----\n${spki.toString("base64")}\n-----END PUBLIC KEY-----\n`,
    );
  } catch {
    return null;
  }
}

/** A TPM signs a quote over the digest, everything else the digest. */
function quoteOf(
  { kind, quote: base64 }: Proof,
  digest: Uint8Array,
): LoginStep<{ readonly bytes: Buffer; readonly quote: Quote } | null> {
  if ((kind === "tpm") !== (base64 !== null))
    return fail("quote", "a TPM proves itself by a quote, and nothing else does");
  if (base64 === null) return { ok: true, value: null };
  const bytes = Buffer.from(base64, "base64");
  const quote = readQuote(bytes);
  if (!quote.ok) return fail("quote", `the quote cannot be read: ${quote.reason}`);
  if (!Buffer.from(quote.value.extraData).equals(digest))
    return fail("quote", "the quote is of another server or connection");
  return { ok: true, value: { bytes, quote: quote.value } };
}

function isSigned(data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  // The key alone: see `publicKeyOf`.
  return verify("sha256", data, key, derSignature(signature));
}

/** Hexadecimal; null when it is of other registers than those that are compared. */
function pcrDigestOf({ pcrSelection, pcrDigest }: Quote): string | null {
  const [only, ...others] = pcrSelection;
  const isOfBoot =
    others.length === 0 &&
    only?.hash === bootPcrs.hash &&
    only.pcrs.join() === bootPcrs.pcrs.join();
  return isOfBoot ? Buffer.from(pcrDigest).toString("hex") : null;
}
