import { RoomcastError } from "../../core/errors.ts";
import { isSecretOf, nobodys, salted } from "../../core/node/salted.ts";
import { Turns } from "../../core/node/turns.ts";
import type { PasswordHash } from "../state/records.ts";

/** As `PasswordHash` says: 32 MB and some 100 ms of a core for each guess. */
const cost = { N: 32768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
/** libuv has four threads, and whoever reads files needs some of them. */
const atOnce = 2;

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
    return this.turns.take(() => salted(normal(password), cost));
  }

  /** Takes as long without a stored one. */
  async isRight(password: string, stored: PasswordHash | undefined): Promise<boolean> {
    const isRight = await this.turns.take(() =>
      isSecretOf(stored ?? nobodys, normal(password), cost),
    );
    return isRight && stored !== undefined;
  }
}

/** Keyboards write an accent as one character or as two. */
const normal = (password: string): string => password.normalize("NFKC");
