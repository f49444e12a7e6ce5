/**
 * Puts into the storage again what an upload, a fetch or another server finds that it has lost, as far as images that need it
 * are here. Who finds it lets the other servers look for the rest.
 */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { packObjectName } from "./pack-object.ts";
import { type CampusTime, isAway } from "./patience.ts";
import type { ObjectStore, Registry } from "./ports.ts";

/** Packs that are known to be lost: of a storage that has lost more, the rest is found once these are there again. */
const lossLimit = 1000;
/** Milliseconds until the others are asked again for what this server does not have. */
const againMs = 10 * 60_000;
/** Milliseconds that a loss which was repaired is told of. */
const toldMs = 24 * 60 * 60_000;
/** Names in a text. */
const namedLimit = 3;

export interface SelfRepairPorts {
  readonly registry: Pick<Registry, "packUse" | "tellLost">;
  readonly objects: Pick<ObjectStore, "size">;
  readonly time: Pick<CampusTime, "now">;
  readonly signal: AbortSignal;
  /** For people. */
  nameOf(imageId: string): string;
  isHere(imageId: string): boolean;
  /** Rejects where that is not the campus's storage. */
  requireOwn(): Promise<void>;
  /** Puts what an image that is here has in these packs; those that are there again just as they were are taken out. */
  putAgain(imageId: string, packs: Set<string>): Promise<void>;
  /** For the log. */
  warn(text: string): void;
}

/** A pack that the storage was found to have lost. */
interface Loss {
  readonly pack: string;
  /** This server has found it. */
  isOwn: boolean;
  /** The images that cannot be read without it. Null: that was not found out yet. Empty: it is over. */
  needs: readonly string[] | null;
  /** When it is looked after next, in milliseconds since 1970. */
  dueAt: number;
  /** When the others were told last. */
  toldAt: number;
  /** When it was over last; null: never yet. */
  overAt: number | null;
}

export class SelfRepair {
  private readonly ports: SelfRepairPorts;
  private readonly losses = new Map<string, Loss>();
  private isRunning = false;
  /** Why nothing is put there, in words. */
  private trouble: string | null = null;

  constructor(ports: SelfRepairPorts) {
    this.ports = ports;
  }

  /** In words. */
  get warnings(): string[] {
    const losses = [...this.losses.values()].filter(({ needs }) => needs !== null);
    const lost = losses.filter(isOpen);
    const over = losses.filter((loss) => !isOpen(loss));
    const texts: string[] = this.trouble === null ? [] : [this.trouble];
    if (lost.length > 0) {
      const images = new Set(lost.flatMap(({ needs }) => needs ?? []));
      texts.push(
        `the campus's storage has lost ${objectsText(lost)}, and without that ${this.listed([...images])} cannot be fetched: run \`roomcast image verify --repair\` on a server that has it, or put the object back from a backup of the storage`,
      );
    }
    if (over.length > 0)
      texts.push(
        `the campus's storage had lost ${objectsText(over)}: what images need of it was put there again; see why the storage loses objects`,
      );
    return texts;
  }

  /** An upload or a fetch has found it. What images need of it is looked after with the next `run`. */
  found(pack: string): void {
    if (!this.add(pack, true)) return;
    this.ports.warn(
      `the campus's storage does not have ${packObjectName(pack)}: what this server has of it is put there again`,
    );
  }

  /** Another server has found it, or has put there what it had. */
  heard(pack: string): void {
    this.add(pack, false);
  }

