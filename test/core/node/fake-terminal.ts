import { PassThrough, Writable } from "node:stream";
import type { ReadStream, WriteStream } from "node:tty";
import xterm from "@xterm/headless";

/** A terminal without a device: what a program writes to it is interpreted by xterm's own code. */
export class FakeTerminal {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly xterm: InstanceType<typeof xterm.Terminal>;
  /** Bytes that the program has sent. */
  bytesWritten = 0;
  /** Pieces that they came in: one a picture. */
  writes = 0;
  raw = false;

  constructor(columns: number, lines: number) {
    this.xterm = new xterm.Terminal({ cols: columns, rows: lines, allowProposedApi: true });
    this.input = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (raw: boolean) => {
        this.raw = raw;
      },
    }) as unknown as ReadStream;
    const sink = new Writable({
      write: (part: Buffer, _encoding, done) => {
        this.bytesWritten += part.length;
        this.writes++;
        this.xterm.write(part, done);
      },
    });
    this.output = Object.assign(sink, {
      isTTY: true,
      columns,
      rows: lines,
    }) as unknown as WriteStream;
  }

  /** Keys as the terminal would send them. */
  press(bytes: string): void {
    (this.input as unknown as PassThrough).write(bytes);
  }

  resize(columns: number, lines: number): void {
    this.xterm.resize(columns, lines);
    Object.assign(this.output, { columns, rows: lines });
    this.output.emit("resize");
  }

  /** The lines on the screen, once all that was written is there. */
  async screen(): Promise<string[]> {
    await new Promise<void>((resolve) => this.xterm.write("", resolve));
    const { active } = this.xterm.buffer;
    return Array.from({ length: this.xterm.rows }, (_, y) =>
      (active.getLine(active.baseY + y)?.translateToString(true) ?? "").trimEnd(),
    );
  }

  /** Waits until the screen holds `text`; fails with the screen when it does not within `withinMs`. */
  async until(text: string | RegExp, withinMs = 4000): Promise<string> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const picture = (await this.screen()).join("\n");
      if (typeof text === "string" ? picture.includes(text) : text.test(picture)) return picture;
      if (performance.now() > deadline) throw new Error(`no ${text} on the screen:\n${picture}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

export const arrow = {
  up: "\u001b[A",
  down: "\u001b[B",
  right: "\u001b[C",
  left: "\u001b[D",
} as const;
