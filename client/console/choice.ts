/** What the bar of a list is on, while others come, go and change their order. */
import { type Key, moved } from "../../core/screen/keys.ts";

export interface Choice {
  /** Null: nothing was there to choose. */
  readonly id: string | null;
  /** Where it stood: the bar stays there when it is gone. */
  readonly at: number;
}

export const choiceAt = (ids: readonly string[], at: number): Choice => ({
  id: ids[at] ?? null,
  at,
});

/** Its place in the list as it is now. */
export function placeOf({ id, at }: Choice, ids: readonly string[]): number {
  const found = id === null ? -1 : ids.indexOf(id);
  return found >= 0 ? found : Math.max(0, Math.min(at, ids.length - 1));
}

/** Lines that PgUp and PgDn move by. */
const pageLines = 10;

export const chosenBy = (key: Key, choice: Choice, ids: readonly string[]): Choice =>
  choiceAt(ids, Math.max(0, moved(placeOf(choice, ids), key, ids.length, pageLines)));
