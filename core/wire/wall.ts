/** What the page on a room's wall sees: that room, its PCs and its sessions, and of them only what a whole room may read. */
import { type Static, Type } from "typebox";
import { nullable } from "./nullable.ts";
import { RoomView } from "./rooms.ts";
import { BootView, MemberView, PcView, SessionView } from "./views.ts";

const roomFields = ["name", "pcs", "online", "session", "shutUntil", "seats", "walk"] as const;
const pcFields = [
  "id",
  "name",
  "room",
  "seat",
  "state",
  "session",
  "lastSeen",
  "identity",
] as const;
const sessionFields = [
  ...(["id", "kind", "image", "room", "state", "startedAt", "endedAt", "rateBps"] as const),
  ...(["bytesSent", "parityBytes", "repairBytes", "passes", "secondsLeft", "fit"] as const),
] as const;
const memberFields = [
  ...(["pc", "name", "state", "result", "lane", "laneReason", "slowReason", "refused"] as const),
  ...(["bytesWanted", "bytesReceived", "bytesWritten", "bytesVerified"] as const),
  ...(["chunksKept", "chunksWritten", "lossRatio", "writeBps", "startedAt", "endedAt"] as const),
] as const;
const bootFields = ["state", "seconds"] as const;

export const WallRoom = Type.Pick(RoomView, roomFields);
export type WallRoom = Static<typeof WallRoom>;
export const WallPc = Type.Pick(PcView, pcFields);
export type WallPc = Static<typeof WallPc>;
export const WallMember = Type.Object({
  ...Type.Pick(MemberView, memberFields).properties,
  boot: nullable(Type.Pick(BootView, bootFields)),
});
export type WallMember = Static<typeof WallMember>;
export const WallSession = Type.Object({
  ...Type.Pick(SessionView, sessionFields).properties,
  members: Type.Array(WallMember),
});
export type WallSession = Static<typeof WallSession>;

/** An event of `/api/v1/events` for a wall. */
export const WallEvent = Type.Union([
  Type.Object({ type: Type.Literal("room"), room: WallRoom }),
  Type.Object({ type: Type.Literal("room-gone"), name: Type.String() }),
  Type.Object({ type: Type.Literal("pc"), pc: WallPc }),
  Type.Object({ type: Type.Literal("pc-gone"), id: Type.String() }),
  Type.Object({ type: Type.Literal("session"), session: WallSession }),
  Type.Object({ type: Type.Literal("ready") }),
]);
export type WallEvent = Static<typeof WallEvent>;

export const wallRoom = (room: RoomView): WallRoom => picked(room, roomFields);
export const wallPc = (pc: PcView): WallPc => picked(pc, pcFields);

/** `isHere`: whether a PC, by its id, is in the room. */
export const wallSession = (
  session: SessionView,
  isHere: (pc: string) => boolean,
): WallSession => ({
  ...picked(session, sessionFields),
  // Of a live cast it is the name of a PC, which may be in another room.
  image: session.kind === "cast" ? null : session.image,
  members: session.members.filter(({ pc }) => isHere(pc)).map(wallMember),
});

const wallMember = (member: MemberView): WallMember => ({
  ...picked(member, memberFields),
  boot: member.boot === null ? null : picked(member.boot, bootFields),
});

const picked = <T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> =>
  Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
