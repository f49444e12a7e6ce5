/** Versions of new images, which no two servers of a campus give twice: the registry's, for which a commit waits. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import { type CampusTime, mayBeMended, patiently } from "./patience.ts";
import type { Registry } from "./ports.ts";

/** Milliseconds that a commit waits for the database: until somebody works who can mend it. */
const waitLimitMs = 24 * 60 * 60_000;

export interface VersionsPorts {
  readonly registry: Pick<Registry, "takeVersion">;
  readonly time: CampusTime;
  /** The least that the images of this server let a new one of this name have. */
  nextHere(name: string): number;
}

/** Takes versions, and tells who waits for one. */
export class Versions {
  private readonly ports: VersionsPorts;
  private readonly waiting = new Map<symbol, string>();

  constructor(ports: VersionsPorts) {
    this.ports = ports;
  }

  /** In words. */
  get warnings(): string[] {
    return [...this.waiting.values()];
  }

  /** Rejects with `failed` after a day without a number, or with the reason of the signal. */
  async take(name: string, signal: AbortSignal): Promise<Pick<Manifest, "name" | "version">> {
    const { registry, time, nextHere } = this.ports;
    const key = Symbol(name);
    const until = time.now() + waitLimitMs;
    const isPassing = (error: unknown): error is RoomcastError =>
      mayBeMended(error) && time.now() <= until;
    const work = async (): Promise<Pick<Manifest, "name" | "version">> => {
      // From before this server belonged to the campus there may be versions that the registry does not know.
      for (;;) {
        const taken = await registry.takeVersion(name);
        if (taken.version >= nextHere(taken.name)) return taken;
      }
    };
    return patiently({
      ...{ time, signal, work, isPassing },
      waits: (reason) => {
        if (reason === null) this.waiting.delete(key);
        else this.waiting.set(key, `a new version of ${name} waits for its number: ${reason}`);
      },
    }).catch((error: unknown) => {
      throw signal.aborted || !mayBeMended(error) ? error : tooLong(name, error);
    });
  }
}

const tooLong = (name: string, cause: unknown): RoomcastError =>
  new RoomcastError(
    "failed",
    `the new version of ${name} has no number: the campus's database gave none for a day: ${errorText(cause)}`,
    "see `roomcast status`, and capture it again once the database is in order",
    { cause },
  );
