import { chooseTarget } from "../session/target.ts";
import { type RoomView, roomDefaults } from "../wire/rooms.ts";
import type { PcView } from "../wire/views.ts";
import { diskLine } from "./disk.ts";

export interface TargetRequest {
  /** The disk that the request names for every PC, or null. */
  readonly named: string | null;
  readonly failingDisks: readonly string[];
  /** Sector size of the image; null for a wipe. */
  readonly logicalSector: number | null;
}

/**
 * The disk that will be overwritten on this PC, or why the PC will refuse, as far as the server knows.
 * The agent decides: only it knows what is mounted, and whether the data fit.
 */
export function foreseenTarget(
  pc: PcView,
  rooms: Iterable<RoomView>,
  { named, failingDisks, logicalSector }: TargetRequest,
): { readonly text: string; readonly refused: boolean } {
  if (pc.disks.length === 0) return { text: "no disk is known yet", refused: false };
  const room = [...rooms].find(({ name }) => name === pc.room);
  const { disk: policy } = room?.settings ?? roomDefaults;
  const candidates = pc.disks.map((disk) => ({ disk, inUse: null }));
  const need = logicalSector === null ? null : { logicalSector, misfit: () => null };
  const rule = { policy, failingDisks: [...failingDisks] };
  const target = chooseTarget(candidates, named, need, rule);
  return target.kind === "disk"
    ? { text: diskLine(target.disk), refused: false }
    : { text: `WILL REFUSE: ${target.reason}; ${target.next}`, refused: true };
}
