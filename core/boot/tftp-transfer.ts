/**
 * One read of one file by TFTP (RFC 1350), as a machine: the client's packets and the time in, packets
 * out. The file is in memory: only loaders go this way, of a megabyte at most.
 */
import { type Millis, millis } from "../units/units.ts";
import { encodeData, encodeError, encodeOack, type TftpRequest, tftpError } from "../wire/tftp.ts";

/** Without options (RFC 1350), and the bounds of RFC 2348 and RFC 7440. */
const plainBlockBytes = 512;
const blockBytesLimits = { least: 8, most: 65464 };
const windowLimit = 64;
/** How often the same window is sent before the client is given up. */
const triesLimit = 8;
/** Before the first repetition; a client may ask for 1 to 255 s (RFC 2349). */
const plainTimeout = millis(1000);

export interface TransferStep {
  readonly packets: readonly Uint8Array[];
  readonly end: "sent" | "given-up" | "client-error" | null;
}

export class TftpTransfer {
  private readonly content: Uint8Array;
  private readonly blockBytes: number;
  private readonly windowBlocks: number;
  private readonly timeout: Millis;
  private readonly blockCount: number;
  private readonly accepted: ReadonlyMap<string, string>;
  /** Blocks that the client has, counted from 1 without rollover; -1: the OACK waits for its ACK. */
  private acknowledged: number;
  private tries = 0;
  private wakeAt: Millis;
  private over = false;

  constructor(content: Uint8Array, options: ReadonlyMap<string, string>, now: Millis) {
    const accepted = new Map<string, string>();
    const number = (name: string, least: number, most: number): number | undefined => {
      const value = Number(options.get(name) ?? "");
      if (!options.has(name) || !Number.isInteger(value) || value < least) return undefined;
      const taken = Math.min(value, most);
      accepted.set(name, String(taken));
      return taken;
    };
    this.content = content;
    // RFC 2348: the OACK's blksize is at most the client's.
    this.blockBytes =
      number("blksize", blockBytesLimits.least, blockBytesLimits.most) ?? plainBlockBytes;
    this.windowBlocks = number("windowsize", 1, windowLimit) ?? 1;
    this.timeout = millis((number("timeout", 1, 255) ?? plainTimeout / 1000) * 1000);
    if (options.has("tsize")) accepted.set("tsize", String(content.length));
    this.accepted = accepted;
    // A file that fills its last block is followed by an empty one (RFC 1350 section 6).
    this.blockCount = Math.floor(content.length / this.blockBytes) + 1;
    this.acknowledged = accepted.size > 0 ? -1 : 0;
    this.wakeAt = now;
  }

  get deadline(): Millis | undefined {
    return this.over ? undefined : this.wakeAt;
  }

  start(now: Millis): TransferStep {
    return this.send(now);
  }

  /** A packet of this client, from the port that began the transfer. */
  take(packet: TftpRequest, now: Millis): TransferStep {
    if (this.over) return nothing;
    if (packet.kind === "error") return this.finish("client-error");
    if (packet.kind !== "ack") {
      const end = this.finish("client-error").end;
      return { packets: [encodeError(tftpError.illegalOperation, "transfer in progress")], end };
    }
    if (this.acknowledged < 0) {
      if (packet.block !== 0) return nothing;
      this.acknowledged = 0;
    } else {
      const last = Math.min(this.acknowledged + this.windowBlocks, this.blockCount);
      // The block number rolls over; what the client means is within the window.
      const ahead = (packet.block - this.acknowledged) & 0xffff;
      // RFC 1350: an old ACK is not answered, else every packet would be doubled from there on.
      if (ahead === 0 || this.acknowledged + ahead > last) return nothing;
      this.acknowledged += ahead;
      if (this.acknowledged === this.blockCount) return this.finish("sent");
    }
    this.tries = 0;
    return this.send(now);
  }

  tick(now: Millis): TransferStep {
    if (this.over || now < this.wakeAt) return nothing;
    if (this.tries >= triesLimit) return this.finish("given-up");
    return this.send(now);
  }

  private send(now: Millis): TransferStep {
    this.tries++;
    this.wakeAt = millis(now + this.timeout);
    if (this.acknowledged < 0) return { packets: [encodeOack(this.accepted)], end: null };
    const last = Math.min(this.acknowledged + this.windowBlocks, this.blockCount);
    const packets: Uint8Array[] = [];
    for (let block = this.acknowledged + 1; block <= last; block++) {
      const start = (block - 1) * this.blockBytes;
      packets.push(encodeData(block, this.content.subarray(start, start + this.blockBytes)));
    }
    return { packets, end: null };
  }

  private finish(end: NonNullable<TransferStep["end"]>): TransferStep {
    this.over = true;
    return { packets: [], end };
  }
}

const nothing: TransferStep = { packets: [], end: null };
