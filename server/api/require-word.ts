import { RoomcastError } from "../../core/errors.ts";

/** Throws `refused` unless the caller has named what will be destroyed. */
export function requireWord(said: string, expected: string): void {
  if (said === expected) return;
  throw new RoomcastError(
    "refused",
    `the confirmation does not name what would be destroyed (${expected})`,
    `set \`overwrite\` to ${expected}`,
  );
}
