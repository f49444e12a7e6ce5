import { BootUuids } from "../../core/boot/boot-uuids.ts";
import type { PcId } from "../../core/session/kind.ts";
import type { Language } from "../../core/wire/language.ts";
import type { Announcer } from "./announcer.ts";
import { BootProofs, type WireSenses } from "./boot-proofs.ts";
import { BootTroubles } from "./boot-troubles.ts";
import { Boots } from "./boots.ts";
import type { Inventory } from "./inventory.ts";
import type { Presence } from "./presence.ts";
import type { SessionRunner } from "./session-runner.ts";
import type { LabTimers } from "./timers.ts";

export interface StartingPcsPorts {
  readonly inventory: Inventory;
  readonly announcer: Announcer;
  readonly presence: Pick<Presence, "booting">;
  readonly language: Language;
  readonly timers: LabTimers;
  readonly senses: WireSenses;
  runner(): SessionRunner;
  isConnected(pc: PcId): boolean;
  log(fields: Record<string, unknown>, text: string): void;
}

/** PCs that start, as the lab's networks show them, and what they are to start. */
export class StartingPcs {
  /** What booting machines call themselves. */
  readonly uuids = new BootUuids();
  readonly troubles: BootTroubles;
  readonly boots: Boots;
  readonly proofs: BootProofs;
  private readonly ports: StartingPcsPorts;

  constructor(ports: StartingPcsPorts) {
    const { inventory, timers, senses, runner, language } = ports;
    const now = (): number => timers.now();
    this.ports = ports;
    this.troubles = new BootTroubles({ ...ports, now });
    this.boots = new Boots({
      ...{ inventory, uuids: this.uuids, language, now },
      isWanted: ({ id }) => runner().engine.wants(id, timers.now()),
    });
    this.proofs = new BootProofs({
      ...{ ...ports, ...senses },
      macsOf: (pc) => inventory.get(pc)?.macs ?? [],
      pcsWith: (mac) => inventory.withMac(mac).map(({ id }) => id),
      seen: (pc, sign) => runner().seen(pc, sign),
      every: (ms, act) => timers.every(ms, act),
    });
  }

  /** A PC has asked for its boot files: it is shown as `booting`, and a session that wants it waits. */
  askedForBootFiles(mac: string): void {
    const { inventory, announcer, presence, runner, isConnected } = this.ports;
    this.boots.asked(mac);
    // Of several PCs with this MAC, each may be the one: a session waits for all of them.
    for (const { id } of inventory.withMac(mac)) {
      // A PC that was reset asks before its connection is missed: its session gives it the time to start.
      runner().booting(id);
      if (isConnected(id)) continue;
      presence.booting(id);
      announcer.pc(id);
    }
  }

  isSecureBootOff(mac: string): boolean {
    const pcs = this.ports.inventory.withMac(mac);
    return pcs.length > 0 && pcs.every(({ hello }) => hello.secureBoot === false);
  }
}
