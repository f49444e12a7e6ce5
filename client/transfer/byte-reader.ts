import { open } from "node:fs/promises";
import { RoomcastError } from "../../core/errors.ts";

/** Bytes that are read of a file at once. */
const readBytes = 1024 * 1024;

/** The bytes of files one after the other, as `cat` has them. `onBytes`: how many more were read. */
export async function* readFiles(
  paths: readonly string[],
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer> {
  for (const path of paths) {
    await using handle = await open(path, "r").catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    for (;;) {
      const buffer = Buffer.allocUnsafe(readBytes);
      const { bytesRead } = await handle.read(buffer).catch((cause: unknown) => {
        throw unreadable(path, cause);
      });
      if (bytesRead === 0) break;
      onBytes(bytesRead);
      yield buffer.subarray(0, bytesRead);
    }
  }
}

const unreadable = (path: string, cause: unknown): RoomcastError => {
  const { code, message } = cause as NodeJS.ErrnoException;
  const next = "check its name, and that you may read it";
  return new RoomcastError("bad-input", `${path} cannot be read: ${code ?? message}`, next, {
    cause,
  });
};

/** `bad-input` of a source that is cut or damaged. */
export const damagedSource = (what: string, why: string, cause?: unknown): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${what} is cut or damaged: ${why}`,
    "copy it again from its origin, or make it again; nothing was stored",
    { cause },
  );

/** `bad-input` of a saved disk that lacks one of its files. */
export const missingFile = (source: string, file: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${source}: the file ${file} is missing`,
    "copy the whole folder again from where it was saved; nothing was stored",
  );

/** Exact lengths out of a stream of parts. Nothing is read ahead but the part at hand. */
export class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private readonly what: string;
  private parts: Buffer[] = [];
  private held = 0;

  /** `what` names the stream in errors. */
  constructor(source: AsyncIterable<Buffer>, what: string) {
    this.source = source[Symbol.asyncIterator]();
    this.what = what;
  }

  /** The next `length` bytes; rejects with `bad-input` when there are fewer. */
  async take(length: number): Promise<Buffer> {
    const taken = await this.takeUpTo(length);
    if (taken.length < length) throw damagedSource(this.what, "it ends early");
    return taken;
  }

  /** As `take`, and fewer only at the end. */
  async takeUpTo(length: number): Promise<Buffer> {
    await this.fill(length);
    const first = this.parts[0] ?? Buffer.alloc(0);
    const joined = first.length >= length ? first : Buffer.concat(this.parts);
    const taken = joined.subarray(0, length);
    const rest = joined.subarray(taken.length);
    this.parts = joined === first ? this.parts.slice(1) : [];
    if (rest.length > 0) this.parts.unshift(rest);
    this.held -= taken.length;
    return taken;
  }

  /** What `takeUpTo` would answer; the bytes stay. */
  async peek(length: number): Promise<Buffer> {
    const seen = await this.takeUpTo(length);
    if (seen.length > 0) this.parts.unshift(seen);
    this.held += seen.length;
    return seen;
  }

  /** Rejects with `bad-input` unless this is the end: only there a compressed stream has proved its sum. */
  async end(): Promise<void> {
    if ((await this.takeUpTo(1)).length > 0)
      throw damagedSource(this.what, "it continues after its end");
  }

  /** Ends the source, and with it what makes it. */
  async close(): Promise<void> {
    await this.source.return?.();
  }

  private async fill(length: number): Promise<void> {
    while (this.held < length) {
      const { value, done } = await this.source.next();
      if (done === true) return;
      this.parts.push(value);
      this.held += value.length;
    }
  }
}
