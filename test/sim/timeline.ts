/** What happens when: a heap of events on a clock that jumps to the next. */
export class Timeline {
  now = 0;
  private readonly heap: {
    readonly at: number;
    readonly order: number;
    readonly run: () => void;
  }[] = [];
  private order = 0;

  at(at: number, run: () => void): void {
    this.heap.push({ at: Math.max(this.now, at), order: this.order++, run });
    this.rise(this.heap.length - 1);
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    const [next] = this.heap;
    if (next === undefined) return false;
    const last = this.heap.pop();
    if (this.heap.length > 0 && last !== undefined) {
      this.heap[0] = last;
      this.sink(0);
    }
    this.now = next.at;
    next.run();
    return true;
  }

  private isBefore(one: number, other: number): boolean {
    const first = this.heap[one];
    const second = this.heap[other];
    if (first === undefined || second === undefined) return first !== undefined;
    return first.at < second.at || (first.at === second.at && first.order < second.order);
  }

  private swap(one: number, other: number): void {
    const { heap } = this;
    const first = heap[one] as (typeof heap)[number];
    heap[one] = heap[other] as (typeof heap)[number];
    heap[other] = first;
  }

  private rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.isBefore(index, parent)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private sink(from: number): void {
    let index = from;
    for (;;) {
      const left = index * 2 + 1;
      const child = this.isBefore(left + 1, left) ? left + 1 : left;
      if (child >= this.heap.length || !this.isBefore(child, index)) return;
      this.swap(index, child);
      index = child;
    }
  }
}
