import { PassThrough } from "node:stream";
import type { ReadStream } from "node:tty";

/** Milliseconds that the rest of an escape sequence may take: a serial line at 9600 baud needs 1 ms a byte, a network more. */
const restWithinMs = 60;

/**
 * A terminal's input with the bytes of one key kept together. Over a serial line or a network an
 * arrow's three bytes can arrive apart; read as they come they would be Escape and two letters.
 */
export class KeyInput extends PassThrough {
  readonly isTTY = true;
  isRaw = false;
  private readonly source: ReadStream;
  private held: Buffer = Buffer.alloc(0);
  private timer: NodeJS.Timeout | undefined;
  private readonly listen = (part: Buffer): void => this.receive(part);

  /** `onEnd`: the terminal is gone. */
  constructor(source: ReadStream, onEnd: () => void) {
    super();
    this.source = source;
    source.on("end", () => onEnd());
    // A terminal that was hung up answers a read with EIO.
    source.on("error", () => onEnd());
    this.grab();
  }

  /** Reads keys one by one from now on. */
  grab(): void {
    this.setRawMode(true);
    this.source.on("data", this.listen);
    this.source.resume();
  }

  /** Gives the terminal back as it was: the next reader gets all its input. */
  release(): void {
    this.source.off("data", this.listen);
    this.source.pause();
    this.setRawMode(false);
    clearTimeout(this.timer);
    this.held = Buffer.alloc(0);
  }

  /** As on a terminal; blessed asks for it. */
  setRawMode(raw: boolean): this {
    this.isRaw = raw;
    if (this.source.isTTY) this.source.setRawMode(raw);
    return this;
  }

  private receive(part: Buffer): void {
    clearTimeout(this.timer);
    const all = Buffer.concat([this.held, part]);
    const whole = all.length - unfinishedLength(all.toString("latin1"));
    this.held = all.subarray(whole);
    if (whole > 0) this.write(all.subarray(0, whole));
    if (this.held.length === 0) return;
    this.timer = setTimeout(() => {
      this.write(this.held);
      this.held = Buffer.alloc(0);
    }, restWithinMs);
  }
}

/** Length of an escape sequence at the end of `text` that may go on: `ESC`, `ESC O`, `ESC [ 1 ; 5`… */
export function unfinishedLength(text: string): number {
  const start = text.lastIndexOf("\u001b");
  if (start === -1) return 0;
  const rest = text.slice(start + 1);
  return /^(?:O|\[{1,2}[0-9;]{0,8})?$/.test(rest) ? rest.length + 1 : 0;
}
