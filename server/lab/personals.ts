import type { Lease } from "../../core/boot/lease-pool.ts";
import { RoomcastError } from "../../core/errors.ts";
import { newHostKey } from "../../core/node/openssh.ts";
import { mayHaveSecrets } from "../../core/trust/level.ts";
import { type HostSystem, hostNameFaults } from "../../core/wire/host-names.ts";
import type { HostKey, OwnStep } from "../../core/wire/personal.ts";
import type { RoomSettings } from "../../core/wire/rooms.ts";
import type { PcRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import { addressFault, addressText, type LabNetwork, leasedNow, roomNetwork } from "./addresses.ts";
import { type Admissions, type Fault, refusedFor } from "./admissions.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import { bareAddress } from "./pc-index.ts";
import { personalOf, type SeatPersonal } from "./personal.ts";
import type { SshKeys } from "./ssh-keys.ts";

export interface PersonalsPorts {
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly store: Pick<StateStore, "hostKeys" | "saveHostKeys" | "removeHostKeys" | "leases">;
  readonly sshKeys: SshKeys;
  networks(): readonly LabNetwork[];
  isoTime(): string;
  /** The own steps of what this session casts. */
  stepsOf(session: string): readonly OwnStep[];
}

const hostKeyTypes: readonly HostKey["type"][] = ["ed25519", "ecdsa", "rsa"];

/** What each PC is given as its own, and what keeps it from being given that. */
export class Personals {
  private readonly ports: PersonalsPorts;
  /** PCs that were given theirs, by the session that is under way. */
  private readonly given = new Map<string, Set<string>>();

  constructor(ports: PersonalsPorts) {
    this.ports = ports;
  }

  /** What this PC is to be, for its restore in this session. Rejects with `not-found`. */
  async give(id: string, session: string): Promise<SeatPersonal> {
    const { inventory, sshKeys, networks, stepsOf } = this.ports;
    const pc = inventory.find(id);
    const { settings } = inventory.room(pc.room);
    const hostKeys = await this.hostKeysFor(pc, settings);
    this.noteOnce(pc, session, hostKeys !== null);
    return personalOf(pc, {
      ...{ settings, hostKeys, steps: stepsOf(session) },
      network: roomNetwork(settings, networks(), bareAddress(pc.address ?? null)),
      sshKeys: sshKeys.lines(settings.sshKeys),
    });
  }

  /** The session is over. */
  ended(session: string): void {
    this.given.delete(session);
  }

  /** The PC is gone for good. */
  forget(pc: string): void {
    this.ports.store.removeHostKeys(pc);
  }

  /** What keeps these PCs from being personalised with systems of these kinds. */
  faults(pcs: readonly PcRecord[], systems: readonly HostSystem[]): readonly Fault[] {
    if (systems.length === 0) return [];
    const { inventory } = this.ports;
    const lacking = pcs.filter(
      ({ room, address }) =>
        address === undefined && inventory.room(room).settings.address === "static",
    );
    return [
      ...hostNameFaults(pcs, systems),
      ...lacking.map(({ name, room }) => ({
        what: `${name} has no address, and the addresses of room ${room} are static`,
        next: `give it one with \`roomcast pc set ${name} --address\` or \`roomcast room import ${room} FILE\`, or restore with --personalise none`,
      })),
    ];
  }

  /** Throws `refused` where there is such a fault. */
  requireOwn(pcs: readonly PcRecord[], systems: readonly HostSystem[]): void {
    const faults = this.faults(pcs, systems);
    if (faults.length > 0) throw refusedFor(faults);
  }

  /** An address as it is stored, for a PC in a room that is set so. Throws `usage` and `refused`. */
  addressFor(pc: PcRecord, text: string, settings: RoomSettings): string {
    const { inventory } = this.ports;
    const network = roomNetwork(settings, this.ports.networks(), bareAddress(text));
    const stored = addressText(text, network);
    if (stored === undefined) {
      const next = "write it as ADDRESS/LEN, as in 10.77.0.31/24";
      throw new RoomcastError("usage", `${JSON.stringify(text)} is no IPv4 address`, next);
    }
    const holder = inventory.withAddress(bareAddress(stored) ?? "");
    const why =
      holder !== null && holder.id !== pc.id
        ? `is ${holder.name}'s`
        : this.addressFault(stored, pc.macs, settings);
    if (why === null) return stored;
    const next = "choose another one, or none; see `roomcast pc list` and `roomcast room show`";
    throw new RoomcastError("refused", `${pc.name} cannot have ${stored}: it ${why}`, next);
  }

  /** As `addressFault`, in this network as it is now. */
  addressFault(stored: string, macs: readonly string[], settings: RoomSettings): string | null {
    const { store, isoTime } = this.ports;
    const networks = this.ports.networks();
    const leases = store.leases().map(({ record }) => record as Lease);
    const leased = leasedNow(leases, Date.parse(isoTime()));
    const network = roomNetwork(settings, networks, bareAddress(stored));
    return addressFault(stored, macs, { network, networks, leased });
  }

  /** What a room may be set to by this change, for the PCs that are in it. Throws `not-found`, `usage` and `refused`. */
  requireSettings(room: string, settings: RoomSettings, change: Partial<RoomSettings>): void {
    if (change.sshKeys !== undefined) this.ports.sshKeys.lines(change.sshKeys);
    const { address: mode, gateway, prefix } = change;
    // What is wrong already is no reason to refuse another setting.
    if (mode === undefined && gateway === undefined && prefix === undefined) return;
    const faults = this.ports.inventory.pcsOf(room).flatMap(({ name, address, macs }) => {
      const why = address === undefined ? null : this.addressFault(address, macs, settings);
      const next = `give it another one with \`roomcast pc set ${name} --address\`, or none, first`;
      return why === null ? [] : [{ what: `${name} has ${address}, which ${why}`, next }];
    });
    if (faults.length > 0) throw refusedFor(faults);
  }

  /** Made once for a PC, and kept; null: it may not have them. */
  private async hostKeysFor(
    { id }: PcRecord,
    { secrets }: RoomSettings,
  ): Promise<readonly HostKey[] | null> {
    const { admissions, inventory, store } = this.ports;
    if (!mayHaveSecrets(admissions.standing(id).level, secrets)) return null;
    const lacks = (): HostKey["type"][] => {
      const kept = store.hostKeys(id) ?? [];
      return hostKeyTypes.filter((type) => !kept.some((key) => key.type === type));
    };
    const made = await Promise.all(lacks().map((type) => newHostKey(type, id)));
    // Meanwhile the PC may be gone, or have asked twice.
    inventory.find(id);
    const lacking = lacks();
    const kept = [
      ...(store.hostKeys(id) ?? []),
      ...made.filter(({ type }) => lacking.includes(type)),
    ];
    if (lacking.length > 0) store.saveHostKeys(id, kept);
    return kept;
  }

  private noteOnce(pc: PcRecord, session: string, hasHostKeys: boolean): void {
    const given = this.given.get(session) ?? new Set();
    if (given.has(pc.id)) return;
    this.given.set(session, given.add(pc.id));
    const text = hasHostKeys
      ? `gave ${pc.name} its host keys`
      : `gave ${pc.name} its name and address, and no host keys: it has not proven who it is`;
    this.ports.announcer.note({ session, pc: pc.id }, text);
  }
}