  /** Does what can be done now. Rejects with `away`: what is left then is done by the next one. */
  async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      this.forgetOld();
      for (let due = this.due(); due.length > 0; due = this.due()) {
        for (const loss of due) loss.dueAt = Infinity;
        await this.repair(due).catch((error: unknown) => this.failed(due, error));
      }
    } finally {
      this.isRunning = false;
    }
  }

  /** What is away is told elsewhere. */
  private failed(due: readonly Loss[], error: unknown): void {
    const { time, signal } = this.ports;
    const isLater = !isAway(error) && !signal.aborted;
    for (const loss of due) loss.dueAt = isLater ? time.now() + againMs : 0;
    if (!isLater) throw error;
    const next = error instanceof RoomcastError ? `; ${error.next}` : "";
    this.trouble = `nothing is put again into the campus's storage: ${errorText(error)}${next}`;
  }

  private due(): Loss[] {
    const { time, signal } = this.ports;
    if (signal.aborted) return [];
    return [...this.losses.values()].filter((loss) => isOpen(loss) && loss.dueAt <= time.now());
  }

  private forgetOld(): void {
    const before = this.ports.time.now() - toldMs;
    for (const loss of this.losses.values())
      if (!isOpen(loss) && (loss.overAt ?? 0) <= before) this.losses.delete(loss.pack);
  }

  private async repair(losses: readonly Loss[]): Promise<void> {
    const { signal, isHere } = this.ports;
    const found = new Map<Loss, readonly string[]>();
    for (const loss of losses) found.set(loss, await this.needsOf(loss.pack));
    const packs = new Set(losses.filter((loss) => found.get(loss)?.length).map(({ pack }) => pack));
    if (packs.size > 0) await this.ports.requireOwn();
    this.trouble = null;
    for (const id of new Set([...found.values()].flat().filter(isHere))) {
      if (signal.aborted) return;
      await this.putAgain(id, packs);
    }
    for (const [loss, needs] of found) {
      if (signal.aborted) return;
      await this.settle(loss, needs);
    }
  }

  private async putAgain(imageId: string, packs: Set<string>): Promise<void> {
    const { signal, nameOf, putAgain, warn } = this.ports;
    try {
      await putAgain(imageId, packs);
    } catch (error) {
      if (isAway(error) || signal.aborted) throw error;
      warn(
        `what the campus's storage has lost of ${nameOf(imageId)} could not be put there again: ${errorText(error)}`,
      );
    }
  }

  /** The images that need what the storage does not have. */
  private async needsOf(pack: string): Promise<readonly string[]> {
    const { registry, objects } = this.ports;
    const use = await registry.packUse(pack);
    if (use === null || use.images.length === 0) return [];
    const size = await objects.size(packObjectName(pack));
    return size !== null && size >= use.bytes ? [] : use.images;
  }

  /** `before`: what needed it before anything was put there again. */
  private async settle(loss: Loss, before: readonly string[]): Promise<void> {
    const { registry, time, isHere, warn } = this.ports;
    const { pack, isOwn } = loss;
    const needs = before.length === 0 ? before : await this.needsOf(pack);
    const hasPut = before.some((id) => isHere(id) && !needs.includes(id));
    const isNew = loss.needs === null;
    const wasLost = before.length > 0 || (loss.needs ?? []).length > 0;
    const isOver = needs.length === 0;
    loss.needs = needs;
    const object = packObjectName(pack);
    if (isOver && (hasPut || (isOwn && wasLost))) {
      loss.overAt = time.now();
      warn(`what images need of ${object} is in the campus's storage again`);
    } else if (isOver ? loss.overAt === null : !isOwn) {
      // Somebody was told otherwise, or the storage did not know yet; or it is for who has found it to tell.
      this.losses.delete(pack);
    } else if (!isOver) {
      loss.dueAt = Math.min(loss.dueAt, time.now() + againMs);
      if (isNew)
        warn(
          `the campus's storage has lost ${object}, and this server does not have all of it: without it ${this.listed(needs)} cannot be fetched`,
        );
    }
    // Others may have what is lacking; and who has found it looks again. It hears itself, too, and does not answer that.
    const isToBeTold = isOwn ? !isOver && time.now() - loss.toldAt >= againMs : hasPut;
    if (!isToBeTold) return;
    loss.toldAt = time.now();
    await registry.tellLost(pack);
  }

  /** Answers whether it is news. */
  private add(pack: string, isOwn: boolean): boolean {
    const known = this.losses.get(pack);
    if (known === undefined && this.losses.size >= lossLimit) return false;
    const isNews = known === undefined || !isOpen(known);
    if (known === undefined) {
      this.losses.set(pack, { pack, isOwn, needs: null, dueAt: 0, toldAt: 0, overAt: null });
      return true;
    }
    // One that is being looked after is looked after once more.
    known.dueAt = 0;
    known.isOwn ||= isOwn;
    if (isNews) known.needs = null;
    return isNews;
  }

  /** Some names, and how many more there are. */
  private listed(images: readonly string[]): string {
    const names = images.map((id) => this.ports.nameOf(id)).sort();
    const some = names.slice(0, namedLimit).join(", ");
    const more = names.length - namedLimit;
    return more > 0 ? `${some} and ${more} more` : some;
  }
}

const isOpen = ({ needs }: Loss): boolean => needs?.length !== 0;

/** `packs/ab/….pack and 4 more objects` */
function objectsText([first, ...others]: readonly Loss[]): string {
  const name = first === undefined ? "" : packObjectName(first.pack);
  if (others.length === 0) return name;
  return `${name} and ${others.length} more ${others.length === 1 ? "object" : "objects"}`;
}
