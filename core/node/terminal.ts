/**
 * A terminal for full-screen programs: rows in, keys out. blessed knows the terminal (terminfo,
 * colours, keys, what changed since the last picture); nobody else sees blessed.
 */
import type { ReadStream, WriteStream } from "node:tty";
import blessed from "blessed";
import type { Key } from "../screen/keys.ts";
import { asciiCell, type Row, type ScreenSize, type Style } from "../screen/row.ts";
import { KeyInput } from "./key-input.ts";

export interface TerminalOptions {
  readonly input?: ReadStream;
  readonly output?: WriteStream;
  /** By default TERM of the environment. */
  readonly term?: string;
  /** No colours, whatever the terminal has. */
  readonly plain?: boolean;
  /** The terminal takes UTF-8; otherwise letters lose their accents. */
  readonly isUnicode: boolean;
  onKey(key: Key): void;
  /** The size has changed and the screen is blank: draw. */
  onResize(): void;
  /** The terminal is gone: there will be no more keys. */
  onEnd?(): void;
}

export interface Terminal {
  readonly size: ScreenSize;
  /** Shows these rows; only what differs from the last picture is sent. Does nothing while suspended. */
  draw(rows: readonly Row[]): void;
  /** Sends the whole picture again, after something else has written to the terminal. */
  redraw(): void;
  /** Rings; also while another program has the terminal. */
  bell(): void;
  /** Leaves the terminal to another program, in its ordinary mode, and takes it back, blank. */
  suspend(): void;
  resume(): void;
  close(): void;
}

/** What blessed has and its types leave out: its cells, and their drawing. */
interface Cells {
  lines: ([attribute: number, character: string][] & { dirty: boolean })[];
  draw(start: number, end: number): void;
  alloc(): void;
  enter(): void;
  leave(): void;
  readonly tput: { readonly colors?: number };
}

/** A serial line that does not know its size is taken for a VT100. */
const unknownSize: ScreenSize = { columns: 80, lines: 24 };

// blessed's cells: flags, foreground and background, nine bits each; 0x1ff is the terminal's own colour.
const own = 0x1ff;
const bold = 1;
const inverse = 8;
const attribute = (flags: number, foreground = own, background = own): number =>
  (flags << 18) | (foreground << 9) | background;
const [red, green, yellow, blue, cyan, white] = [1, 2, 3, 4, 6, 7];

const inColour: Readonly<Record<Style, number>> = {
  plain: attribute(0),
  bold: attribute(bold),
  bar: attribute(0, white, blue),
  chosen: attribute(inverse),
  accent: attribute(bold, cyan),
  good: attribute(bold, green),
  warn: attribute(bold, yellow),
  bad: attribute(bold, white, red),
  block: attribute(0, white, white),
  blockGood: attribute(0, green, green),
  blockWarn: attribute(0, yellow, yellow),
  blockBad: attribute(0, red, red),
};

const withoutColour: Readonly<Record<Style, number>> = {
  plain: attribute(0),
  bold: attribute(bold),
  bar: attribute(inverse),
  chosen: attribute(inverse),
  accent: attribute(bold),
  good: attribute(bold),
  warn: attribute(bold),
  bad: attribute(inverse),
  block: attribute(inverse),
  blockGood: attribute(inverse),
  blockWarn: attribute(inverse),
  blockBad: attribute(inverse),
};

/** Takes the terminal: raw keys, the alternate screen where there is one, no cursor. */
export function openTerminal(options: TerminalOptions): Terminal {
  const { input = process.stdin, output = process.stdout, term, onKey, onResize } = options;
  assumeSize(output);
  const keys = new KeyInput(input, () => options.onEnd?.());
  const screen = blessed.screen({
    input: keys,
    output,
    ...(term === undefined ? {} : { terminal: term }),
    smartCSR: false,
    useBCE: true,
    // What a terminal does not show is not sent: see `paintLine`.
    forceUnicode: true,
    warnings: false,
  } as unknown as blessed.Widgets.IScreenOptions);
  const cells = screen as unknown as Cells;
  const hasColours = options.plain !== true && (cells.tput.colors ?? 0) >= 8;
  const look: Look = {
    attributes: hasColours ? inColour : withoutColour,
    shown: options.isUnicode ? (character) => character : asciiCell,
  };
  let suspended = false;
  let picture: readonly Row[] = [];

  screen.on(
    "keypress",
    (character: string | undefined, key: blessed.Widgets.Events.IKeyEventArg) => {
      const pressed = keyOf(character, key);
      if (pressed !== undefined && !suspended) onKey(pressed);
    },
  );
  screen.on("resize", () => {
    if (!suspended) onResize();
  });
  // A terminal that is gone answers with EIO; its owner hears of it by a signal or the end of input.
  output.on("error", ignore);

  const paint = (): void => {
    for (const [y, cellsOfLine] of cells.lines.entries()) {
      if (paintLine(cellsOfLine, picture[y] ?? [], look)) cellsOfLine.dirty = true;
    }
    cells.draw(0, cells.lines.length - 1);
  };

  return {
    get size() {
      return { columns: Number(screen.width), lines: Number(screen.height) };
    },
    draw(rows) {
      picture = rows;
      if (!suspended) paint();
    },
    redraw() {
      if (suspended) return;
      cells.alloc();
      paint();
    },
    bell() {
      output.write("\u0007");
    },
    suspend() {
      if (suspended) return;
      suspended = true;
      cells.leave();
      keys.release();
    },
    resume() {
      if (!suspended) return;
      suspended = false;
      keys.grab();
      assumeSize(output);
      cells.enter();
      onResize();
    },
    close() {
      output.off("error", ignore);
      screen.destroy();
      keys.release();
    },
  };
}

const ignore = (): void => {};

function assumeSize(output: WriteStream): void {
  if (output.columns > 0 && output.rows > 0) return;
  output.columns = unknownSize.columns;
  output.rows = unknownSize.lines;
}

/** How a terminal shows styles and characters. */
interface Look {
  readonly attributes: Readonly<Record<Style, number>>;
  shown(character: string): string;
}

/** Writes a row into blessed's cells; answers whether any of them changed. */
function paintLine(
  cells: [attribute: number, character: string][],
  row: Row,
  { attributes, shown }: Look,
): boolean {
  let changed = false;
  let x = 0;
  const put = (attribute: number, character: string): void => {
    const at = cells[x++];
    if (at === undefined || (at[0] === attribute && at[1] === character)) return;
    at[0] = attribute;
    at[1] = character;
    changed = true;
  };
  for (const { text, style } of row) {
    for (let index = 0; index < text.length; index++)
      put(attributes[style], shown(text[index] ?? " "));
  }
  while (x < cells.length) put(attributes.plain, " ");
  return changed;
}

/** blessed says Enter twice, as `enter` and as `return`: the first counts. A linefeed is Enter as well. */
function keyOf(
  character: string | undefined,
  key: blessed.Widgets.Events.IKeyEventArg | undefined,
): Key | undefined {
  const full = key?.full;
  if (full === "return") return undefined;
  if (full === "linefeed" || full === "enter") return { name: "enter", text: "" };
  if (character !== undefined && /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) {
    return { name: character, text: character };
  }
  if (full === undefined || (character !== undefined && character > "~" && full === character)) {
    return undefined;
  }
  return { name: full, text: "" };
}
