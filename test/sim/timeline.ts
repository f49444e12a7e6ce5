/** What happens when, on a clock that jumps to the next: a heap of moments, and what is to happen at each, in order. */
export class Timeline {
  now = 0;
  /** Moments to come, each once. */
  private readonly heap: number[] = [];
  private readonly planned = new Map<number, (() => void)[]>();
  /** What happens at this moment, and how much of it has. */
  private current: readonly (() => void)[] = [];
  private done = 0;

  at(at: number, run: () => void): void {
    const moment = Math.max(this.now, at);
    const known = this.planned.get(moment);
    if (known !== undefined) return void known.push(run);
    this.planned.set(moment, [run]);
    this.rise(moment);
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    if (this.done === this.current.length && !this.goOn()) return false;
    this.current[this.done++]?.();
    return true;
  }

  /** To the next moment, of which more may come while it lasts. */
  private goOn(): boolean {
    if (this.planned.get(this.now) === this.current) this.planned.delete(this.now);
    const [next] = this.heap;
    const last = this.heap.pop();
    if (next === undefined || last === undefined) return false;
    if (this.heap.length > 0) this.sink(last);
    this.now = next;
    this.current = this.planned.get(next) ?? [];
    this.done = 0;
    return true;
  }

  /** It takes its place from the end of the heap upwards. */
  private rise(moment: number): void {
    const { heap } = this;
    let index = heap.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above] as number;
      if (parent < moment) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = moment;
  }

  /** It takes its place from the top downwards. */
  private sink(moment: number): void {
    const { heap } = this;
    let index = 0;
    for (;;) {
      let below = index * 2 + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && (heap[below + 1] as number) < (heap[below] as number)) below++;
      const child = heap[below] as number;
      if (child > moment) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = moment;
  }
}
