/** Which PC a proven key is, and what operators have made of the keys. */
import { RoomcastError } from "../../core/errors.ts";
import {
  arrivalOf,
  type KnownPc,
  Newcomers,
  orderVerdict,
  unplacedKept,
  unplacedLimit,
  type Verdict,
} from "../../core/trust/admission.ts";
import { levelOf } from "../../core/trust/level.ts";
import type { Millis } from "../../core/units/units.ts";
import type { KeyState, LinkLevel } from "../../core/wire/login.ts";
import type { IdentityView } from "../../core/wire/views.ts";
import type { KeyRecord, MovedRoom, PcRecord } from "../state/records.ts";
import type { Login } from "./agents.ts";
import { type Inventory, joinedMacs, macsOf } from "./inventory.ts";
import { type KeyStore, Keys } from "./keys.ts";

export interface AdmissionsPorts {
  readonly inventory: Inventory;
  readonly store: KeyStore;
  isConnected(pc: string): boolean;
  /** A clock that only goes forward. */
  now(): Millis;
  isoTime(): string;
  /** What the PC may do is another thing now. */
  changed(pc: PcRecord): void;
  /** This PC is another record from here on: it has to connect anew, as that. */
  merged(pc: string): void;
}

/** Whose order it is. */
export interface OrderedBy {
  readonly operator: string;
  /** The code of each PC that the operator was shown as one that nobody had placed; null: no such list was given. */
  readonly shown: ReadonlyMap<string, string | null> | null;
}

/** What a PC is told of itself. */
export interface Standing {
  readonly level: LinkLevel;
  readonly code: string | null;
}

/** What keeps an order from a PC, and what to do: two parts of a sentence. */
export interface Fault {
  readonly what: string;
  readonly next: string;
}

export const refusedFor = (faults: readonly Fault[]): RoomcastError =>
  new RoomcastError(
    "refused",
    faults.map(({ what }) => what).join("; "),
    [...new Set(faults.map(({ next }) => next))].join("; "),
  );

export class Admissions {
  private readonly ports: AdmissionsPorts;
  private readonly keys: Keys;
  private readonly newcomers = new Newcomers();
  /** The login of each connected PC. */
  private readonly present = new Map<string, Login>();
  /** When PCs that nobody has placed went away. */
  private readonly leftAt = new Map<string, Millis>();

  constructor(ports: AdmissionsPorts) {
    this.ports = ports;
    this.keys = new Keys(ports.store);
  }

  /**
   * Finds or makes the record of the PC that has proven this key. Throws `refused` for a revoked key,
   * and `too-many` for more newcomers than are taken.
   */
  arrive(login: Login): PcRecord {
    const { inventory } = this.ports;
    const { hello, key } = login;
    const { uuid, serials } = hello.identity;
    const marks = { uuid, serials, macs: macsOf(hello) };
    const known = this.keys.find(key.fingerprint);
    // Nothing speaks for any other PC, so that none of them would change the answer.
    const pcs = new Set(inventory.alike(marks));
    const own = inventory.get(known?.pc ?? "");
    if (own !== undefined) pcs.add(own);
    const arrival = arrivalOf(
      { kind: key.kind, marks, known },
      [...pcs].map((pc) => this.knownPc(pc)),
    );
    switch (arrival.kind) {
      case "revoked":
        throw new RoomcastError(
          "refused",
          "the key of this PC was revoked",
          "an operator lets it in again with `roomcast pc admit`",
        );
      case "own":
        return this.own(this.record(arrival.id), login);
      case "contradicted": {
        const pc = this.record(arrival.id);
        this.setState(pc, "doubt", null);
        return this.own(pc, login);
      }
      case "again":
        return this.again(this.record(arrival.id), login, arrival.state);
      case "new":
        return this.newcomer(login, null);
      case "doubt": {
        if (arrival.id === null) return this.newcomer(login, arrival.ids);
        const pc = this.record(arrival.id);
        pc.doubt = arrival.ids;
        return this.bind(pc, login, "doubt", null);
      }
    }
  }

  /** The PC of this login is connected. */
  arrived(pc: string, login: Login): void {
    this.present.set(pc, login);
    this.leftAt.delete(pc);
  }

