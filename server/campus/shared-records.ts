/**
 * This server's part in what all servers of its campus have alike: what somebody changes here is in the database first and
 * then here, and what others change is heard and taken over.
 */
import {
  follow,
  idOf,
  remembered,
  revisionOf,
  type SharedEntry,
  type SharedMark,
} from "../../core/campus/shared-list.ts";
import { errorText } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { Turns } from "../../core/node/turns.ts";
import type { Keep, NamedRecord, RecordCopy, RecordKeeper } from "../state/kept-records.ts";
import type { OperatorRecord, SshKeyRecord } from "../state/records.ts";
import type { StoreFiles } from "../store/files.ts";
import { Asking } from "./asking.ts";
import { writeKeptText } from "./kept-text.ts";
import { type CampusTime, isAway } from "./patience.ts";
import { perhapsDone } from "./shared-faults.ts";
import { type Replaced, readShared, sharedText } from "./shared-file.ts";
import { keeperOf } from "./shared-keeper.ts";
import { operatorKind, type SharedKind, signerKind, sshKeyKind } from "./shared-kinds.ts";
import type { SharedTables } from "./shared-tables.ts";
import { type Shelf, shelfOf } from "./shelf.ts";
import { Signers } from "./signers.ts";

/** A change whose answer is lost is asked for again so often, after so many milliseconds: the database may just be started again. */
const againTimes = 4;
const againMs = 1000;
/** Milliseconds until the list is looked at again that could not be taken over. */
const lookAgainMs = 30_000;
/** That one of this server gave way to the campus's of its name is told for a week, in milliseconds. */
const replacedForMs = 7 * 24 * 3600_000;

export interface SharedPorts {
  readonly tables: SharedTables;
  /** This server's name. */
  readonly server: string;
  readonly time: CampusTime;
  readonly disk: Pick<StoreFiles, "read" | "writeDurably">;
  /** Of the file of what is remembered. */
  readonly path: string;
}

export interface SharedStart {
  /** The keys with which this server signs, and did. */
  signers(): readonly string[];
  /** Told, in words, what other servers have changed. */
  heard(text: string): void;
}

export class SharedRecords {
  readonly signers: Signers;
  private readonly ports: SharedPorts;
  private readonly shelves = new Map<string, Shelf>();
  private readonly list = new Map<string, SharedEntry>();
  /** Nothing else changes the list or the copies between a question and its answer. */
  private readonly turns = new Turns(1);
  private readonly closing = new AbortController();
  private subscription: Disposable | null = null;
  private marks: readonly SharedMark[];
  private replaced: readonly Replaced[];
  private written: string;
  /** The newest change that was heard. */
  private changed = 0;
  private isAllDue = true;
  private readonly asking: Asking;
  private trouble: string | null = null;
  private unread: readonly string[] = [];
  private heardOf: SharedStart["heard"] = () => {};

  private constructor(ports: SharedPorts, kept: Awaited<ReturnType<typeof readShared>>) {
    this.ports = ports;
    this.marks = kept.marks;
    this.replaced = kept.replaced;
    this.written = sharedText(kept);
    this.signers = new Signers(ports.server, kept.signers);
    this.shelves.set(signerKind.kind, shelfOf(signerKind, this.signers));
    this.asking = new Asking({
      ...{ time: ports.time, signal: this.closing.signal, againMs: lookAgainMs },
      question: () => this.turns.take(() => this.hear()),
      over: (error) => {
        this.trouble = error === null || isAway(error) ? null : errorText(error);
      },
    });
  }

  static async open(ports: SharedPorts): Promise<SharedRecords> {
    return new SharedRecords(ports, await readShared(ports.path, ports.disk));
  }

  /** Of operators, taken before it begins. */
  get keepOperators(): Keep<OperatorRecord> {
    return (copy) => this.keep(operatorKind, copy);
  }

  /** Of SSH keys, taken before it begins. */
  get keepSshKeys(): Keep<SshKeyRecord> {
    return (copy) => this.keep(sshKeyKind, copy);
  }

  /** Resolves when the list was heard, or could not be: so who was removed meanwhile is not let in. */
  async begin({ signers, heard }: SharedStart): Promise<void> {
    this.signers.begin(signers);
    this.heardOf = heard;
    this.subscription = this.ports.tables.onHint((isThereAgain) => {
      this.isAllDue ||= isThereAgain;
      this.asking.ask();
    });
    // Also while the database is away, and after this server's state was put back from a backup.
    await this.turns
      .take(() => this.settle(heard))
      .catch((error: unknown) => {
        this.trouble = errorText(error);
      });
    this.asking.ask();
    await this.turns.take(async () => {});
  }

  /** This server's signing keys have changed. */
  publish(): void {
    this.asking.ask();
  }

