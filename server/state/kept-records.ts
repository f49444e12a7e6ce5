/** Who decides what operators and SSH keys there are: this server alone, or the campus that it belongs to. */

export interface NamedRecord {
  readonly name: string;
}

/** The records of one kind, as this server has them. */
export interface RecordCopy<R extends NamedRecord> {
  list(): readonly R[];
  /** In the place of what has its name. Written when it returns; what an earlier one has open ends where that does not count any more. */
  take(record: R): void;
  /** The same, where there is one of the name. */
  drop(name: string): void;
}

/** Changes them. What was done counts everywhere, and is in the copy, when a call resolves. */
export interface RecordKeeper<R extends NamedRecord> {
  /** Rejects with `conflict` when another server has just made one of the name, which is in the copy then. */
  add(record: R): Promise<void>;
  /** `change` may be asked more than once. Nothing happens where there is none of the name any more. */
  change(name: string, change: (record: R) => R): Promise<void>;
  remove(name: string): Promise<void>;
}

export type Keep<R extends NamedRecord> = (copy: RecordCopy<R>) => RecordKeeper<R>;

/** Of a server that belongs to no campus. */
export const keptHere = <R extends NamedRecord>(copy: RecordCopy<R>): RecordKeeper<R> => ({
  add: async (record) => copy.take(record),
  async change(name, change) {
    const record = copy.list().find((each) => each.name === name);
    if (record !== undefined) copy.take(change(record));
  },
  remove: async (name) => copy.drop(name),
});