  lost({ id, unplaced }: PcRecord): void {
    this.present.delete(id);
    if (unplaced) this.leftAt.set(id, this.ports.now());
  }

  // --- what is read

  standing(pc: string, login = this.present.get(pc)): Standing {
    const key = this.keys.of(pc);
    const level = key === null ? "waiting" : levelOf(key, login?.pcrDigest ?? null);
    return { level, code: level === "waiting" ? (login?.code ?? null) : null };
  }

  identity(pc: string): IdentityView | null {
    const key = this.keys.of(pc);
    if (key === null) return null;
    const { kind, state } = key;
    const { level, code } = this.standing(pc);
    return { kind, state, code, level: this.present.has(pc) ? level : null };
  }

  /** Whether an order may go to the PC, as its room is set. */
  verdict(pc: PcRecord): Verdict {
    const { inventory } = this.ports;
    const { name, settings } = inventory.room(pc.room);
    const doubt = pc.doubt === undefined ? null : inventory.candidates(pc);
    const identity = this.identity(pc.id);
    const { lastSeen } = pc;
    return orderVerdict(
      { name: pc.name, doubt, identity, lastSeen },
      { name, admit: settings.admit },
    );
  }

  /** Why an order may not go to the PC, and what to do; null: it may, if `place` follows where it was not placed. */
  orderFault(pc: PcRecord, by: OrderedBy | null): Fault | null {
    const verdict = this.verdict(pc);
    if (verdict.kind === "may") return null;
    if (verdict.kind === "may-not") return verdict;
    const admit = `compare its code in \`roomcast pc show ${pc.name}\` with its screen, then \`roomcast pc admit ${pc.name}\``;
    if (by === null) return { what: `nobody has placed ${pc.name} yet`, next: admit };
    const code = this.standing(pc.id).code;
    if (by.shown === null || (by.shown.get(pc.id) ?? null) === code) return null;
    return {
      what: `${pc.name} is new, and was not there with this code when the order was confirmed`,
      next: admit,
    };
  }

  /** Throws `refused`, with a sentence for each PC that an order may not go to. */
  requireOrder(pcs: readonly PcRecord[], by: OrderedBy | null): void {
    const faults = pcs.flatMap((pc) => this.orderFault(pc, by) ?? []);
    if (faults.length > 0) throw refusedFor(faults);
  }

  keyOf(pc: string): KeyRecord | null {
    return this.keys.of(pc);
  }

  keyWith(fingerprint: string): KeyRecord | null {
    return this.keys.find(fingerprint);
  }

  // --- what operators do

  /** An operator has placed the PC: a key that waits is the PC's from here on. */
  place(pc: PcRecord, by: string): void {
    if (pc.doubt !== undefined) return;
    if (pc.unplaced !== undefined) this.ports.inventory.change(pc, { unplaced: null });
    this.leftAt.delete(pc.id);
    if (this.keys.of(pc.id)?.state === "waiting") this.setState(pc, "placed", by);
    this.ports.changed(pc);
  }

  /** An operator's list names the PC: it is remembered, and its key waits as before. */
  listed(pc: PcRecord): void {
    if (pc.unplaced === undefined) return;
    delete pc.unplaced;
    this.leftAt.delete(pc.id);
    this.ports.inventory.save(pc);
    const key = this.keys.of(pc.id);
    if (key !== null) this.keys.save(key, true);
  }

  /**
   * An operator's word that this PC is itself: its key is placed, and what its TPM says now is what
   * `attested` means from here on. One in doubt becomes the PC that it may be, if that is one that is
   * off. Answers the PC's record. Throws `conflict` and `pc-unreachable`.
   */
  admit(given: PcRecord, by: string): PcRecord {
    const { inventory } = this.ports;
    const pc = this.inDoubtAbout(given) ?? given;
    if (pc.doubt !== undefined) return this.settle(pc, this.onlyCandidate(pc), by);
    const key = this.keys.of(pc.id);
    if (key === null) {
      throw new RoomcastError(
        "conflict",
        `${pc.name} has proven no key yet`,
        "boot it from the network, then admit it",
      );
    }
    const login = this.present.get(pc.id);
    if (key.state === "doubt") {
      if (login === undefined) {
        throw new RoomcastError(
          "pc-unreachable",
          `${pc.name} is not connected, and its hardware has to be looked at anew`,
          "boot it from the network, then admit it",
        );
      }
      pc.macs = [];
      inventory.describe(pc, login.hello, this.ports.isoTime());
    }
    inventory.change(pc, { unplaced: null });
    this.setState(pc, "placed", by);
    this.ports.changed(pc);
    return pc;
  }

