/** What an upload sees of the packs in which chunks are said to be: the storage is asked for each of them once. */
import { inLanes } from "../../core/lanes.ts";
import { packObjectName } from "./pack-object.ts";
import type { CampusPack, CampusPlace, ObjectStore } from "./ports.ts";

/** Objects that are looked for at once. */
const laneCount = 8;

/** Packs that the storage has lost, as far as whoever puts chunks knows. */
export interface LostPacks {
  /** Their names. What is in them is put there again. */
  readonly lost: ReadonlySet<string>;
  /** Finds out of which of these places the storage has nothing. Rejects with `away`. */
  look(places: readonly CampusPlace[]): Promise<void>;
  /** It was put there again just as it was. */
  isBack(pack: CampusPack): void;
}

/** Those that somebody else has found. */
export const foundBefore = (lost: Set<string>): LostPacks => ({
  lost,
  async look() {},
  isBack: ({ name }) => void lost.delete(name),
});

export interface PacksSeenPorts {
  readonly objects: Pick<ObjectStore, "size">;
  /** Rejects where that is not the campus's storage. */
  requireOwn(): Promise<void>;
  /** The storage has lost a pack, or its end. Called once for each. */
  lost(pack: string): void;
}

export class PacksSeen implements LostPacks {
  readonly lost = new Set<string>();
  private readonly ports: PacksSeenPorts;
  /** What the storage has of each; 0: nothing. */
  private readonly bytes = new Map<string, number>();

  constructor(ports: PacksSeenPorts) {
    this.ports = ports;
  }

  async look(places: readonly CampusPlace[]): Promise<void> {
    const unseen = new Set(places.map(({ pack }) => pack).filter((pack) => !this.bytes.has(pack)));
    await inLanes(unseen, laneCount, async (pack) => {
      this.bytes.set(pack, (await this.ports.objects.size(packObjectName(pack))) ?? 0);
    });
    const lost = new Set<string>();
    for (const { pack, offset, length } of places)
      if ((this.bytes.get(pack) ?? 0) < offset + length && !this.lost.has(pack)) lost.add(pack);
    if (lost.size > 0) await this.ports.requireOwn();
    for (const pack of lost) {
      this.lost.add(pack);
      this.ports.lost(pack);
    }
  }

  isBack({ name, bytes }: CampusPack): void {
    this.lost.delete(name);
    this.bytes.set(name, bytes);
  }
}
