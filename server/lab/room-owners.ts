/** Where a server belongs to a campus, each room is one server's. */

/** Whose the rooms are. */
export interface RoomOwners {
  /** Throws `conflict` for a room that is another server's, and `away` for one of which that is not known yet. */
  requireOwn(room: string): void;
  /** Throws `conflict` for a room that is on its way from one server to another. */
  requireSettled(room: string): void;
  /** Makes a room once it is this server's, or while that cannot be asked. Rejects with `conflict` for another server's. */
  making<T>(room: string, make: () => T): Promise<T>;
  /** Rooms whose settings name an SSH key, of other servers that are heard. */
  roomsElsewhere(sshKey: string): readonly { readonly name: string; readonly server: string }[];
}

/** Of a server that belongs to no campus. */
export const allOwn: RoomOwners = {
  requireOwn() {},
  requireSettled() {},
  making: async (_room, make) => make(),
  roomsElsewhere: () => [],
};
