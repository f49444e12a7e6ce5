/** Secrets as they are kept: what they were cannot be read, only tried. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** By scrypt (RFC 7914), 32 bytes; hexadecimal. */
export interface Salted {
  readonly salt: string;
  readonly hash: string;
}

/** Of scrypt; `maxmem` in bytes, where Node's 32 MiB are too few. */
export interface SaltCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly maxmem?: number;
}

const saltBytes = 16;
const hashBytes = 32;
const derive = promisify<string, Buffer, number, SaltCost, Buffer>(scrypt);

/** Compared with where there is nobody, so that an unknown name takes as long as a known one. No secret is it. */
export const nobodys: Salted = { salt: "00".repeat(saltBytes), hash: "00".repeat(hashBytes) };

export async function salted(secret: string, cost: SaltCost): Promise<Salted> {
  const salt = randomBytes(saltBytes);
  const hash = await derive(secret, salt, hashBytes, cost);
  return { salt: salt.toString("hex"), hash: hash.toString("hex") };
}

/** Whether it is the secret, in constant time. */
export async function isSecretOf(
  { salt, hash }: Salted,
  secret: string,
  cost: SaltCost,
): Promise<boolean> {
  const given = await derive(secret, Buffer.from(salt, "hex"), hashBytes, cost);
  return timingSafeEqual(given, Buffer.from(hash, "hex"));
}