  /**
   * An operator's word: the PC in doubt is `other`, whose name and place it gets, or a new one (null).
   * Throws `conflict`.
   */
  settle(pc: PcRecord, other: PcRecord | null, by: string): PcRecord {
    const { inventory, isConnected } = this.ports;
    const key = this.keys.of(pc.id);
    if (other === null || other === pc) {
      delete pc.doubt;
      delete pc.unplaced;
      inventory.save(pc);
      this.setState(pc, "placed", by);
      this.ports.changed(pc);
      return pc;
    }
    if (isConnected(other.id)) {
      throw new RoomcastError(
        "conflict",
        `${other.name} is connected itself`,
        "it is another PC, then: choose one that is off, or --new",
      );
    }
    if (key !== null) {
      const pcrDigest = this.present.get(pc.id)?.pcrDigest ?? null;
      this.keys.release(other.id);
      this.keys.release(pc.id);
      const since = this.ports.isoTime();
      this.keys.save({ ...key, pc: other.id, state: "placed", since, by, pcrDigest }, true);
    }
    other.hello = pc.hello;
    other.macs = joinedMacs(pc.macs, other.macs);
    other.lastSeen = pc.lastSeen;
    inventory.save(other);
    this.leftAt.delete(pc.id);
    inventory.forget(pc.id);
    this.ports.merged(pc.id);
    return other;
  }

  /** The PC's key is worth nothing any more. Throws `conflict` for a PC that has proven none. */
  revoke(pc: PcRecord, by: string): void {
    if (this.keys.of(pc.id) === null) {
      throw new RoomcastError(
        "conflict",
        `${pc.name} has proven no key yet`,
        `remove it with \`roomcast pc forget ${pc.name}\``,
      );
    }
    this.ports.inventory.change(pc, { unplaced: null });
    this.setState(pc, "revoked", by);
    this.ports.changed(pc);
  }

  forget(pc: PcRecord): void {
    this.keys.release(pc.id);
    this.leftAt.delete(pc.id);
    this.ports.inventory.forget(pc.id);
  }

  /** The PCs of a room that moved; the store has it all already. */
  moved(moved: MovedRoom): void {
    this.keys.moved(moved);
    const { removed, saved } = moved;
    for (const id of removed.pcs) {
      this.present.delete(id);
      this.leftAt.delete(id);
    }
    for (const { id } of saved.pcs) this.leftAt.delete(id);
  }

  /** A visitor may be this known PC, which came with its room: a human has to say. */
  doubted(visitor: PcRecord, known: string): void {
    visitor.doubt = [...new Set([...(visitor.doubt ?? []), known])];
    this.ports.inventory.save(visitor);
    this.setState(visitor, "doubt", null);
    this.ports.changed(visitor);
  }

  /** Forgets the PCs that nobody has placed and that are away for too long; answers their ids. */
  sweep(): string[] {
    const now = this.ports.now();
    const gone = [...this.leftAt].filter(([, at]) => now - at >= unplacedKept).map(([id]) => id);
    for (const id of gone) this.forget(this.record(id));
    return gone;
  }

  // --- how it is done

  private record(id: string): PcRecord {
    const pc = this.ports.inventory.get(id);
    if (pc === undefined) throw new Error(`no record of ${id}`);
    return pc;
  }

  private knownPc(pc: PcRecord): KnownPc {
    const { uuid, serials } = pc.hello.identity;
    return {
      id: pc.id,
      uuid,
      serials,
      macs: pc.macs,
      isOnline: this.ports.isConnected(pc.id),
      key: this.keys.of(pc.id),
      isUnplaced: pc.unplaced === true,
      isExpected: pc.lastSeen === null,
    };
  }

