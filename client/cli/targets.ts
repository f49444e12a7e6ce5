/** Which disk of each PC a command is about to overwrite, as far as the server can tell. */
import { RoomcastError } from "../../core/errors.ts";
import { type OrderKeys, orderKeys } from "../../core/screen/identity.ts";
import { foreseenTarget, type TargetRequest } from "../../core/screen/target.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { PcView } from "../../core/wire/views.ts";

export const diskOptionText =
  "the disk to use on every PC: /dev/sda, serial:S or wwn:W; by default the room's settings choose it";
export const failingOptionText = "use these disks although SMART reports that they are failing";

/**
 * What an order to these PCs does about their keys. Throws `refused` for one that is named and may not
 * have it; of a room it is left out.
 */
export function keysOf(
  pcs: readonly PcView[],
  rooms: readonly RoomView[],
  areNamed: boolean,
): OrderKeys {
  const keys = orderKeys(pcs, rooms);
  if (!areNamed || keys.leftOut.length === 0) return keys;
  throw new RoomcastError(
    "refused",
    keys.leftOut.map(({ what }) => what).join("; "),
    [...new Set(keys.leftOut.map(({ next }) => next))].join("; "),
  );
}

/** A line for each PC: the disk that will be overwritten, or why it will be refused. */
export const targetLines = (
  pcs: readonly PcView[],
  rooms: readonly RoomView[],
  request: TargetRequest,
): string[] => pcs.map((pc) => `  ${pc.name}: ${foreseenTarget(pc, rooms, request).text}`);
