/** In which lines of one kind are counted, in milliseconds. */
const countedMs = 60_000;
/** Of what went wrong with somebody, lines a minute: enough to see who it is. */
export const troubleLines = 20;
/** Of what every PC does that starts, lines a minute: a room at once. */
export const usualLines = 300;

/** Lines that anybody on the network can cause: so many a minute are told, with how many were left out before. */
export class RareLine {
  private readonly now: () => number;
  private readonly most: number;
  private since: number | null = null;
  private told = 0;
  private leftOut = 0;

  /** `now`: milliseconds of a clock that only goes forward. `most`: lines a minute. */
  constructor(now: () => number, most = 1) {
    this.now = now;
    this.most = most;
  }

  /** The line to tell, or null for one that is only counted. */
  take(text: string): string | null {
    const now = this.now();
    if (this.since === null || now - this.since >= countedMs) {
      this.since = now;
      this.told = 0;
    }
    if (this.told >= this.most) {
      this.leftOut++;
      return null;
    }
    const more =
      this.leftOut === 0 ? "" : ` (and ${this.leftOut} more like it since the last such line)`;
    this.told++;
    this.leftOut = 0;
    return `${text}${more}`;
  }
}

/** The same for several kinds of lines. */
export class RareLines {
  private readonly now: () => number;
  private readonly most: number;
  private readonly lines = new Map<string, RareLine>();

  constructor(now: () => number, most: number) {
    this.now = now;
    this.most = most;
  }

  /** `kind`: one of few, and never what a stranger has said. */
  take(kind: string, text: string): string | null {
    const line = this.lines.get(kind) ?? new RareLine(this.now, this.most);
    this.lines.set(kind, line);
    return line.take(text);
  }
}
