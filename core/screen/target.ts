import { chooseTarget, type TargetChoice } from "../session/target.ts";
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
  request: TargetRequest,
): { readonly text: string; readonly refused: boolean } {
  if (pc.disks.length === 0) return { text: "no disk is known yet", refused: false };
  const target = choiceOf(pc, rooms, request);
  return target.kind === "disk"
    ? { text: diskLine(target.disk), refused: false }
    : { text: `WILL REFUSE: ${target.reason}; ${target.next}`, refused: true };
}

/** The disks that will be overwritten, each with its PC; of PCs that will refuse, or show none yet, there is none. */
export const foreseenDisks = (
  pcs: readonly Pick<PcView, "name" | "room" | "disks">[],
  rooms: Iterable<Pick<RoomView, "name" | "settings">>,
  request: TargetRequest,
): { readonly name: string; readonly bytes: number }[] => {
  const all = [...rooms];
  return pcs.flatMap((pc) => {
    const target = choiceOf(pc, all, request);
    return target.kind === "disk" ? [{ name: pc.name, bytes: target.disk.size }] : [];
  });
};

function choiceOf(
  pc: Pick<PcView, "room" | "disks">,
  rooms: Iterable<Pick<RoomView, "name" | "settings">>,
  { named, failingDisks, logicalSector }: TargetRequest,
): TargetChoice {
  const room = [...rooms].find(({ name }) => name === pc.room);
  const { disk: policy } = room?.settings ?? roomDefaults;
  const candidates = pc.disks.map((disk) => ({ disk, inUse: null }));
  const need = logicalSector === null ? null : { logicalSector, misfit: () => null };
  return chooseTarget(candidates, named, need, { policy, failingDisks: [...failingDisks] });
}
