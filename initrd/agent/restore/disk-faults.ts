/** A disk that may fail: tries again what may pass, and says what does not, and where, in words. */
import { RoomcastError } from "../../../core/errors.ts";
import type { BlockDevice } from "../../../core/ports.ts";
import { sizeText } from "../../../core/screen/format.ts";

/** Pauses before the second and third try, in milliseconds: a bus that was reset takes that long. */
const retryAfter = [200, 2000];
/** The kernel's own timeouts and resets of a disk take up to 30 s each, five times; then it is hung. */
const answerLimit = 180_000;

export interface FaultyDisk extends BlockDevice {
  zero(offset: number, length: number): Promise<void>;
}

export class DiskFaults {
  private readonly disk: FaultyDisk;
  private readonly diskName: string;
  private readonly sleep: (ms: number) => Promise<void>;

  constructor(ports: {
    readonly disk: FaultyDisk;
    readonly diskName: string;
    sleep(ms: number): Promise<void>;
  }) {
    this.disk = ports.disk;
    this.diskName = ports.diskName;
    this.sleep = (ms) => ports.sleep(ms);
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.again("write", offset, () => this.disk.write(offset, data));
  }

  zero(offset: number, length: number): Promise<void> {
    return this.again("write", offset, () => this.disk.zero(offset, length));
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
      } catch {}
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
    const timer = setTimeout(() => reject(new HungDisk(doing, offset)), answerLimit);
    try {
      await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  private failure(doing: string, offset: number | null, cause: unknown): RoomcastError {
    const where = offset === null ? "" : ` at ${whereText(offset)}`;
    return new RoomcastError(
      "failed",
      `disk ${doing} error${where}: ${reasonOf(cause)} (${this.diskName})`,
      "check the disk's cable and health; replace the disk if it happens again",
      { cause },
    );
  }
}

class HungDisk extends Error {
  constructor(doing: string, offset: number | null) {
    const where = offset === null ? "" : ` at ${whereText(offset)}`;
    super(`no answer to a ${doing}${where} for ${answerLimit / 60_000} minutes`);
  }
}

const whereText = (offset: number): string => `${sizeText(offset)} (byte ${offset})`;

function reasonOf(error: unknown): string {
  const inner = error instanceof RoomcastError && error.cause !== undefined ? error.cause : error;
  const { code, message } = inner as NodeJS.ErrnoException;
  return code === "EIO" ? "input/output error" : (code ?? message);
}
