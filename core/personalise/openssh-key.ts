/** A host key as OpenSSH keeps it in files: PROTOCOL.key of OpenSSH, RFC 8709 for the key itself. */
import type { HostKey } from "../wire/personal.ts";

export interface Ed25519Key {
  /** 32 bytes each. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly comment: string;
  /** Any number of 32 bits: it stands twice where a passphrase would be checked by it. */
  readonly check: number;
}

const type = "ssh-ed25519";

export function encodeEd25519({ seed, publicKey, comment, check }: Ed25519Key): HostKey {
  const blob = joined(text(type), counted(publicKey));
  const secret = joined(
    ...[u32(check), u32(check), blob],
    counted(joined(seed, publicKey)),
    text(comment),
  );
  // Without a cipher the block is of 8 bytes; the padding counts up from 1.
  const padding = Uint8Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, at) => at + 1);
  const file = joined(
    ...[ascii("openssh-key-v1\0"), text("none"), text("none"), text("")],
    ...[u32(1), counted(blob), counted(joined(secret, padding))],
  );
  const lines = base64(file).replace(/.{70}(?=.)/g, "$&\n");
  return {
    type: "ed25519",
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `${type} ${base64(blob)} ${comment}\n`,
  };
}

const u32 = (value: number): Uint8Array => {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, value);
  return data;
};

/** Its length before it. */
const counted = (data: Uint8Array): Uint8Array => joined(u32(data.length), data);
const ascii = (value: string): Uint8Array =>
  Uint8Array.from(value, (character) => character.charCodeAt(0));
const text = (value: string): Uint8Array => counted(ascii(value));

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(data: Uint8Array): string {
  let out = "";
  for (let at = 0; at < data.length; at += 3) {
    const [a = 0, b = 0, c = 0] = data.subarray(at, at + 3);
    const bits = (a << 16) | (b << 8) | c;
    const count = Math.min(4, data.length - at + 1);
    for (let digit = 0; digit < 4; digit++) {
      out += digit < count ? digits[(bits >> (18 - 6 * digit)) & 63] : "=";
    }
  }
  return out;
}
