/** Changes shared records of one kind: in the campus's list first, and then here. */
import type { OwnRecord, SharedEntry, SharedId } from "../../core/campus/shared-list.ts";
import type { NamedRecord, RecordCopy, RecordKeeper } from "../state/kept-records.ts";
import { notWhileAway, takenMeanwhile } from "./shared-faults.ts";
import type { SharedKind } from "./shared-kinds.ts";
import type { SharedTables } from "./shared-tables.ts";
import { ownOf } from "./shelf.ts";

/** Somebody else changes the same at the same time: so often it is done on top of that. */
const besideTimes = 5;

export interface KeeperPorts {
  readonly tables: Pick<SharedTables, "away">;
  /** Does it while nothing else changes the list or the copies. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** As `revisionOf`. */
  revisionOf(id: SharedId): number;
  /** In the list, and then in the copy; false: the list has something else by now. */
  write(what: string, entry: SharedEntry): Promise<boolean>;
  hear(): Promise<void>;
}

export function keeperOf<R extends NamedRecord>(
  kind: SharedKind<R>,
  copy: RecordCopy<R>,
  ports: KeeperPorts,
): RecordKeeper<R> {
  const find = (name: string): R | undefined => copy.list().find((each) => each.name === name);
  const changing = (name: string, work: (what: string) => Promise<void>): Promise<void> =>
    ports.exclusively(async () => {
      const what = kind.called(name);
      const away = ports.tables.away();
      if (away !== null) throw notWhileAway(what, away.reason);
      await work(what);
    });
  const write = (what: string, own: OwnRecord, record: string | null): Promise<boolean> =>
    ports.write(what, { ...own, record, revision: ports.revisionOf(own) + 1 });
  return {
    add: (record) =>
      changing(record.name, async (what) => {
        const own = ownOf(kind, record);
        if (await write(what, own, own.record)) return;
        await ports.hear();
        throw takenMeanwhile(what);
      }),
    change: (name, change) =>
      changing(name, async (what) => {
        for (let left = besideTimes; left > 0; left--) {
          const record = find(name);
          if (record === undefined) return;
          const own = ownOf(kind, record);
          const { record: text } = ownOf(kind, change(record));
          if (text === own.record || (await write(what, own, text))) return;
          await ports.hear();
        }
        throw takenMeanwhile(what);
      }),
    remove: (name) =>
      changing(name, async (what) => {
        const record = find(name);
        if (record !== undefined) await write(what, ownOf(kind, record), null);
      }),
  };
}
