/** What somebody at a PC may have done, and what has to wait for an operator. */
import type { RoomSettings } from "../wire/rooms.ts";
import type { RequestView, Right } from "../wire/trust.ts";

/** What of a PC's menu reads the store or writes a disk. */
export type AskedAction = RequestView["action"];

/** What a room says of its menus. */
export interface MenuRules {
  readonly hasPin: boolean;
  readonly ask: RoomSettings["ask"];
}

/** The menu does nothing but wait and ask, until its PIN is typed. */
export const isLocked = ({ hasPin }: Pick<MenuRules, "hasPin">, right: Right | null): boolean =>
  hasPin && right === null;

/** Whether it is done at once; otherwise it waits for an operator's yes. */
export function isAllowed(action: AskedAction, rules: MenuRules, right: Right | null): boolean {
  if (right === "instructor") return true;
  if (rules.ask === "free") return !isLocked(rules, right);
  // Its own disk is the person's in front of it; images and other PCs' disks are not.
  return right === "menu" && (action === "restore" || action === "wipe");
}
