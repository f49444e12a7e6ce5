/** Hears from the registry what images there are, each time that it may have changed. */
import { errorText } from "../../core/errors.ts";
import { Turns } from "../../core/node/turns.ts";
import { Asking } from "./asking.ts";
import type { KnownImages } from "./known-images.ts";
import type { CampusTime } from "./patience.ts";
import type { Registry } from "./ports.ts";

/** Milliseconds until the registry is asked again that did not answer, and did not say that it is back. */
const askAgainMs = 30_000;

export interface HearingPorts {
  readonly registry: Pick<Registry, "images" | "onChange">;
  readonly known: KnownImages;
  readonly time: CampusTime;
  readonly signal: AbortSignal;
  isHere(imageId: string): boolean;
  /** The ids of what there is, as it is seen from here. */
  seen(): ReadonlySet<string>;
  /** An image came or went. */
  changed(imageId: string): void;
  /** What there is was heard, or could not be. */
  heard(): void;
}

export class Hearing {
  private readonly ports: HearingPorts;
  private readonly subscription: Disposable;
  /** What changes what is known happens one after the other. */
  private readonly turns = new Turns(1);
  private readonly asking: Asking;
  private fault: string | null = null;
  private hasHeard = false;

  constructor(ports: HearingPorts) {
    this.ports = ports;
    const { time, signal } = ports;
    this.asking = new Asking({
      ...{ time, signal, againMs: askAgainMs },
      question: () => this.exclusively(() => this.hear()),
      over: (error) => {
        this.fault = error === null ? null : errorText(error);
      },
      rests: () => ports.heard(),
    });
    this.subscription = ports.registry.onChange(() => this.asking.ask());
    this.asking.ask();
  }

  /** The registry has told since the start what there is. */
  get isFresh(): boolean {
    return this.hasHeard;
  }

  /** Why it could not be heard, in words; null: it was. */
  get trouble(): string | null {
    return this.fault;
  }

  /** Does it while nothing else changes what is known, and not between a question and its answer. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.take(work);
  }

  private async hear(): Promise<void> {
    const { registry, known, time, isHere, seen, changed } = this.ports;
    const images = await registry.images();
    const before = seen();
    const notes = new Map(known.list().map((image) => [image.manifest.id, image.notes]));
    await known.replace(images, isHere, new Date(time.now()).toISOString());
    this.hasHeard = true;
    const after = seen();
    for (const id of new Set([...before, ...after]))
      if (before.has(id) !== after.has(id) || notes.get(id) !== known.get(id)?.notes) changed(id);
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.subscription[Symbol.dispose]();
    await this.turns.take(async () => {});
  }
}
