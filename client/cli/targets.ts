/** Which disk of each PC a command is about to overwrite, as far as the server can tell. */
import { foreseenTarget, type TargetWish } from "../../core/screen/target.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { PcView } from "../../core/wire/views.ts";

export const diskOptionText =
  "this disk of every PC: /dev/sda, serial:S or wwn:W, instead of the one that the room's settings choose";
export const failingOptionText = "take these disks although SMART says that they are failing";

/** A line for each PC: its target, or why it will be refused. */
export const targetLines = (
  pcs: readonly PcView[],
  rooms: readonly RoomView[],
  wish: TargetWish,
): string[] => pcs.map((pc) => `  ${pc.name}: ${foreseenTarget(pc, rooms, wish).text}`);
