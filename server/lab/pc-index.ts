import { foldedName } from "../../core/wire/names.ts";
import type { PcRecord } from "../state/records.ts";

/** What a PC may be known by, beside its key. */
export interface PcMarks {
  readonly uuid: string | null;
  readonly serials: readonly string[];
  readonly macs: readonly string[];
}

interface Keys extends PcMarks {
  readonly pc: PcRecord;
  readonly isUnplaced: boolean;
  readonly address: string | null;
  readonly name: string;
  readonly room: string;
}

/** Of a name that the server gives by itself, its number. */
const givenName = /^pc([1-9]\d{0,8})$/;

/**
 * The PCs by what they are asked for by, so that no packet and no login costs a look at every PC. It holds what
 * each had when it was last put here. Lists are sorted when they are asked for, and again only after a change.
 */
export class PcIndex {
  private readonly keys = new Map<string, Keys>();
  private readonly byMac = new Groups();
  private readonly byUuid = new Groups();
  private readonly bySerial = new Groups();
  private readonly byName = new Groups();
  private readonly byRoom = new Groups();
  private readonly byAddress = new Map<string, PcRecord>();
  private readonly unplaced = new Set<string>();
  private sorted: readonly PcRecord[] | null = null;
  /** No number below it is free. */
  private lowestFree = 1;

  put(pc: PcRecord): void {
    const keys = keysOf(pc);
    const before = this.keys.get(pc.id);
    if (before !== undefined && before.pc === pc && isSame(before, keys)) return;
    this.drop(pc.id);
    this.sorted = null;
    this.keys.set(pc.id, keys);
    for (const [groups, of] of this.groupsOf(keys)) for (const key of of) groups.add(key, pc);
    if (keys.address !== null) this.byAddress.set(keys.address, pc);
    if (keys.isUnplaced) this.unplaced.add(pc.id);
  }

  remove(id: string): void {
    if (this.drop(id)) this.sorted = null;
  }

  /** By name, numbers in it by their size. */
  all(): readonly PcRecord[] {
    this.sorted ??= [...this.byName.everything()].sort(byName);
    return this.sorted;
  }

  inRoom(room: string): readonly PcRecord[] {
    return this.byRoom.of(room);
  }

  withMac(mac: string): readonly PcRecord[] {
    return this.byMac.of(mac);
  }

  /** Without regard to capital letters. */
  named(name: string): readonly PcRecord[] {
    return this.byName.of(foldedName(name));
  }

  /** Those that share a mark with this one. */
  alike({ uuid, serials, macs }: PcMarks): readonly PcRecord[] {
    const found = new Set([
      ...(uuid === null ? [] : this.byUuid.of(uuid)),
      ...serials.flatMap((serial) => this.bySerial.of(serial)),
      ...macs.flatMap((mac) => this.byMac.of(mac)),
    ]);
    return [...found].sort(byName);
  }

  /** Whose own address it is. */
  withAddress(address: string): PcRecord | null {
    return this.byAddress.get(address) ?? null;
  }

  /** How many nobody has placed. */
  get unplacedCount(): number {
    return this.unplaced.size;
  }

  /** `pc1`, `pc2`, …: the first that no PC has. */
  freeName(): string {
    while (this.named(`pc${this.lowestFree}`).length > 0) this.lowestFree++;
    return `pc${this.lowestFree}`;
  }

  private drop(id: string): boolean {
    const keys = this.keys.get(id);
    if (keys === undefined) return false;
    this.keys.delete(id);
    this.unplaced.delete(id);
    for (const [groups, of] of this.groupsOf(keys)) for (const key of of) groups.delete(key, id);
    if (keys.address !== null && this.byAddress.get(keys.address)?.id === id)
      this.byAddress.delete(keys.address);
    const number = Number(givenName.exec(foldedName(keys.name))?.[1] ?? Number.POSITIVE_INFINITY);
    this.lowestFree = Math.min(this.lowestFree, number);
    return true;
  }

  private groupsOf(keys: Keys): readonly (readonly [Groups, readonly string[]])[] {
    return [
      [this.byMac, keys.macs],
      [this.byUuid, keys.uuid === null ? [] : [keys.uuid]],
      [this.bySerial, keys.serials],
      [this.byName, [foldedName(keys.name)]],
      [this.byRoom, [keys.room]],
    ];
  }
}

/** PCs by a key that several may have. */
class Groups {
  private readonly members = new Map<string, Map<string, PcRecord>>();
  private readonly sorted = new Map<string, readonly PcRecord[]>();

  add(key: string, pc: PcRecord): void {
    const found = this.members.get(key);
    if (found === undefined) this.members.set(key, new Map([[pc.id, pc]]));
    else found.set(pc.id, pc);
    this.sorted.delete(key);
  }

  delete(key: string, id: string): void {
    const found = this.members.get(key);
    found?.delete(id);
    if (found?.size === 0) this.members.delete(key);
    this.sorted.delete(key);
  }

  /** By name. */
  of(key: string): readonly PcRecord[] {
    const known = this.sorted.get(key);
    if (known !== undefined) return known;
    const found = [...(this.members.get(key)?.values() ?? [])].sort(byName);
    // What nobody has is asked for by whoever invents it, and is not kept.
    if (found.length > 0) this.sorted.set(key, found);
    return found;
  }

  *everything(): Generator<PcRecord> {
    for (const group of this.members.values()) yield* group.values();
  }
}

const inNumbers = new Intl.Collator("en", { numeric: true });
const byName = (a: PcRecord, b: PcRecord): number => inNumbers.compare(a.name, b.name);

const keysOf = (pc: PcRecord): Keys => ({
  ...{ pc, name: pc.name, room: pc.room, macs: [...pc.macs] },
  ...{ isUnplaced: pc.unplaced === true, address: bareAddress(pc.address ?? null) },
  ...{ uuid: pc.hello.identity.uuid, serials: [...new Set(pc.hello.identity.serials)] },
});

/** A PC that says again what it is changes no list. */
const isSame = (one: Keys, other: Keys): boolean =>
  one.name === other.name &&
  one.room === other.room &&
  one.address === other.address &&
  one.uuid === other.uuid &&
  one.isUnplaced === other.isUnplaced &&
  one.macs.join() === other.macs.join() &&
  one.serials.length === other.serials.length &&
  one.serials.every((serial, at) => serial === other.serials[at]);

/** ADDRESS of ADDRESS/LEN. */
export const bareAddress = (address: string | null): string | null =>
  address?.split("/")[0] ?? null;
