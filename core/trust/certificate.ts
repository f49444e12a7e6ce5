/** Signing and checking a certificate. Both ends read one form of the text alone: canonical JSON and a line's end. */
import type { Decoded } from "../errors.ts";
import { canonicalJson } from "../units/canonical-json.ts";
import {
  type Certificate,
  certificateFormat,
  certificateLimit,
  certificateVersion,
  SignedCertificate,
} from "../wire/certificate.ts";
import { fitted } from "../wire/misfit.ts";

/** Ed25519 (RFC 8032). Keys and signatures are base64. */
export interface CertificateSigner {
  /** SubjectPublicKeyInfo, in DER. */
  readonly key: string;
  sign(text: string): string;
}

export interface CertificateVerifier {
  /** False also for what is no key, no signature, or not the one base64 of it. */
  verify(key: string, text: string, signature: string): boolean;
  /** `sha256:…` of a key. */
  fingerprint(key: string): string;
}

export interface GenuineCertificate {
  readonly document: Certificate;
  /** `sha256:…` of the key that signed it. */
  readonly signer: string;
  /** Base64. */
  readonly signature: string;
}

/** The text of the certificate's file. */
export function signCertificate(document: Certificate, { key, sign }: CertificateSigner): string {
  const value = sign(canonicalJson(document));
  return signedText({ document, signature: { algorithm: "ed25519", key, value } });
}

/**
 * Reads a certificate's file, or says in words that follow "it is not genuine: " why it certifies nothing.
 * `known`: the fingerprints of the keys that may have signed it; null: whichever key, which the caller compares.
 */
export function checkCertificate(
  text: string,
  known: readonly string[] | null,
  { verify, fingerprint }: CertificateVerifier,
): Decoded<GenuineCertificate> {
  if (text.length > certificateLimit) return no("it is too long for a certificate");
  const parsed = parse(text);
  if (parsed === null) return no("it is not JSON");
  const { format, formatVersion } = (parsed.document ?? {}) as Readonly<Record<string, unknown>>;
  if (format !== certificateFormat) return no("it is JSON, but no certificate of roomcast");
  if (formatVersion !== certificateVersion)
    return no("it is of a version that this roomcast does not know; check it with a newer one");
  const fit = fitted(SignedCertificate, parsed, "the certificate");
  if (!fit.ok) return no(`it is not as it was signed: ${fit.reason}`);
  const { document, signature } = fit.value;
  // One text for one content: no field twice, and nothing between the fields that nobody signed.
  if (text !== signedText(fit.value))
    return no("it was changed or written anew after it was signed");
  if (!verify(signature.key, canonicalJson(document), signature.value))
    return no("it was changed after it was signed: the signature does not match");
  const signer = fingerprint(signature.key);
  if (known !== null && !known.includes(signer))
    return no(`it is not ours: it was signed by ${signer}, and not by ${known.join(" or ")}`);
  return { ok: true, value: { document, signer, signature: signature.value } };
}

const signedText = (signed: SignedCertificate): string => `${canonicalJson(signed)}\n`;

const no = (reason: string) => ({ ok: false, reason }) as const;

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? (value as Readonly<Record<string, unknown>> | null) : null;
  } catch {
    return null;
  }
}