  /** Of a PC whose hardware speaks against its key, what was known stays until a human has said. */
  private own(pc: PcRecord, { hello }: Login): PcRecord {
    const { inventory, isoTime } = this.ports;
    if (this.keys.of(pc.id)?.state === "doubt" && pc.doubt === undefined) {
      pc.lastSeen = isoTime();
      inventory.save(pc, "soon");
    } else inventory.describe(pc, hello, isoTime());
    return pc;
  }

  private again(pc: PcRecord, login: Login, state: KeyState): PcRecord {
    const by = this.keys.of(pc.id)?.by ?? null;
    delete pc.doubt;
    return this.bind(pc, login, state, by);
  }

  /** The key of this login is the PC's, in place of the one that it had. */
  private bind(pc: PcRecord, login: Login, state: KeyState, by: string | null): PcRecord {
    const { inventory, isoTime } = this.ports;
    this.keys.release(pc.id, "soon");
    inventory.describe(pc, login.hello, isoTime());
    this.keys.save(this.newKey(pc, login, state, by), pc.unplaced === undefined, "soon");
    return pc;
  }

  private newKey(pc: PcRecord, { key }: Login, state: KeyState, by: string | null): KeyRecord {
    return { ...key, pc: pc.id, state, since: this.ports.isoTime(), by, pcrDigest: null };
  }

  private newcomer(login: Login, doubt: readonly string[] | null): PcRecord {
    this.requireRoomForOne(login.address);
    const { inventory, isoTime } = this.ports;
    const pc = inventory.create(login.hello, isoTime(), doubt);
    this.keys.save(this.newKey(pc, login, doubt === null ? "waiting" : "doubt", null), false);
    return pc;
  }

  /** Of those that are away, the one that left first gives way. */
  private requireRoomForOne(address: string): void {
    const { inventory, now } = this.ports;
    if (!this.newcomers.take(address, now())) {
      throw new RoomcastError(
        "too-many",
        `too many new PCs came from ${address} within a minute`,
        "it tries again by itself",
      );
    }
    if (inventory.unplacedCount < unplacedLimit) return;
    const [oldest] = this.leftAt.keys();
    if (oldest === undefined) {
      throw new RoomcastError(
        "too-many",
        `${unplacedLimit} PCs that nobody has placed are connected already`,
        "place or forget some of them: see `roomcast pc list`",
      );
    }
    this.forget(this.record(oldest));
  }

  private setState(pc: PcRecord, state: KeyState, by: string | null): void {
    const key = this.keys.of(pc.id);
    if (key === null) return;
    const pcrDigest =
      state === "placed" ? (this.present.get(pc.id)?.pcrDigest ?? null) : key.pcrDigest;
    const after = { ...key, state, since: this.ports.isoTime(), by, pcrDigest };
    this.keys.save(after, pc.unplaced === undefined);
  }

  /** The one PC that says it may be this known one. */
  private inDoubtAbout(pc: PcRecord): PcRecord | null {
    const { inventory, isConnected } = this.ports;
    if (pc.doubt !== undefined || isConnected(pc.id)) return null;
    const found = inventory.pcs().filter(({ doubt }) => doubt?.includes(pc.id));
    if (found.length > 1) {
      const names = found.map(({ name }) => name).join(" and ");
      throw new RoomcastError(
        "conflict",
        `${names} both may be ${pc.name}`,
        `say which one is: \`roomcast pc identify PC --as ${pc.name}\``,
      );
    }
    return found[0] ?? null;
  }

  private onlyCandidate(pc: PcRecord): PcRecord | null {
    const candidates = this.ports.inventory.candidates(pc);
    if (candidates.length <= 1) return candidates[0] ?? null;
    const names = candidates.map(({ name }) => name).join(" or ");
    throw new RoomcastError(
      "conflict",
      `${pc.name} may be ${names}`,
      `say which with \`roomcast pc identify ${pc.name} --as PC\`, or --new`,
    );
  }
}
