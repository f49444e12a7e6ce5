import { atMost } from "../../../core/node/at-most.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import type { DiskView } from "../../../core/wire/views.ts";

/** A disk that is about to die may take its time to say so. In milliseconds. */
const answerLimitMs = 4000;

/** A disk at its place: another one at the same place has another key. */
const keyOf = (disk: DiskView): string => `${disk.path} ${diskIdentity(disk)} ${disk.size}`;

/** What each disk answers to one question. A disk that does not answer keeps nobody waiting; its answer is known once it comes. */
export class DiskAnswers<T> {
  private readonly question: (disk: DiskView) => Promise<T>;
  private readonly mayChange: (answer: T) => boolean;
  private readonly limitMs: number;
  private readonly known = new Map<string, T>();
  private readonly asking = new Set<string>();

  /** `question` rejects where the disk cannot be asked; it is asked again then, and as long as its answer may change. */
  constructor(
    question: (disk: DiskView) => Promise<T>,
    mayChange: (answer: T) => boolean = () => false,
    limitMs = answerLimitMs,
  ) {
    this.question = question;
    this.mayChange = mayChange;
    this.limitMs = limitMs;
  }

  /** Null while it has not answered. */
  of(disk: DiskView): T | null {
    return this.known.get(keyOf(disk)) ?? null;
  }

  /**
   * Asks those that were not asked yet, and forgets all that are not among `disks`. Resolves when they have
   * answered, or at the limit. Never rejects.
   */
  async ask(disks: readonly DiskView[]): Promise<void> {
    const present = new Set(disks.map(keyOf));
    for (const key of this.known.keys()) if (!present.has(key)) this.known.delete(key);
    const fresh = disks.filter((disk) => this.isToBeAsked(keyOf(disk)));
    if (fresh.length === 0) return;
    await atMost(this.limitMs, Promise.all(fresh.map((disk) => this.askOne(disk))));
  }

  /** What it answered holds no longer: it is asked again. */
  forget(disk: DiskView): void {
    this.known.delete(keyOf(disk));
    this.asking.delete(keyOf(disk));
  }

  /** Nobody asks a second time what hangs. */
  private isToBeAsked(key: string): boolean {
    if (this.asking.has(key)) return false;
    const answer = this.known.get(key);
    return answer === undefined || this.mayChange(answer);
  }

  private async askOne(disk: DiskView): Promise<void> {
    const key = keyOf(disk);
    this.asking.add(key);
    try {
      this.known.set(key, await this.question(disk));
    } catch {
      // It may be there the next time.
    } finally {
      this.asking.delete(key);
    }
  }
}
