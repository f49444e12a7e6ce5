/** Sweeps the storage now and then; which server does it, the registry's lease decides. */
import { errorText } from "../../core/errors.ts";
import { packsAnew } from "./pack-anew.ts";
import { packObjectName } from "./pack-object.ts";
import { type CampusTime, isAway } from "./patience.ts";
import type { ObjectStore } from "./ports.ts";
import type { Seal } from "./seal.ts";
import { type SweepTables, sweepCampus } from "./sweep.ts";

/** Milliseconds between two sweeps by one server. */
const sweepEvery = 60 * 60_000;

export interface SweepingPorts {
  readonly tables: SweepTables;
  readonly objects: Pick<ObjectStore, "get" | "put" | "remove">;
  readonly seal: Seal | null;
  /** As many random bytes as a pack's salt has. */
  salt(): Uint8Array;
  readonly time: CampusTime;
  readonly signal: AbortSignal;
  /** Why the last one failed, in words; null: it did not. What is away is told elsewhere. */
  failed(reason: string | null): void;
}

/** Resolves once the signal has aborted and no sweep is under way. */
export async function keepSweeping(ports: SweepingPorts): Promise<void> {
  const { tables, objects, seal, time, signal, failed } = ports;
  const packAnew = packsAnew({ objects, seal, salt: () => ports.salt() });
  for (;;) {
    await time.sleep(sweepEvery, signal);
    if (signal.aborted) return;
    try {
      await sweepCampus({ tables, objects, objectName: packObjectName, packAnew, signal });
      failed(null);
    } catch (error) {
      if (!isAway(error)) failed(errorText(error));
    }
  }
}
