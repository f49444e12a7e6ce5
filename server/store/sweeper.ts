/** When a folder of images is swept: one sweep at a time, beside all other work, and again where it was not to its end. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Chunks } from "./chunks.ts";
import type { StorePorts } from "./store-ports.ts";

/** Images that are being written, or were committed since the sweep that goes on has looked at the images. */
interface Writers {
  /** One of them needs the chunk, by `hashKey`. */
  holds(key: string): boolean;
  readonly isBusy: boolean;
  /** A sweep looks at the images now, or is over. */
  forgetCommitted(): void;
}

export interface SweeperPorts {
  readonly chunks: Chunks;
  newImages(): Writers;
  images(): Iterable<Manifest>;
  /** As in `StorePorts`, of these images. */
  findDead(images: readonly Manifest[], signal: AbortSignal): ReturnType<StorePorts["findDead"]>;
  /** Why nothing may be swept at all: chunks of an image that cannot be read may be all that is left of it. */
  isForbidden(): boolean;
  /** Not while images are committed or deleted, or chunks change their places. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}

export class Sweeper {
  /** Why what is alive cannot be told, in words: an index is damaged. */
  problem: string | null = null;
  private readonly ports: SweeperPorts;
  private readonly closing = new AbortController();
  /** Something may be stored that no image needs, and no sweep that goes on finds it. */
  private owes: boolean;
  /** It is swept once nobody writes. */
  private isDue = false;
  /** Another sweep begins when the one that goes on is over. */
  private isWanted = false;
  private running: Promise<void> | null = null;
  private current: AbortController | null = null;
  /** Since the process began. */
  private freedBytes = 0;
  /** Why the last one came to no end, in words. */
  private trouble: string | null = null;

  constructor(ports: SweeperPorts) {
    this.ports = ports;
    this.owes = !ports.chunks.isSwept;
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  get isOwed(): boolean {
    return this.owes;
  }

  get warnings(): string[] {
    const { isRunning, trouble } = this;
    return [
      ...(isRunning ? ["the image store is being cleared of what no image needs"] : []),
      ...(trouble === null ? [] : [`the image store cannot be cleared: ${trouble}`]),
    ];
  }

  /** Something may be stored from now on that no image needs; whoever says so has it swept. Durable when it returns. */
  owe(): void {
    this.owes = true;
    this.ports.chunks.isSwept = false;
  }

  /** The same, and it is swept once nobody writes. */
  oweUntilIdle(): void {
    this.owe();
    this.isDue = true;
  }

  /** An image has come into being, or has been given up. */
  settle(): void {
    const { running, ports, owes, isDue } = this;
    if (running !== null || ports.newImages().isBusy || this.closing.signal.aborted) return;
    if (isDue) this.begin();
    else if (!owes) ports.chunks.isSwept = true;
  }

  /**
   * Removes what no image needs that is there now. Answers the bytes that were freed meanwhile; fewer when the store is
   * being closed, or cannot be swept (`problem`).
   */
  async sweep(): Promise<number> {
    if (this.closing.signal.aborted) return 0;
    const before = this.freedBytes;
    this.isWanted = true;
    this.running ??= this.run();
    await this.running;
    return this.freedBytes - before;
  }

  /** The same, and nobody waits for it. */
  begin(): Promise<void> {
    return this.sweep().then(
      () => {},
      () => {},
    );
  }

  /** An image is about to go, whose index a sweep may be about to read: it begins anew after that. */
  interrupt(): void {
    this.isWanted = true;
    this.current?.abort();
  }

  /** What is left is swept by the next process. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running?.catch(() => {});
  }

  private async run(): Promise<void> {
    try {
      do await this.once();
      while (this.isWanted && !this.closing.signal.aborted);
      this.trouble = null;
    } catch (error) {
      this.trouble = errorText(error);
      throw error;
    } finally {
      this.running = null;
      this.ports.newImages().forgetCommitted();
      this.settle();
    }
  }

  private async once(): Promise<void> {
    const { chunks, inTurn, findDead } = this.ports;
    const newImages = this.ports.newImages();
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.closing.signal]);
    const images = await inTurn(async () => {
      Object.assign(this, { current: own, isWanted: false, isDue: false });
      if (this.ports.isForbidden()) return null;
      this.owes = false;
      newImages.forgetCommitted();
      chunks.beginSweep();
      return [...this.ports.images()];
    });
    if (images === null) return;
    try {
      const isWhole = await chunks.sweep(findDead(images, signal), {
        isHeld: (key) => newImages.holds(key),
        isBusy: () => newImages.isBusy,
        ...{ signal, inTurn },
        freed: (bytes) => {
          this.freedBytes += bytes;
        },
      });
      if (!isWhole) Object.assign(this, { owes: true, isDue: !signal.aborted });
      if (!signal.aborted) this.problem = null;
    } catch (error) {
      this.owes = true;
      if (signal.aborted) return;
      if (!(error instanceof RoomcastError) || error.code !== "bad-input") throw error;
      this.problem = error.message;
    } finally {
      this.current = null;
    }
  }
}
