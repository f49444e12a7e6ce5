import type { DhcpFact } from "../../../core/boot/dhcp-action.ts";
import type { Log } from "../../host/log.ts";
import { RareLines, troubleLines, usualLines } from "../../lab/rare-line.ts";
import type { TftpFact } from "./tftp-listener.ts";

/** Of which one line a minute says enough. */
const rareKinds: ReadonlySet<DhcpFact["kind"]> = new Set([
  ...([
    "exhausted",
    "occupied",
    "doubted",
    "declined",
    "relayed",
    "unsupported",
    "unwritten",
  ] as const),
]);
/** Somebody has to do something. */
const troubleKinds: ReadonlySet<DhcpFact["kind"]> = new Set([
  ...([
    "exhausted",
    "occupied",
    "unsupported",
    "in-use",
    "doubted",
    "relayed",
    "unwritten",
  ] as const),
]);

/** What the log is told of packets: anybody can send them, in any number. */
export class BootLog {
  private readonly log: Log;
  private readonly rare: RareLines;
  private readonly troubles: RareLines;
  private readonly usual: RareLines;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(log: Log, now: () => number) {
    this.log = log;
    this.rare = new RareLines(now, 1);
    this.troubles = new RareLines(now, troubleLines);
    this.usual = new RareLines(now, usualLines);
  }

  /** Answers the text as it was told; null: it was only counted. */
  dhcp({ text: said, kind, loads: _, ...fields }: DhcpFact, interfaceName: string): string | null {
    const text = (rareKinds.has(kind) ? this.rare : this.usual).take(kind, said);
    if (text === null) return null;
    const level = troubleKinds.has(kind) ? "warn" : "info";
    this.log[level]({ ...fields, interface: interfaceName }, `DHCP: ${text}`);
    return text;
  }

  tftp({ outcome, ...fields }: TftpFact): void {
    const text = (outcome === "sent" ? this.usual : this.troubles).take(outcome, outcome);
    if (text !== null) this.log.info(fields, `TFTP: ${text}`);
  }

  /** Also by a packet that nothing can be sent back to. */
  failed(error: Error): void {
    const text = this.troubles.take("failed", "boot service");
    if (text !== null) this.log.warn({ err: error }, text);
  }
}
