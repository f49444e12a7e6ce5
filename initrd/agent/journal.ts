import { appendFileSync, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { printable } from "../../core/units/printable.ts";

/** What the agent says of itself, a line an event. */
export interface Journal {
  log(text: string): void;
  /** What somebody who watches the PC's serial line waits for. */
  milestone(text: string): void;
  /** The latest lines, each with its time, the newest last. */
  lines(): readonly string[];
}

/** So many lines are kept for who looks at the PC from afar. */
const linesKept = 300;

export interface JournalOptions {
  /** Lines go to stderr: there is no menu that they would smear. */
  readonly onStderr: boolean;
  /** A file that lines are appended to, or null. */
  readonly logPath: string | null;
  /** A serial device for the milestones, or null. */
  readonly milestonesPath: string | null;
}

export function openJournal({ onStderr, logPath, milestonesPath }: JournalOptions): Journal {
  const serial = milestonesPath === null ? null : new SerialLine(milestonesPath);
  const kept: string[] = [];
  const log = (text: string): void => {
    const line = printable(text.replace(/\s+/g, " "));
    const dated = `${new Date().toISOString()} ${line}`;
    kept.push(dated);
    if (kept.length > linesKept) kept.shift();
    if (onStderr) process.stderr.write(`roomcast: ${line}\n`);
    if (logPath === null) return;
    try {
      appendFileSync(logPath, `${dated}\n`);
    } catch {
      // A full log must not end a restore.
    }
  };
  return {
    log,
    lines: () => kept,
    milestone(text) {
      log(text);
      serial?.say(`roomcast: ${printable(text)}\r\n`);
    },
  };
}

/** Lines that wait for a line that nobody reads are dropped. */
const backlogLimit = 64;

/** A device that may not be there, or never take what is written to it. */
class SerialLine {
  private readonly handle: Promise<FileHandle | null>;
  private writing: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(path: string) {
    const flags = constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK;
    this.handle = open(path, flags).catch(() => null);
  }

  say(line: string): void {
    if (this.waiting >= backlogLimit) return;
    this.waiting++;
    this.writing = this.writing
      .then(async () => (await this.handle)?.write(line))
      .catch(() => {})
      .finally(() => {
        this.waiting--;
      });
  }
}
