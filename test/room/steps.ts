/** Says what is under way and how long each step took. */

export interface StepTime {
  readonly name: string;
  readonly seconds: number;
}

/** Lines go to `write`, each with the time since the start: `[ 1:07] text`. */
export class Steps {
  readonly times: StepTime[] = [];
  private readonly startedAt = performance.now();
  private readonly write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.write = write;
  }

  say(text: string): void {
    const seconds = Math.floor((performance.now() - this.startedAt) / 1000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.write(`[${clock.padStart(5)}] ${text}`);
  }

  /** Does the work, between a line that names it and its time on record. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.say(`${name} …`);
    const startedAt = performance.now();
    const result = await work();
    this.times.push({ name, seconds: (performance.now() - startedAt) / 1000 });
    return result;
  }

  /** The times, a line each, and their sum. */
  table(): string[] {
    const width = Math.max(...this.times.map(({ name }) => name.length), 5);
    const line = (name: string, seconds: number): string =>
      `  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(7)} s`;
    const total = (performance.now() - this.startedAt) / 1000;
    return [...this.times.map(({ name, seconds }) => line(name, seconds)), line("total", total)];
  }
}
