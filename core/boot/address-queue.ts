import { type AddressRange, isInRange } from "../units/ipv4.ts";

/** In no place of the heap. */
const nowhere = -1;

/**
 * Addresses of a range by a time that each has, the earliest first; of those with the same time the lowest. An
 * indexed binary heap: what changes one address costs some steps, however many there are. 16 bytes for each address
 * of the range.
 */
export class AddressQueue {
  private readonly range: AddressRange;
  /** By offset in the range. */
  private readonly times: Float64Array;
  /** Of each offset its place in the heap. */
  private readonly places: Int32Array;
  /** Offsets. */
  private readonly heap: Uint32Array;
  private size = 0;

  constructor(range: AddressRange) {
    this.range = range;
    const length = range.last - range.first + 1;
    this.times = new Float64Array(length);
    this.places = new Int32Array(length).fill(nowhere);
    this.heap = new Uint32Array(length);
  }

  get first(): { readonly address: number; readonly time: number } | undefined {
    if (this.size === 0) return undefined;
    const offset = at(this.heap, 0);
    return { address: this.range.first + offset, time: at(this.times, offset) };
  }

  /** Puts the address in, or moves it. Ignores one that is not of the range. */
  set(address: number, time: number): void {
    if (!isInRange(address, this.range)) return;
    const offset = address - this.range.first;
    this.times[offset] = time;
    const place = at(this.places, offset);
    this.settle(offset, place === nowhere ? this.size++ : place);
  }

  delete(address: number): void {
    if (!isInRange(address, this.range)) return;
    const offset = address - this.range.first;
    const place = at(this.places, offset);
    if (place === nowhere) return;
    this.places[offset] = nowhere;
    const last = at(this.heap, --this.size);
    if (last !== offset) this.settle(last, place);
  }

  /** Puts what belongs in this place, or above or below it, where it belongs. */
  private settle(offset: number, start: number): void {
    let place = start;
    while (place > 0) {
      const parent = at(this.heap, (place - 1) >> 1);
      if (!this.isBefore(offset, parent)) break;
      this.put(parent, place);
      place = (place - 1) >> 1;
    }
    for (
      let child = this.earlierChild(place);
      child < this.size;
      child = this.earlierChild(place)
    ) {
      if (!this.isBefore(at(this.heap, child), offset)) break;
      this.put(at(this.heap, child), place);
      place = child;
    }
    this.put(offset, place);
  }

  private earlierChild(place: number): number {
    const left = 2 * place + 1;
    const right = left + 1;
    if (right >= this.size) return left;
    return this.isBefore(at(this.heap, right), at(this.heap, left)) ? right : left;
  }

  private isBefore(one: number, other: number): boolean {
    const [time, otherTime] = [at(this.times, one), at(this.times, other)];
    return time < otherTime || (time === otherTime && one < other);
  }

  private put(offset: number, place: number): void {
    this.heap[place] = offset;
    this.places[offset] = place;
  }
}

const at = (values: Float64Array | Int32Array | Uint32Array, index: number): number =>
  values[index] as number;
