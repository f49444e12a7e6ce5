/** A PC's disk: a few cells, each holding what was written there last. */

/** What a disk that lies holds instead of what was written. */
const spoilt = "spoilt";
/** What a wiped cell holds. */
export const zero = "zero";

/** What goes wrong with the disk, once, at the n-th write or read from now on. */
export interface DiskFault {
  readonly kind: "fails" | "hangs" | "lies";
  afterAccesses: number;
}

export class LabDisk {
  readonly cells: string[];
  fault: DiskFault | null = null;
  /** It has lied since it was last written whole: what is on it nobody can know without reading it. */
  hasLied = false;

  constructor(owner: string, cellCount: number) {
    this.cells = Array.from({ length: cellCount }, (_, index) => `${owner}:${index}`);
  }

  /** What the next access will meet. */
  meet(): DiskFault["kind"] | null {
    const { fault } = this;
    if (fault === null || fault.afterAccesses-- > 0) return null;
    this.fault = null;
    return fault.kind;
  }

  write(index: number, value: string, isSpoilt: boolean): void {
    if (isSpoilt) this.hasLied = true;
    this.cells[index] = isSpoilt ? `${spoilt} ${value}` : value;
  }

  get rootHash(): string {
    return rootHashOf(this.cells);
  }

  get isWiped(): boolean {
    return this.cells.every((cell) => cell === zero);
  }
}

/** Here the content is its own hash: what is equal is the same, and nothing else is. */
export const rootHashOf = (cells: readonly string[]): string => cells.join("|");
