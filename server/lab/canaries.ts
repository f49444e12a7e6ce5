/** Which PCs of a restore are first. */
import { RoomcastError } from "../../core/errors.ts";
import type { PcRecord } from "../state/records.ts";

export interface CanaryPorts {
  find(reference: string): PcRecord;
  isConnected(pc: string): boolean;
  /** The seats of a room by name, in their order. */
  seatsOf(room: string): readonly string[];
}

/**
 * The PC that is named, or so many of `pcs`: those that are connected before the others, then by their seats.
 * Throws `refused` when nobody would be left to wait for them.
 */
export function chooseCanaries(
  wanted: string | number,
  pcs: readonly PcRecord[],
  ports: CanaryPorts,
): PcRecord[] {
  const first = typeof wanted === "number" ? best(wanted, pcs, ports) : [named(wanted, pcs, ports)];
  if (first.length < pcs.length) return first;
  throw new RoomcastError(
    "refused",
    `${first.length} of ${pcs.length} PCs cannot be first: nobody is left to wait for them`,
    "name a room with more PCs, or restore without --canary",
  );
}

function named(wanted: string, pcs: readonly PcRecord[], { find }: CanaryPorts): PcRecord {
  const found = find(wanted);
  if (pcs.some(({ id }) => id === found.id)) return found;
  throw new RoomcastError(
    "refused",
    `the canary ${found.name} is not among the PCs that are restored`,
    "name one of them, or how many are to be first",
  );
}

function best(count: number, pcs: readonly PcRecord[], ports: CanaryPorts): PcRecord[] {
  const rank = (pc: PcRecord): readonly [number, number] => {
    const place = pc.seat === null ? -1 : ports.seatsOf(pc.room).indexOf(pc.seat);
    return [ports.isConnected(pc.id) ? 0 : 1, place < 0 ? Number.MAX_SAFE_INTEGER : place];
  };
  const ranked = pcs.map((pc) => ({ pc, rank: rank(pc) }));
  ranked.sort((one, other) => one.rank[0] - other.rank[0] || one.rank[1] - other.rank[1]);
  return ranked.slice(0, count).map(({ pc }) => pc);
}
