/**
 * What all servers of a campus have alike: operators, SSH keys, and the keys that sign certificates. The campus's database
 * has the list, and each server a copy of it. These are the rules by which a copy follows the list, and by which something
 * gets into the list, without I/O. docs/decisions/0048 argues them.
 */

/** What a record is of. One that was removed and made anew has the name of the first, and another `since`. */
export interface SharedId {
  readonly kind: string;
  readonly name: string;
  readonly since: string;
}

/** A record in the list. */
export interface SharedEntry extends SharedId {
  /** It grows with each change. */
  readonly revision: number;
  /** Null: it was removed, and never comes back. Others of its name may come. */
  readonly record: string | null;
}

/** A record of this server's copy. */
export interface OwnRecord extends SharedId {
  readonly record: string;
}

/** What was last heard of a record, across restarts. `sum`: of its text; null: it was removed. */
export interface SharedMark extends SharedId {
  readonly revision: number;
  readonly sum: string | null;
}

export type SharedAction =
  /** Into the copy, in the place of what has its name. `isOther`: that is not what the campus ever had, or it was changed here alone. */
  | { readonly type: "take"; readonly entry: LiveEntry; readonly isOther: boolean }
  | { readonly type: "drop"; readonly id: SharedId }
  /** Into the list: it lacks this. */
  | { readonly type: "hand-on"; readonly entry: SharedEntry };

export type LiveEntry = SharedEntry & { readonly record: string };

export interface Heard {
  /** The list. */
  readonly list: readonly SharedEntry[];
  readonly own: readonly OwnRecord[];
  readonly marks: readonly SharedMark[];
  sumOf(record: string): string;
}

/** The same for the same record alone. */
export const idOf = ({ kind, name, since }: SharedId): string =>
  JSON.stringify([kind, name, since]);
const nameOf = ({ kind, name }: Omit<SharedId, "since">): string => JSON.stringify([kind, name]);
const isLive = (entry: SharedEntry): entry is LiveEntry => entry.record !== null;
const byId = <T extends SharedId>(entries: readonly T[]): Map<string, T> =>
  new Map(entries.map((entry) => [idOf(entry), entry]));

/** What a server does that has heard the list. Removals are handed on first. */
export function follow({ list, own, marks, sumOf }: Heard): SharedAction[] {
  const marked = byId(marks);
  const isGone = (entry: SharedEntry): boolean =>
    entry.record === null || marked.get(idOf(entry))?.sum === null;
  const gone = new Set([
    ...list.filter(isGone).map(idOf),
    ...marks.filter(({ sum }) => sum === null).map(idOf),
  ]);
  const winners = new Map(
    list.filter((entry) => isLive(entry) && !isGone(entry)).map((entry) => [nameOf(entry), entry]),
  ) as Map<string, LiveEntry>;
  const listed = byId(list);
  const actions: SharedAction[] = marks
    .filter((mark) => mark.sum === null && listed.get(idOf(mark))?.record !== null)
    .map(({ sum: _, ...mark }) => ({ type: "hand-on", entry: { ...mark, record: null } }));
  for (const one of own) {
    const id = idOf(one);
    const winner = winners.get(nameOf(one));
    winners.delete(nameOf(one));
    const mark = marked.get(id);
    const isAsHeard = mark !== undefined && mark.sum === sumOf(one.record);
    if (winner === undefined) {
      if (gone.has(id)) actions.push({ type: "drop", id: one });
      else actions.push({ type: "hand-on", entry: { ...one, revision: mark?.revision ?? 1 } });
    } else if (idOf(winner) !== id) {
      actions.push({ type: "take", entry: winner, isOther: !gone.has(id) });
    } else if (winner.record !== one.record) {
      // Of a database that was put back to an earlier day, the newer one is here.
      const isNewer = isAsHeard && mark.revision > winner.revision;
      if (isNewer) actions.push({ type: "hand-on", entry: { ...one, revision: mark.revision } });
      else actions.push({ type: "take", entry: winner, isOther: !isAsHeard });
    }
  }
  for (const entry of winners.values()) actions.push({ type: "take", entry, isOther: false });
  return actions;
}

/** What is remembered after the list was heard. What is newer than the list, or was removed, stays as it was. */
export function remembered({ list, marks, sumOf }: Omit<Heard, "own">): SharedMark[] {
  const all = byId(marks);
  for (const { record, ...entry } of list) {
    const before = all.get(idOf(entry));
    const sum = record === null ? null : sumOf(record);
    const isOlder = before !== undefined && before.revision > entry.revision;
    if (sum !== null && (before?.sum === null || isOlder)) continue;
    all.set(idOf(entry), { ...entry, sum });
  }
  return [...all.values()];
}

/** The revision to which a change is made here: the newest that was ever heard, also of a database that was put back since. */
export const revisionOf = (
  id: SharedId,
  list: readonly SharedEntry[],
  marks: readonly SharedMark[],
): number =>
  [...list, ...marks]
    .filter(({ kind, name, since }) => kind === id.kind && name === id.name && since === id.since)
    .reduce((newest, { revision }) => Math.max(newest, revision), 0);

/**
 * Whether the list takes an entry, given `rows`, which are all of its kind and name: what is to be written, null where it is
 * there already, or "refused". `change`: one that somebody makes now, to the revision before; `hand-on`: one that the list lacks.
 */
export function written(
  rows: readonly SharedEntry[],
  entry: SharedEntry,
  why: "change" | "hand-on",
): SharedEntry | null | "refused" {
  const row = rows.find(({ since }) => since === entry.since);
  if (entry.record === null) {
    if (row?.record === null) return null;
    return { ...entry, revision: Math.max(entry.revision, (row?.revision ?? 0) + 1) };
  }
  if (row?.record === null) return "refused";
  if (rows.some((each) => isLive(each) && each.since !== entry.since)) return "refused";
  if (row === undefined) return entry;
  if (row.record === entry.record && row.revision === entry.revision) return null;
  const isNext =
    why === "change" ? row.revision + 1 === entry.revision : row.revision < entry.revision;
  return isNext ? entry : "refused";
}
