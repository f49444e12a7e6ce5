/** The copy of one kind of shared records, as texts. */
import type { LiveEntry, OwnRecord } from "../../core/campus/shared-list.ts";
import type { NamedRecord, RecordCopy } from "../state/kept-records.ts";
import type { SharedKind } from "./shared-kinds.ts";

export interface Shelf {
  called(name: string): string;
  own(): readonly OwnRecord[];
  /** False: it cannot be read, and counts for nothing here. */
  take(entry: LiveEntry): boolean;
  drop(name: string): void;
}

export const shelfOf = <R extends NamedRecord>(
  kind: SharedKind<R>,
  copy: RecordCopy<R>,
): Shelf => ({
  called: kind.called,
  own: () => copy.list().map((record) => ownOf(kind, record)),
  take({ name, since, record: text }) {
    const record = kind.decode(text);
    const isIt = record !== null && record.name === name && kind.since(record) === since;
    if (isIt) copy.take(record);
    else copy.drop(name);
    return isIt;
  },
  drop: (name) => copy.drop(name),
});

export const ownOf = <R extends NamedRecord>(kind: SharedKind<R>, record: R): OwnRecord => ({
  ...{ kind: kind.kind, name: record.name, since: kind.since(record) },
  record: kind.encode(record),
});