  get warnings(): string[] {
    const { trouble, unread, replaced, shelves, ports } = this;
    const since = ports.time.now() - replacedForMs;
    return [
      ...(trouble === null ? [] : [`operators and keys of the campus: ${trouble}`]),
      ...unread.map(
        (what) =>
          `the campus has ${what} in a form that this roomcast does not know: it does not count here; bring this server up to date`,
      ),
      ...replaced
        .filter(({ at }) => Date.parse(at) > since)
        .map(({ kind, name, at }) => {
          const what = shelves.get(kind)?.called(name) ?? name;
          return `the campus had another record of ${what}, which took the place of this server's own at ${at}: what that one let in (a token, a password, a key) does not count any more`;
        }),
    ];
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.subscription?.[Symbol.dispose]();
    await this.turns.take(async () => {});
  }

  private keep<R extends NamedRecord>(kind: SharedKind<R>, copy: RecordCopy<R>): RecordKeeper<R> {
    const { tables } = this.ports;
    this.shelves.set(kind.kind, shelfOf(kind, copy));
    return keeperOf(kind, copy, {
      tables,
      exclusively: (work) => this.turns.take(work),
      revisionOf: (id) => revisionOf(id, [...this.list.values()], this.marks),
      write: (what, entry) => this.write(what, entry),
      hear: () => this.hear(),
    });
  }

  /** In the database, and then here; false: the list has something else by now. */
  private async write(what: string, entry: SharedEntry): Promise<boolean> {
    const { tables, time } = this.ports;
    const { signal } = this.closing;
    for (let left = againTimes; ; left--) {
      try {
        if (!(await tables.write(entry))) return false;
        break;
      } catch (error) {
        if (!isAway(error)) throw error;
        if (left === 0 || signal.aborted) throw perhapsDone(what, error);
      }
      await time.sleep(againMs, signal);
    }
    this.list.set(idOf(entry), entry);
    await this.settle(() => {});
    return true;
  }

  private async hear(): Promise<void> {
    const { tables } = this.ports;
    const isAll = this.isAllDue;
    this.isAllDue = false;
    try {
      const { entries, changed } = await tables.writtenAfter(isAll ? 0 : this.changed);
      if (isAll) this.list.clear();
      this.hasHeard(entries, changed);
    } catch (error) {
      this.isAllDue ||= isAll;
      throw error;
    }
    const lacking = await this.settle(this.heardOf);
    if (lacking.length === 0) return;
    await tables.handOn(lacking);
    const after = await tables.writtenAfter(this.changed);
    this.hasHeard(after.entries, after.changed);
    await this.settle(this.heardOf);
  }

  private hasHeard(entries: readonly SharedEntry[], changed: number): void {
    for (const entry of entries) this.list.set(idOf(entry), entry);
    this.changed = changed;
  }

  /** Lets the copies follow the list as it is known; answers what it lacks. */
  private async settle(heard: SharedStart["heard"]): Promise<SharedEntry[]> {
    const { shelves, marks, ports } = this;
    const list = [...this.list.values()].filter(({ kind }) => shelves.has(kind));
    const own = [...shelves.values()].flatMap((shelf) => shelf.own());
    const lacking: SharedEntry[] = [];
    const unread: string[] = [];
    const failures: unknown[] = [];
    for (const action of follow({ list, own, marks, sumOf: hexSha256 })) {
      if (action.type === "hand-on") {
        lacking.push(action.entry);
        continue;
      }
      const { kind, name } = action.type === "take" ? action.entry : action.id;
      const shelf = shelves.get(kind) as Shelf;
      const what = shelf.called(name);
      // A disk that is full keeps nobody from being removed.
      try {
        if (action.type === "drop") {
          shelf.drop(name);
          heard(`another server of the campus has removed ${what}`);
        } else if (!shelf.take(action.entry)) unread.push(what);
        else {
          heard(`${what} is now as another server of the campus has it`);
          // What a signing key is nobody can have changed.
          if (action.isOther && kind !== signerKind.kind) this.gaveWay(kind, name);
        }
      } catch (error) {
        failures.push(error);
      }
    }
    this.marks = remembered({ list, marks, sumOf: hexSha256 });
    this.unread = unread;
    await this.remember(ports);
    if (failures.length > 0) throw failures[0];
    return lacking;
  }

  private gaveWay(kind: string, name: string): void {
    const at = new Date(this.ports.time.now()).toISOString();
    const others = this.replaced.filter((each) => each.kind !== kind || each.name !== name);
    this.replaced = [...others, { kind, name, at }];
  }

  private async remember({ path, disk, time }: SharedPorts): Promise<void> {
    const { marks, replaced, signers } = this;
    const since = time.now() - replacedForMs;
    const text = sharedText({
      marks,
      replaced: replaced.filter(({ at }) => Date.parse(at) > since),
      signers: signers.heard(),
    });
    if (text === this.written) return;
    await writeKeptText(path, disk, text);
    this.written = text;
  }
}
