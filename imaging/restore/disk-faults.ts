/** A disk that may fail: tries again what may pass, and says what does not, and where, in words. */
import { RoomcastError } from "../../core/errors.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { sizeText } from "../../core/screen/format.ts";
import { BusyTime } from "../disk/busy-time.ts";

/** Pauses before the second and third try, in milliseconds: a bus that was reset takes that long. */
const retryAfter = [200, 2000];

/** How long a disk may take for one call, in milliseconds. */
export interface AnswerLimits {
  /** From then on it is said that the disk does not answer. */
  readonly slow: number;
  /** From then on it is hung. */
  readonly hung: number;
}

/** The kernel's own timeouts and resets of a disk take up to 30 s each, five times; then it is hung. */
export const answerLimits: AnswerLimits = { slow: 10_000, hung: 180_000 };

export interface FaultyDisk extends BlockDevice {
  zero(offset: number, length: number): Promise<void>;
  discard(offset: number, length: number): Promise<boolean>;
}

export class DiskFaults {
  private readonly disk: FaultyDisk;
  private readonly diskName: string;
  private readonly sleep: (ms: number) => Promise<void>;
  private readonly limits: AnswerLimits;
  /** Calls that take longer than they should, the longest first. */
  private readonly slow = new Set<string>();
  /** The disk may never answer again: nothing is to be asked of it, and nothing of it waited for. */
  isHung = false;
  private readonly busy = new BusyTime();

  constructor(ports: {
    readonly disk: FaultyDisk;
    readonly diskName: string;
    readonly limits?: AnswerLimits;
    sleep(ms: number): Promise<void>;
  }) {
    this.disk = ports.disk;
    this.diskName = ports.diskName;
    this.limits = ports.limits ?? answerLimits;
    this.sleep = (ms) => ports.sleep(ms);
  }

  /** What the disk does not answer, in words, while it does not. */
  get trouble(): string | null {
    const [first] = this.slow;
    return first ?? null;
  }

  /** Milliseconds in which at least one call was under way, in all. */
  get busyMs(): number {
    return this.busy.ms;
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.again("write", offset, () => this.disk.write(offset, data));
  }

  zero(offset: number, length: number): Promise<void> {
    return this.again("write", offset, () => this.disk.zero(offset, length));
  }

  /** False when the disk has no discard. Nothing is lost when it fails. */
  async discard(offset: number, length: number): Promise<boolean> {
    let isDone = false;
    const work = async (): Promise<void> => {
      isDone = await this.disk.discard(offset, length);
    };
    try {
      await this.answer(work(), "discard", offset);
    } catch (cause) {
      if (cause instanceof HungDisk) throw this.failure("discard", offset, cause);
    }
    return isDone;
  }

  flush(): Promise<void> {
    return this.again("flush", null, () => this.disk.flush());
  }

  /** Whether it could be read, at the second try at the latest. */
  async reads(offset: number, into: Uint8Array): Promise<boolean> {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        await this.answer(this.disk.read(offset, into), "read", offset);
        return true;
      } catch (cause) {
        if (cause instanceof HungDisk) throw this.failure("read", offset, cause);
      }
    }
    return false;
  }

  /** What was written twice and does not come back. */
  readsWrong(offset: number): RoomcastError {
    return new RoomcastError(
      "failed",
      `disk read-back error at ${whereText(offset)}: what was written there twice does not come back (${this.diskName})`,
      "replace the disk, or its cable; the PC's memory may be at fault as well",
    );
  }

  private async again(
    doing: string,
    offset: number | null,
    attempt: () => Promise<void>,
  ): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.answer(attempt(), doing, offset);
      } catch (cause) {
        if (cause instanceof HungDisk || tries >= retryAfter.length) {
          throw this.failure(doing, offset, cause);
        }
        await this.sleep(retryAfter[tries] as number);
      }
    }
  }

  private async answer(work: Promise<void>, doing: string, offset: number | null): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const { slow, hung } = this.limits;
    const where = offset === null ? "" : ` at ${whereText(offset)}`;
    const said = `the disk has not answered a ${doing}${where} for ${slow / 1000} s (${this.diskName})`;
    const slowTimer = setTimeout(() => this.slow.add(said), slow);
    const timer = setTimeout(() => {
      this.isHung = true;
      reject(new HungDisk(doing, offset, hung));
    }, hung);
    try {
      await this.busy.during(Promise.race([work, promise]));
    } finally {
      clearTimeout(slowTimer);
      clearTimeout(timer);
      this.slow.delete(said);
    }
  }

  private failure(doing: string, offset: number | null, cause: unknown): RoomcastError {
    const where = offset === null ? "" : ` at ${whereText(offset)}`;
    return new RoomcastError(
      "failed",
      `disk ${doing} error${where}: ${reasonOf(cause)} (${this.diskName})`,
      cause instanceof HungDisk
        ? "switch the PC off and on, check the disk's cable; replace the disk if it happens again"
        : "check the disk's cable and health; replace the disk if it happens again",
      { cause },
    );
  }
}

class HungDisk extends Error {
  constructor(doing: string, offset: number | null, hungMs: number) {
    const where = offset === null ? "" : ` at ${whereText(offset)}`;
    super(`no answer to a ${doing}${where} for ${hungMs / 1000} s: the disk hangs`);
  }
}

/** Closes the disk at the end of its scope, without waiting for one that hangs: its calls may never end. */
export const closedUnlessHung = (disk: AsyncDisposable, hangs: () => boolean): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    const closed = Promise.resolve(disk[Symbol.asyncDispose]());
    if (hangs()) closed.catch(() => {});
    else await closed;
  },
});

const whereText = (offset: number): string => `${sizeText(offset)} (byte ${offset})`;

function reasonOf(error: unknown): string {
  const inner = error instanceof RoomcastError && error.cause !== undefined ? error.cause : error;
  const { code, message } = inner as NodeJS.ErrnoException;
  return code === "EIO" ? "input/output error" : (code ?? message);
}
