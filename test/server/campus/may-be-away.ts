/** Tables of a campus in memory, of which a test says that they are away. */
import { RoomcastError } from "../../../core/errors.ts";

interface Absence {
  readonly since: string;
  readonly reason: string;
}

export class MayBeAway {
  protected absence: Absence | null = null;

  away(): Absence | null {
    return this.absence;
  }

  /** What is done at once, after others had their turn. */
  protected async step<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.absence !== null)
      throw new RoomcastError("away", `it is away: ${this.absence.reason}`, "start it");
    return work();
  }
}
