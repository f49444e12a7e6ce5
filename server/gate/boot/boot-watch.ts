import type { BootCourses } from "../../../core/boot/boot-course.ts";
import type { DhcpFact } from "../../../core/boot/dhcp-action.ts";
import { guarded } from "../../../core/node/guard.ts";
import type { MacAddress } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";
import type { DhcpPacket } from "../../../core/wire/dhcp/packet.ts";

/** How often those that do not go on are looked for, in milliseconds. */
const lookEveryMs = 2000;
/** PCs that are named in the warnings; of more it is said how many. */
const namedLimit = 5;

export interface BootWatchPorts {
  readonly courses: BootCourses;
  /** This server's. */
  readonly address: string;
  /** The PC with this MAC does not go on, and why; null: it does again, or is forgotten. */
  trouble(mac: MacAddress, text: string | null): void;
  /** The PC with this MAC, for people. */
  nameOf(mac: MacAddress): string;
  /** For the history: said once of each kind, however many relays, declines or answers are heard meanwhile. */
  note(text: string): void;
  /** What it tells has changed. */
  changed(): void;
  onError(error: Error): void;
}

/** Follows the network boots of PCs, and tells which do not go on. */
export class BootWatch implements Disposable {
  /** What is wrong with the boots of PCs, a line each. */
  pcTexts: readonly string[] = [];
  private readonly ports: BootWatchPorts;
  private readonly timer: NodeJS.Timeout;
  private told: ReadonlyMap<MacAddress, string> = new Map();
  /** Of each kind by itself. */
  private networkTold: readonly (readonly string[])[] = [];

  constructor(ports: BootWatchPorts) {
    this.ports = ports;
    this.timer = setInterval(() => guarded(ports.onError, () => this.look()), lookEveryMs);
  }

  /** What is wrong with the network, in words. */
  get networkTexts(): readonly string[] {
    return this.networkTold.flat();
  }

  asked(packet: DhcpPacket): void {
    this.ports.courses.asked(packet, now());
  }

  answered(fact: DhcpFact): void {
    this.ports.courses.answered(fact, now());
  }

  /** Takes back what it has told: whoever follows the boots next knows nothing of it. */
  [Symbol.dispose](): void {
    clearInterval(this.timer);
    for (const mac of this.told.keys()) this.ports.trouble(mac, null);
    this.told = new Map();
  }

  private look(): void {
    const { courses, address, trouble, nameOf, note, changed } = this.ports;
    const found = courses.troubles(now());
    for (const mac of this.told.keys()) if (!found.has(mac)) trouble(mac, null);
    for (const [mac, text] of found) if (this.told.get(mac) !== text) trouble(mac, text);
    this.told = found;
    const lines = [...found].map(([mac, text]) => `${nameOf(mac)} ${text}`);
    const more = lines.length - namedLimit;
    const pcTexts = lines.slice(0, namedLimit);
    if (more > 0) pcTexts.push(`${more} more PCs do not get on with their network boot`);
    const network = [
      courses.relayTexts(address, now()),
      courses.claims.declineTexts(address, now()),
      courses.claims.doubtedTexts(address, now()),
      courses.claims.occupiedTexts(address, now()),
    ];
    const before = [...this.networkTexts, ...this.pcTexts].join("\n");
    for (const [kind, texts] of network.entries())
      if ((this.networkTold[kind] ?? []).length === 0) texts.forEach(note);
    this.networkTold = network;
    this.pcTexts = pcTexts;
    if ([...this.networkTexts, ...pcTexts].join("\n") !== before) changed();
  }
}

const now = () => millis(performance.now());
