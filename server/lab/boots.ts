import type { BootUuids } from "../../core/boot/boot-uuids.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import type { Language } from "../../core/wire/language.ts";
import { languageIn } from "../../core/wire/rooms.ts";
import type { PcRecord } from "../state/records.ts";
import type { Inventory } from "./inventory.ts";

/** What a PC is to start, and how long a person has to choose otherwise. */
export interface BootDecision {
  readonly decision: "agent" | "local-disk";
  /** Before the own disk is started. */
  readonly diskSeconds: number;
  /** Of its screen, until it has reached the server. */
  readonly language: Language;
  /** The last start of this PC got its kernel and was not heard of since: most often it hung. */
  readonly lastStartHung: boolean;
  /** As the PC said when it was last here; null: it never was. Of several with the MAC, the least. */
  readonly memoryBytes: number | null;
}

/** A slow PC is at its menu a minute after its boot loader; who asks again sooner had no time to hang. */
const hangsAfter = 60_000;
/** Addresses cost nothing to invent. */
const startsKept = 4096;

export interface BootsPorts {
  readonly inventory: Inventory;
  readonly uuids: Pick<BootUuids, "of">;
  /** Of PCs whose room has none of its own. */
  readonly language: Language;
  /** A session wants the PC, or would let it in again. */
  isWanted(pc: PcRecord): boolean;
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
}

/** What each network boot leads to. */
export class Boots {
  private readonly ports: BootsPorts;
  /** By MAC, when a PC was last given its way to the kernel; not once its agent has connected. */
  private readonly startedAt = new Map<string, number>();

  constructor(ports: BootsPorts) {
    this.ports = ports;
  }

  /** What a PC is to start; asking changes nothing. */
  decide(mac: string): BootDecision {
    const { inventory, uuids, language, now } = this.ports;
    const uuid = uuids.of(mac);
    const pcs = inventory
      .withMac(mac)
      .filter(({ bootUuid }) => bootUuid === undefined || uuid === null || bootUuid === uuid);
    const [pc, ...others] = pcs;
    const settings = pc === undefined ? null : inventory.room(pc.room).settings;
    const startedAt = this.startedAt.get(mac);
    const memories = pcs.flatMap(({ hello }) => hello.memoryBytes ?? []);
    // Of several PCs on one dock whose firmware does not tell them apart, only the agent can.
    const isKnown = pc !== undefined && others.length === 0;
    return {
      decision: isKnown ? this.goal(pc, settings?.idleBoot ?? "agent") : "agent",
      diskSeconds: settings?.diskSeconds ?? 0,
      language: settings === null ? language : languageIn(settings, language),
      lastStartHung: startedAt !== undefined && now() - startedAt > hangsAfter,
      memoryBytes: memories.length === 0 ? null : Math.min(...memories),
    };
  }

  /** A PC has asked for what `decide` says. */
  asked(mac: string): void {
    const { decision } = this.decide(mac);
    this.startedAt.delete(mac);
    if (decision !== "agent") return;
    makeRoom(this.startedAt, startsKept);
    this.startedAt.set(mac, this.ports.now());
  }

  /** The PC's agent is there: it did not hang, and an order to come back into the menu is met. */
  arrived(pc: PcRecord): void {
    for (const mac of pc.macs) this.startedAt.delete(mac);
    const uuid = this.ports.uuids.of(pc.hello.mac);
    if (uuid !== null) pc.bootUuid = uuid;
    if (pc.nextBoot === "agent") pc.nextBoot = "room";
    this.ports.inventory.save(pc, "soon");
  }

  private goal(pc: PcRecord, idleBoot: "agent" | "local-disk"): "agent" | "local-disk" {
    if (pc.halfWritten === true || this.ports.isWanted(pc)) return "agent";
    return pc.nextBoot === "room" ? idleBoot : pc.nextBoot;
  }
}
