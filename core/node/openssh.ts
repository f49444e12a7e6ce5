/** OpenSSH's own texts of keys: private ones (PROTOCOL.key of OpenSSH), and lines of `authorized_keys`. */
import { createHash, generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { Decoded } from "../errors.ts";
import { printable } from "../units/printable.ts";
import type { HostKey } from "../wire/personal.ts";

/** A key pair: what stands behind the type in its public blob, and in its private part. */
export interface SshKeyPair {
  readonly type: "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ssh-rsa";
  readonly publicFields: readonly Uint8Array[];
  readonly privateFields: readonly Uint8Array[];
}

const magic = "openssh-key-v1\0";
/** Of the cipher `none`: the private part is filled up to a multiple of this. */
const blockBytes = 8;
/** Characters of base64 in a line. */
const lineLength = 70;

/** The text of `ssh_host_TYPE_key`, without a passphrase; `check` is any number of 32 bits. */
export function privateKeyText(pair: SshKeyPair, comment: string, check: number): string {
  const number = uint32(check);
  const part = Buffer.concat([
    ...[number, number, sshString(pair.type)],
    ...pair.privateFields.map(sshString),
    sshString(comment),
  ]);
  const padding = Array.from({ length: -part.length & (blockBytes - 1) }, (_, index) => index + 1);
  const whole = Buffer.concat([
    ...[Buffer.from(magic), sshString("none"), sshString("none"), sshString(""), uint32(1)],
    ...[sshString(blobOf(pair)), sshString(Buffer.concat([part, Uint8Array.from(padding)]))],
  ]);
  const lines = whole.toString("base64").match(new RegExp(`.{1,${lineLength}}`, "g")) ?? [];
  const ends = ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"];
  return `${[ends[0], ...lines, ends[1]].join("\n")}\n`;
}

/** The text of `ssh_host_TYPE_key.pub`. */
export const publicKeyText = (pair: SshKeyPair, comment: string): string =>
  `${pair.type} ${blobOf(pair).toString("base64")} ${comment}\n`;

/** A new host key. One of RSA takes a processor some tenths of a second, and holds nobody up meanwhile. */
export async function newHostKey(type: HostKey["type"], comment: string): Promise<HostKey> {
  return hostKeyOf(type, await pairs[type](), comment);
}

const hostKeyOf = (type: HostKey["type"], pair: SshKeyPair, comment: string): HostKey => ({
  type,
  privateKey: privateKeyText(pair, comment, randomBytes(4).readUInt32BE()),
  publicKey: publicKeyText(pair, comment),
});

const generate = promisify(generateKeyPair);
/** What ssh-keygen takes for a new key, in bits. */
const rsaBits = 3072;

const pairs: Readonly<Record<HostKey["type"], () => Promise<SshKeyPair>>> = {
  async ed25519() {
    const { d, x } = numbersOf((await generate("ed25519")).privateKey);
    // PROTOCOL.key has the public key at the end of the private one, too.
    const privateFields = [x, Buffer.concat([d, x])];
    return { type: "ssh-ed25519", publicFields: [x], privateFields };
  },
  async ecdsa() {
    const made = await generate("ec", { namedCurve: "prime256v1" });
    const { d, x, y } = numbersOf(made.privateKey);
    // RFC 5656 section 3.1: the curve's name and the point, uncompressed (SEC 1 section 2.3.3).
    const publicFields = [Buffer.from("nistp256"), Buffer.concat([Uint8Array.of(4), x, y])];
    const privateFields = [...publicFields, mpint(d)];
    return { type: "ecdsa-sha2-nistp256", publicFields, privateFields };
  },
  async rsa() {
    const made = await generate("rsa", { modulusLength: rsaBits });
    const { n, e, d, qi, p, q } = numbersOf(made.privateKey);
    // RFC 4253 section 6.6 has the exponent first, and OpenSSH's private part the modulus.
    const privateFields = [n, e, d, qi, p, q].map(mpint);
    return { type: "ssh-rsa", publicFields: [e, n].map(mpint), privateFields };
  },
};

/** JWK numbers keep their leading zeros (RFC 7518 sections 6.2 and 6.3); those that a key has not are empty. */
function numbersOf(key: KeyObject) {
  const { n, e, d, x, y, p, q, qi } = key.export({ format: "jwk" });
  const bytes = (text = ""): Buffer => Buffer.from(text, "base64url");
  return {
    ...{ n: bytes(n), e: bytes(e), d: bytes(d), x: bytes(x), y: bytes(y) },
    ...{ p: bytes(p), q: bytes(q), qi: bytes(qi) },
  };
}

/** RFC 4251 section 5, of a number above 0: no zeros before it but the one that keeps it positive. */
export function mpint(value: Uint8Array): Uint8Array {
  const start = value.findIndex((byte) => byte !== 0);
  const digits = value.subarray(start);
  return (digits[0] ?? 0) < 128 ? digits : Buffer.concat([Uint8Array.of(0), digits]);
}

/** The public key as RFC 4253 section 6.6 has it. */
const blobOf = ({ type, publicFields }: SshKeyPair): Buffer =>
  Buffer.concat([type, ...publicFields].map(sshString));

function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A line of `authorized_keys`. */
export interface PublicKeyLine {
  readonly type: string;
  /** As `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  readonly comment: string;
  /** All of it, as it goes onto disks. */
  readonly text: string;
}

/** How many strings stand in the blob of each type that is taken, the type included. */
const blobFields: Readonly<Record<string, number>> = {
  ...{ "ssh-ed25519": 2, "ssh-rsa": 3 },
  ...{ "ecdsa-sha2-nistp256": 3, "ecdsa-sha2-nistp384": 3, "ecdsa-sha2-nistp521": 3 },
  ...{ "sk-ssh-ed25519@openssh.com": 3, "sk-ecdsa-sha2-nistp256@openssh.com": 4 },
};

/** What `Personal` takes of a line, in characters. */
const lineLimit = 4096;
/** Keys in one file. */
export const keyLinesLimit = 16;

/** Lines of public keys, as a `.pub` file or an `authorized_keys` without options has them. */
export function readPublicKeys(text: string): Decoded<readonly PublicKeyLine[]> {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const refuse = (reason: string) => ({ ok: false, reason }) as const;
  if (lines.length === 0) return refuse("there is no key in it");
  if (lines.length > keyLinesLimit) return refuse(`it has more than ${keyLinesLimit} keys`);
  const keys: PublicKeyLine[] = [];
  for (const [index, line] of lines.entries()) {
    const key = readPublicKey(line);
    if (!key.ok) return refuse(`key ${index + 1}: ${key.reason}`);
    keys.push(key.value);
  }
  return { ok: true, value: keys };
}

/** Whether a text is, or has in it, a private key: of OpenSSH, in PEM, or of PuTTY. */
export const isPrivateKey = (text: string): boolean =>
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|^PuTTY-User-Key-File-/m.test(text);

function readPublicKey(line: string): Decoded<PublicKeyLine> {
  const refuse = (reason: string) => ({ ok: false, reason }) as const;
  const [, type = "", base64 = "", comment = ""] = /^(\S+) +(\S+)(?: +(.*))?$/.exec(line) ?? [];
  const fields = blobFields[type];
  if (fields === undefined)
    return refuse(
      `it begins with no type of key that is taken (${Object.keys(blobFields).join(", ")})`,
    );
  if (line.length > lineLimit) return refuse(`it has more than ${lineLimit} characters`);
  if (printable(comment) !== comment)
    return refuse("its comment has characters that cannot be seen");
  const blob = Buffer.from(base64, "base64");
  if (blob.toString("base64") !== base64) return refuse("its second word is no base64");
  const strings = stringsIn(blob);
  if (strings?.length !== fields || strings[0]?.toString("latin1") !== type)
    return refuse(`its second word is no key of the type ${type}`);
  const fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  const text = [type, base64, comment].filter((part) => part !== "").join(" ");
  return { ok: true, value: { type, fingerprint, comment, text } };
}

/** The strings that a blob is made of; undefined: it is made otherwise. */
function stringsIn(blob: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length || end === at + 4) return undefined;
    strings.push(blob.subarray(at + 4, end));
    at = end;
  }
  return strings;
}
