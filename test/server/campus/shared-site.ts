/** Servers of a campus as far as what they have alike goes: each with its copies, and a file of what it remembers. */
import { setImmediate } from "node:timers/promises";
import { SharedRecords } from "../../../server/campus/shared-records.ts";
import type { SharedTables } from "../../../server/campus/shared-tables.ts";
import type { NamedRecord, RecordCopy, RecordKeeper } from "../../../server/state/kept-records.ts";
import type { OperatorRecord, SshKeyRecord } from "../../../server/state/records.ts";

/** Waits of a second are over at once; what comes back by itself after longer does not come. */
export const hastyTime = {
  now: () => Date.parse("2026-01-01T00:00:00.000Z"),
  sleep: async (ms: number, signal: AbortSignal): Promise<void> => {
    await setImmediate();
    if (ms <= 5000 || signal.aborted) return;
    await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
  },
};

export class Copy<R extends NamedRecord> implements RecordCopy<R> {
  readonly records = new Map<string, R>();
  /** What the disk says. */
  fault: Error | null = null;

  list = (): R[] => [...this.records.values()];

  take(record: R): void {
    if (this.fault !== null) throw this.fault;
    this.records.set(record.name, record);
  }

  drop(name: string): void {
    this.records.delete(name);
  }
}

export class SharedSite implements AsyncDisposable {
  readonly operators = new Copy<OperatorRecord>();
  readonly sshKeys = new Copy<SshKeyRecord>();
  readonly tables: SharedTables;
  readonly name: string;
  signing: readonly string[];
  readonly heard: string[] = [];
  /** Of the process that runs. */
  shared: SharedRecords | null = null;
  keeper!: RecordKeeper<OperatorRecord>;
  keyKeeper!: RecordKeeper<SshKeyRecord>;
  file = "";
  private readonly time: typeof hastyTime;

  constructor(name: string, tables: SharedTables, time = hastyTime) {
    this.name = name;
    this.tables = tables;
    this.time = time;
    this.signing = [`sha256:${name.padEnd(43, "A")}=`];
  }

  async start(): Promise<SharedRecords> {
    const shared = await SharedRecords.open({
      ...{ tables: this.tables, server: this.name, time: this.time, path: "campus-shared.json" },
      disk: {
        read: async () => Buffer.from(this.file),
        writeDurably: async (_path, data) => {
          this.file = data.toString();
        },
      },
    });
    this.keeper = shared.keepOperators(this.operators);
    this.keyKeeper = shared.keepSshKeys(this.sshKeys);
    await shared.begin({
      signers: () => this.signing,
      heard: (text) => void this.heard.push(text),
    });
    this.shared = shared;
    return shared;
  }

  async stop(): Promise<void> {
    await this.shared?.close();
    this.shared = null;
  }

  /** Names with roles, in order. */
  seen(): string {
    return this.operators
      .list()
      .map(({ name, role }) => `${name} ${role}`)
      .sort()
      .join(", ");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
