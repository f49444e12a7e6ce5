/** One read of one file by TFTP (RFC 1350), as a machine: the client's packets and the time in, packets out. */
import { type Millis, millis } from "../units/units.ts";
import { dataPacket, encodeOack, type TftpRequest } from "../wire/tftp.ts";
import { plainBlockBytes } from "./tftp-blocks.ts";

/** RFC 2348. */
const leastBlockBytes = 8;
/** RFC 7440 allows 65535; more than 64 in flight only overruns what a boot ROM can take. */
export const mostWindowBlocks = 64;
/** How often a window is sent before the transfer is given up. */
export const triesLimit = 8;
/** After so many the first blocks are lost, and not late. */
const lostTries = 3;
/** Seconds before a repetition; a client may ask for 1 to 255 (RFC 2349). */
const plainTimeoutSeconds = 1;

/** What is read from: a file, or what was made for this client. */
export interface TftpContent {
  readonly length: number;
  /** Fills `into` with what lies from `offset` on; throws when it is not there (any more). */
  read(offset: number, into: Uint8Array): void;
}

export interface TransferStep {
  readonly packets: readonly Uint8Array[];
  /** `aborted`: the client said so, as firmware does that only asks for the size. */
  readonly end: "sent" | "aborted" | "given-up" | null;
}

export class TftpTransfer {
  private readonly content: TftpContent;
  private readonly blockBytes: number;
  private readonly windowBlocks: number;
  private readonly timeoutMs: number;
  private readonly blockCount: number;
  private readonly accepted: ReadonlyMap<string, string>;
  /** Blocks that the client has, counted from 1 without rollover; -1: the OACK waits for its ACK. */
  private acknowledged: number;
  private tries = 0;
  /** The window was sent again because the client repeated its ACK: once for each window. */
  private isResent = false;
  private wakeAt: Millis;
  private isOver = false;

  /** `wanted`: the options of the request, as they came; `mostBlockBytes`: what a packet to this client may carry. */
  constructor(
    content: TftpContent,
    {
      wanted,
      mostBlockBytes,
    }: { readonly wanted: ReadonlyMap<string, string>; readonly mostBlockBytes: number },
    now: Millis,
  ) {
    const accepted = new Map<string, string>();
    /** RFC 2347: an option that is unknown, or whose value is none, is left out of the OACK. */
    const take = (name: string, least: number, most: number): number | undefined => {
      const text = wanted.get(name) ?? "";
      const value = Number(text);
      if (!/^\d{1,9}$/.test(text) || value < least) return undefined;
      const taken = Math.min(value, most);
      accepted.set(name, String(taken));
      return taken;
    };
    this.content = content;
    // RFC 2348, RFC 7440: the OACK's value is at most the client's.
    this.blockBytes = take("blksize", leastBlockBytes, mostBlockBytes) ?? plainBlockBytes;
    this.windowBlocks = take("windowsize", 1, mostWindowBlocks) ?? 1;
    // RFC 2349: the server takes the timeout that the client asked for, or none.
    const timeout = Number(wanted.get("timeout")) <= 255 ? take("timeout", 1, 255) : undefined;
    this.timeoutMs = (timeout ?? plainTimeoutSeconds) * 1000;
    if (wanted.has("tsize")) accepted.set("tsize", String(content.length));
    this.accepted = accepted;
    // A file that fills its last block is followed by an empty one (RFC 1350 section 6).
    this.blockCount = Math.floor(content.length / this.blockBytes) + 1;
    this.acknowledged = accepted.size > 0 ? -1 : 0;
    this.wakeAt = now;
  }

  /** When to call `tick`; undefined once it is over. */
  get deadline(): Millis | undefined {
    return this.isOver ? undefined : this.wakeAt;
  }

  /** Whether the client has received anything: if it then asks again from the same port, it has restarted. */
  get isAnswered(): boolean {
    return this.acknowledged > 0 || (this.acknowledged === 0 && this.accepted.size > 0);
  }

  /** The client has taken the offer of large blocks, and none of them has reached it, sent again and again. */
  get isLosingLargeBlocks(): boolean {
    const hasOffered = this.accepted.size > 0 && this.blockBytes > plainBlockBytes;
    return hasOffered && this.acknowledged === 0 && this.tries >= lostTries;
  }

  start(now: Millis): TransferStep {
    return this.send(now);
  }

  /** A packet of this client, from the port that began the transfer. */
  take(packet: TftpRequest, now: Millis): TransferStep {
    if (this.isOver) return nothing;
    switch (packet.kind) {
      case "ack":
        return this.acknowledge(packet.block, now);
      case "error":
        return this.finish("aborted");
      case "rrq":
      case "wrq":
        return nothing;
    }
  }

  tick(now: Millis): TransferStep {
    if (this.isOver || now < this.wakeAt) return nothing;
    if (this.tries >= triesLimit) return this.finish("given-up");
    return this.send(now);
  }

  private acknowledge(block: number, now: Millis): TransferStep {
    if (this.acknowledged < 0) {
      // RFC 2347: the OACK is acknowledged as block 0.
      if (block !== 0) return nothing;
      this.acknowledged = 0;
    } else {
      // The block number rolls over; what the client means is within the window.
      const ahead = (block - this.acknowledged) & 0xffff;
      if (ahead === 0) return this.resend(now);
      const last = Math.min(this.acknowledged + this.windowBlocks, this.blockCount);
      if (this.acknowledged + ahead > last) return nothing;
      this.acknowledged += ahead;
      if (this.acknowledged === this.blockCount) return this.finish("sent");
    }
    this.tries = 0;
    this.isResent = false;
    return this.send(now);
  }

  /**
   * The last ACK again. RFC 1350 answers none, else every packet would be doubled from there on. In a
   * window (RFC 7440 section 4) it says that the first block is lost, and is answered once.
   */
  private resend(now: Millis): TransferStep {
    if (this.windowBlocks === 1 || this.isResent) return nothing;
    this.isResent = true;
    return this.send(now);
  }

  private send(now: Millis): TransferStep {
    this.tries++;
    this.wakeAt = millis(now + this.timeoutMs);
    if (this.acknowledged < 0) return { packets: [encodeOack(this.accepted)], end: null };
    const last = Math.min(this.acknowledged + this.windowBlocks, this.blockCount);
    const packets: Uint8Array[] = [];
    for (let block = this.acknowledged + 1; block <= last; block++) {
      const start = (block - 1) * this.blockBytes;
      const packet = dataPacket(block, Math.min(this.blockBytes, this.content.length - start));
      this.content.read(start, packet.subarray(4));
      packets.push(packet);
    }
    return { packets, end: null };
  }

  private finish(end: NonNullable<TransferStep["end"]>): TransferStep {
    this.isOver = true;
    return { packets: [], end };
  }
}

const nothing: TransferStep = { packets: [], end: null };
