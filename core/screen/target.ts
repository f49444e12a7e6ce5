import { type SectorShape, sectorMisfitOf } from "../image/sector-misfit.ts";
import { chooseTarget, type TargetChoice, type TargetNeed } from "../session/target.ts";
import type { MeantDisk } from "../wire/meant-disk.ts";
import { type RoomView, roomDefaults } from "../wire/rooms.ts";
import type { PcView, SessionView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";
import { diskLine } from "./disk.ts";

export interface TargetRequest {
  /** The disk that the request names for every PC, or null. */
  readonly named: string | null;
  readonly failingDisks: readonly string[];
  /** What the image asks of its disk's sectors; null for a wipe, and where it is not known. */
  readonly sectors: SectorNeed | null;
  /** By a PC's id: the disk that it took before, and has to take again whatever is named. */
  readonly meant?: Readonly<Record<string, MeantDisk>>;
}

/** Of a wipe, and of what is not known yet, nothing is asked. */
export const anyTarget: TargetRequest = { named: null, failingDisks: [], sectors: null };

/** See `TargetNeed`. */
export type SectorNeed = Pick<TargetNeed, "logicalSector" | "otherSectors">;

/**
 * The disks that a session takes of PCs that are let in, and of those that it is tried again with. A server of the campus
 * that has an older roomcast does not say which its order names.
 */
export const targetOf = ({
  disk = null,
  failingDisks = [],
  members,
}: Pick<SessionView, "members"> &
  Partial<Pick<SessionView, "disk" | "failingDisks">>): TargetRequest => ({
  ...{ named: disk, failingDisks, sectors: null },
  meant: Object.fromEntries(
    members.flatMap((member) => (member.disk === null ? [] : [[member.pc, member.disk]])),
  ),
});

/** As far as the manifest tells: the agent looks at what is in the image. */
export const sectorsOf = (image: SectorShape): SectorNeed => ({
  logicalSector: image.logicalSector,
  otherSectors: ({ logicalSector }) => sectorMisfitOf(image, logicalSector),
});

/** Of a disk that is cast as it is read: what it holds is not known when the receivers begin. */
export const sectorsOfLive = (logicalSector: number): SectorNeed => ({
  logicalSector,
  otherSectors: () => liveMisfit,
});

export const liveMisfit = "a live cast keeps its sectors; capture an image, and restore that";

/**
 * The disk that will be overwritten on this PC, or why the PC will refuse, as far as the server knows.
 * The agent decides: only it knows what is mounted, and whether the data fit.
 */
export function foreseenTarget(
  pc: PcView,
  rooms: Iterable<RoomView>,
  request: TargetRequest,
  speech: ScreenSpeech = english,
): { readonly text: string; readonly refused: boolean } {
  const { t, told } = speech;
  if (pc.disks.length === 0) return { text: t("target.unknown"), refused: false };
  const target = choiceOf(pc, rooms, request);
  if (target.kind === "refused") {
    const [reason, next] = [told(target.reason), told(target.next)];
    return { text: t("target.refuses", { reason, next }), refused: true };
  }
  const { disk } = target;
  const { sectors } = request;
  const hasOther = sectors !== null && sectors.logicalSector !== disk.logicalSector;
  const line = diskLine(disk, speech);
  return {
    text: hasOther ? t("target.sectors", { disk: line, bytes: disk.logicalSector }) : line,
    refused: false,
  };
}

/** The disks that will be overwritten, each with its PC; of PCs that will refuse, or show none yet, there is none. */
export const foreseenDisks = (
  pcs: readonly Pick<PcView, "id" | "name" | "room" | "disks">[],
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
  pc: Pick<PcView, "id" | "room" | "disks">,
  rooms: Iterable<Pick<RoomView, "name" | "settings">>,
  { named, failingDisks, sectors, meant }: TargetRequest,
): TargetChoice {
  const room = [...rooms].find(({ name }) => name === pc.room);
  const { disk: policy } = room?.settings ?? roomDefaults;
  const candidates = pc.disks.map((disk) => ({ disk, inUse: null }));
  const need = sectors === null ? null : { ...sectors, misfit: () => null };
  const rule = { policy, failingDisks: [...failingDisks] };
  return chooseTarget(candidates, named, need, rule, meant?.[pc.id] ?? null);
}
