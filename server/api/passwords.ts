import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { RoomcastError } from "../../core/errors.ts";
import { Turns } from "../../core/node/turns.ts";
import type { PasswordHash } from "../state/records.ts";

/** As `PasswordHash` says: 32 MB and some 100 ms of a core for each guess. */
const cost = { N: 32768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const hashBytes = 32;
/** libuv has four threads, and whoever reads files needs some of them. */
const atOnce = 2;
const derive = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt);

/** In characters. NIST SP 800-63B asks for 8; a password here has no second factor beside it. */
export const leastPassword = 10;
export const longestPassword = 256;

/** Hashes passwords and checks them, outside of the main thread; few at once, the others wait in their order. */
export class Passwords {
  private readonly turns = new Turns(atOnce);

  /** As it is stored. Throws `usage` for one that is too short or too long, and does not repeat it. */
  async hash(password: string): Promise<PasswordHash> {
    const { length } = password;
    if (length < leastPassword || length > longestPassword) {
      throw new RoomcastError(
        "usage",
        `a password has ${leastPassword} to ${longestPassword} characters, and this one has ${length}`,
        "choose another: several words that nobody else would put together are good",
      );
    }
    const salt = randomBytes(16);
    const hash = await this.turns.take(() => derive(normal(password), salt, hashBytes, cost));
    return { salt: salt.toString("hex"), hash: hash.toString("hex") };
  }

  /** Takes as long without a stored one. */
  async isRight(password: string, stored: PasswordHash | undefined): Promise<boolean> {
    const { salt, hash } = stored ?? nobody;
    const given = await this.turns.take(() =>
      derive(normal(password), Buffer.from(salt, "hex"), hashBytes, cost),
    );
    return timingSafeEqual(given, Buffer.from(hash, "hex")) && stored !== undefined;
  }
}

/** Keyboards write an accent as one character or as two. */
const normal = (password: string): string => password.normalize("NFKC");

const nobody: PasswordHash = { salt: "00".repeat(16), hash: "00".repeat(hashBytes) };
