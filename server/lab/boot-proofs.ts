/**
 * What the network shows of PCs that are waited for to come up: what they ask DHCP for, that they speak ARP,
 * and who answers at their SSH port. ARP is heard and SSH is asked only while somebody waits. Whether it
 * proves anything is decided by the sessions (core/session/boot-proof.ts).
 */
import type { Asked } from "../../core/boot/who-asks.ts";
import type { PcId } from "../../core/session/kind.ts";
import type { Sign } from "../../core/session/sign.ts";
import type { MacAddress } from "../../core/units/mac.ts";

/** How often the SSH port of a PC is tried, in milliseconds: a system takes longer than that from ARP to SSH. */
const askEveryMs = 3000;
/** Ports that are tried at once: enough for a room in a few seconds, and no flood. */
const askedAtOnce = 8;

/** The host's senses on the lab's networks. */
export interface WireSenses {
  /** Hears who has which address, wherever that can be heard, until it is disposed of. */
  hearArp(heard: (mac: MacAddress, address: string) => void): Disposable;
  /** What the SSH server of this address calls itself, and whose MAC the address is; null: nobody answers. */
  askSsh(address: string): Promise<{ readonly banner: string; readonly mac: string | null } | null>;
}

export interface BootProofsPorts extends WireSenses {
  macsOf(pc: PcId): readonly string[];
  pcsWith(mac: string): readonly PcId[];
  /** Its agent is there: its own system is not. */
  isConnected(pc: PcId): boolean;
  seen(pc: PcId, sign: Sign): void;
  /** Calls again and again; answers how to end it. */
  every(ms: number, act: () => void): () => void;
}

interface Awaited {
  /** As it was heard last; null: not yet. */
  address: string | null;
  isAsked: boolean;
}

export class BootProofs {
  private readonly ports: BootProofsPorts;
  private readonly awaited = new Map<PcId, Awaited>();
  private arp: Disposable | null = null;
  private stopAsking: (() => void) | null = null;

  constructor(ports: BootProofsPorts) {
    this.ports = ports;
  }

  /** The PC is waited for from here on, or is not any more. */
  await(pc: PcId, isAwaited: boolean): void {
    if (!isAwaited) this.awaited.delete(pc);
    else if (!this.awaited.has(pc)) this.awaited.set(pc, { address: null, isAsked: false });
    if (this.awaited.size === 0) return this.close();
    this.stopAsking ??= this.ports.every(askEveryMs, () => this.ask());
    this.arp ??= this.ports.hearArp((mac, address) => this.heardArp(mac, address));
  }

  /** A PC has asked for an address, of whatever server. */
  heardDhcp(mac: MacAddress, { asker, address }: Asked): void {
    for (const pc of this.ports.pcsWith(mac)) {
      const found = this.awaited.get(pc);
      if (found !== undefined && address !== null) found.address = address;
      const { system, host } = asker.kind === "system" ? asker : { system: null, host: null };
      this.ports.seen(
        pc,
        asker.kind === "system" ? { kind: "dhcp", system, host } : { kind: asker.kind },
      );
    }
  }

  close(): void {
    this.stopAsking?.();
    this.stopAsking = null;
    this.arp?.[Symbol.dispose]();
    this.arp = null;
  }

  private heardArp(mac: MacAddress, address: string): void {
    for (const pc of this.ports.pcsWith(mac)) {
      const found = this.awaited.get(pc);
      if (found === undefined) continue;
      found.address = address;
      this.ports.seen(pc, { kind: "arp", address });
    }
  }

  private ask(): void {
    let asked = [...this.awaited.values()].filter(({ isAsked }) => isAsked).length;
    for (const [pc, found] of this.awaited) {
      const { address, isAsked } = found;
      if (address === null || isAsked || asked >= askedAtOnce || this.ports.isConnected(pc))
        continue;
      asked++;
      found.isAsked = true;
      // Who was asked goes to the end of the line, so that each has its turn.
      this.awaited.delete(pc);
      this.awaited.set(pc, found);
      void this.askOne(pc, found, address);
    }
  }

  private async askOne(pc: PcId, found: Awaited, address: string): Promise<void> {
    const answer = await this.ports.askSsh(address);
    found.isAsked = false;
    // The address may be another PC's by now.
    if (answer === null || answer.mac === null || !this.awaited.has(pc)) return;
    if (!this.ports.macsOf(pc).includes(answer.mac)) return;
    this.ports.seen(pc, { kind: "ssh", address, banner: answer.banner });
  }
}
