import type { DhcpFact } from "../../../core/boot/dhcp-action.ts";
import type { WatchFact } from "../../../core/boot/dhcp-watch.ts";
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

/** Of each kind of news of other DHCP servers, lines a minute: a lab has one or two such servers. */
const otherServerLines = 5;

/** What the log and the history are told of packets: anybody can send them, in any number. */
export class BootLog {
  private readonly log: Log;
  private readonly rare: RareLines;
  private readonly troubles: RareLines;
  private readonly usual: RareLines;
  private readonly otherServers: RareLines;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(log: Log, now: () => number) {
    this.log = log;
    this.rare = new RareLines(now, 1);
    this.troubles = new RareLines(now, troubleLines);
    this.usual = new RareLines(now, usualLines);
    this.otherServers = new RareLines(now, otherServerLines);
  }

  /** Answers the text as it was told; null: it was only counted. */
  dhcp({ text: said, kind, loads: _, ...fields }: DhcpFact, interfaceName: string): string | null {
    const text = (rareKinds.has(kind) ? this.rare : this.usual).take(kind, said);
    if (text === null) return null;
    const level = troubleKinds.has(kind) ? "warn" : "info";
    this.log[level]({ ...fields, interface: interfaceName }, `DHCP: ${text}`);
    return text;
  }

  /** Of another DHCP server. Answers the text as it was told; null: it was only counted. */
  otherServer({ kind, server }: WatchFact, interfaceName: string): string | null {
    const verb = kind === "gone" ? "does not answer any more" : "appeared";
    const said = `the DHCP server ${server.address} on ${interfaceName} ${verb}`;
    const text = this.otherServers.take(kind, said);
    if (text !== null) this.log.info({ ...server, interface: interfaceName }, `DHCP: ${text}`);
    return text;
  }

  /** Something that is wrong with the other servers, for the history; null: it was only counted. */
  otherServerTrouble(text: string): string | null {
    return this.otherServers.take("trouble", text);
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
