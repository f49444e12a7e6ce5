/** The ways that are measured. */
import { bittorrentWay } from "./bittorrent.ts";
import { roomcastWay } from "./roomcast.ts";
import { udpcastWay } from "./udpcast.ts";
import type { Place, Restore } from "./way.ts";

export const wayNames = ["roomcast", "udpcast", "bittorrent"] as const;
export type WayName = (typeof wayNames)[number];

export const openWay: Record<WayName, (place: Place) => Promise<Restore>> = {
  roomcast: roomcastWay,
  udpcast: udpcastWay,
  bittorrent: bittorrentWay,
};
