/** The seals of grants: nobody but this start of the server can make or move one. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { grantText, readGrant, type WorkGrant } from "../../core/trust/grant.ts";

export class Grants {
  /** In memory alone: with the process it is gone, and so is every grant. */
  private readonly secret = randomBytes(32);

  seal(grant: WorkGrant): string {
    const text = grantText(grant);
    return `${text}/${createHmac("sha256", this.secret).update(text).digest("base64url")}`;
  }

  /** What a grant says, if it was sealed here; it may be over all the same. */
  open(text: string): WorkGrant | null {
    const read = readGrant(text);
    if (!read.ok) return null;
    const right = Buffer.from(this.seal(read.value));
    const shown = Buffer.from(text);
    return right.length === shown.length && timingSafeEqual(right, shown) ? read.value : null;
  }
}
