/**
 * The two ends of a cast, as the rest of roomcast uses them. The machines are in `sender.ts` and
 * `receiver.ts`; `core/node/cast/` runs them in workers, with their sockets, and implements these
 * interfaces.
 */

import type { IndexEntry } from "../image/types.ts";
import type { CastKeys } from "../wire/cast-address.ts";
import type { SentRun } from "../wire/sent-run.ts";

/** Where the packets go, and by which interface. Both ends have the same values, except the interface. */
export interface CastSocketOptions {
  readonly group: string;
  readonly port: number;
  /** IPv4 address of the interface that the multicast leaves by, or is joined on. */
  readonly interfaceAddress: string;
  /** False: the socket is Node's own, which needs no library for the system's calls. */
  readonly mayUseCalls?: boolean;
}

/**
 * The image's index file as it is stored, 48 bytes an entry. For an image that is still being captured,
 * it is only the number of entries; each entry is announced when it is known.
 */
export type CastEntries = Uint8Array | { readonly entryCount: number };

/**
 * Where the stored bytes of entries come from: the worker imports `module` (a file URL) and calls its
 * `openChunkSource(config)`, which answers a `Promise<ChunkSource>`, or it asks the owner.
 */
export type CastChunkSource =
  | { readonly module: string; readonly config: unknown }
  /** Runs in the owner's thread. The answer's buffer is transferred: from then on it is the worker's. */
  | { read(entryIndex: number): Promise<Uint8Array<ArrayBuffer>> };

/** What both ends of a cast are told. */
interface CastOptions extends CastSocketOptions {
  readonly tag: number;
  readonly keys: CastKeys;
}

export interface CastSenderOptions extends CastOptions {
  readonly index: CastEntries;
  readonly source: CastChunkSource;
  /** An operator's cap on what goes on the wire, in bits a second, or null. */
  readonly rateLimitBps: number | null;
  /** Speed of the sending interface in bits a second, or null: the rate starts from it. */
  readonly linkBps: number | null;
}

/** Totals since the sender started, about four times a second. */
export interface CastSenderStats {
  /** What the wire carries now, bits a second. */
  readonly rateBps: number;
  /** UDP payload bytes of all packets. */
  readonly bytesSent: number;
  /** The part of them in coded packets, which carry more than one symbol. */
  readonly parityBytes: number;
  /** The part of them in repairs, coded or plain. */
  readonly repairBytes: number;
  /** Laps around the disk: 1, and one more for each time that late receivers made it start again. */
  readonly passes: number;
  /** Entries that a receiver still wants. */
  readonly entriesOpen: number;
  /** Malformed or foreign feedback frames that were ignored. */
  readonly framesIgnored: number;
  /** Each receiver that has joined. */
  readonly receivers: readonly ReceiverStanding[];
}

/** Why a receiver is slow, with its present figures. */
export type StragglerReason =
  /** Its disk writes no faster. */
  | { readonly cause: "disk"; readonly writeBytesPerSecond: number }
  /** No more bits a second reach it: as many as a slower Ethernet carries. */
  | { readonly cause: "link"; readonly receiveBps: number }
  /** It loses this fraction on the wire: its cable or port is bad. */
  | { readonly cause: "loss"; readonly lossRatio: number }
  /** This fraction has arrived, and its host was too late to take it: its own socket dropped it. */
  | { readonly cause: "host"; readonly dropRatio: number }
  /** What it takes was sent so many milliseconds ago: its socket holds the rest, and its host takes less than is sent. */
  | { readonly cause: "behind"; readonly behindMs: number }
  /** Chunks wait for it, and its disk has nothing to do for most of the time: its processor is the slow part. */
  | { readonly cause: "processor"; readonly diskBusyRatio: number }
  /** It fell behind, and its figures do not show why. */
  | { readonly cause: "unclear" };

/** How a receiver stands with the sender. */
export interface ReceiverStanding {
  readonly receiver: ReceiverId;
  /** `catchUp`: the others are served first, and the receiver takes what it can of what it hears. */
  readonly lane: "main" | "catchUp";
  /** Why it is in the catch-up lane; null in the main one, and until its figures have shown it for long enough. */
  readonly reason: StragglerReason | null;
  /** What its figures have shown for long enough to make it slow, in any lane; null: nothing. */
  readonly shown: StragglerReason | null;
  /**
   * `hears`; `deaf`: it reports, but nothing of what was sent for 1.5 s has come to it (IGMP, VLAN, Wi-Fi);
   * `silent`: no report; `unknown`: it has just joined.
   */
  readonly hearing: "hears" | "deaf" | "silent" | "unknown";
  /** What it must have heard of by now if the multicast reaches it; null: too little has been sent to it yet. */
  readonly sent: SentRun | null;
  /** Loss over the last quarter of a second, 0…1, on the wire and in its host; null: not known. */
  readonly lossRatio: number | null;
  /** Entries that it wants and does not have. */
  readonly entriesWanted: number;
}

/** A receiver as the sender knows it: a small number that the session assigns and never uses again. */
export type ReceiverId = number;

export interface CastSender {
  /**
   * A receiver joins and wants these entries (a bitmap as in `bulkKind.wants`). A second call replaces its wants. `coming`:
   * how many others get ready to join just now, for whom a cast that has not begun waits a moment; absent or null: nobody
   * knows.
   */
  join(receiver: ReceiverId, wants: Uint8Array, coming?: number | null): void;
  /** The payload of a `bulkKind.report` frame. */
  report(receiver: ReceiverId, payload: Uint8Array): void;
  /** The receiver has gone: its wants are dropped, and nobody waits for it. */
  leave(receiver: ReceiverId): void;
  /**
   * Announces an entry of a live cast, before its receivers hear of it. From now on the source can be
   * asked for it any number of times. An entry of 0 stored bytes is all zeros and never on the wire.
   */
  announce(entryIndex: number, entry: IndexEntry): void;
  /** Goes on with these keys in half a second, when the receivers have them. They keep what they have. */
  rekey(keys: CastKeys): void;
  /** Rejects when the worker, its socket or the chunk source breaks; resolves after `close`. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

export interface CastSenderEvents {
  stats(stats: CastSenderStats): void;
}

export interface CastReceiverOptions extends CastOptions {
  readonly index: CastEntries;
  /** Bitmap of the wanted entries, including those that are not announced yet. */
  readonly wants: Uint8Array;
  /** Chunks that may be in assembly or waiting for the disk at once; this bounds the memory. */
  readonly slotCount: number;
  /** Further memory for parts of chunks that come while no slot is free, taken as it is needed; 0 if it is not said. */
  readonly keptBytes?: number;
}

export interface CastReceiverStats {
  readonly packets: number;
  /** Lost on the wire (gaps in the sequence less what this host dropped). */
  readonly packetsLost: number;
  /** Dropped by this host's socket buffer (SO_RXQ_OVFL). */
  readonly packetsDropped: number;
  /** Packets that were malformed, foreign or out of range, and so ignored. */
  readonly packetsIgnored: number;
  /** Packets with our tag whose seal was wrong: dropped. */
  readonly packetsForged: number;
  readonly bytesReceived: number;
  /** The newest packet of the sender that was heard last; null: none has come. */
  readonly heard: { readonly generation: number; readonly sequence: number } | null;
}

/** What became of a chunk that the cast delivered. */
export type ChunkVerdict = "taken" | "corrupt";

export interface CastReceiverEvents {
  /**
   * All stored bytes of an entry have come, and are decrypted. `stored` lies in the receiver's memory and is valid until
   * `settle` is called, which has to happen exactly once: with `taken` when the chunk is on the disk, which
   * frees the slot, or with `corrupt` when it does not match its hash, which asks for it again.
   */
  chunk(entryIndex: number, stored: Uint8Array, settle: (verdict: ChunkVerdict) => void): void;
  /** A report to be carried to the sender in a `bulkKind.report` frame, at the pace the receiver sets. */
  report(payload: Uint8Array): void;
  stats(stats: CastReceiverStats): void;
}

export interface CastReceiver {
  /** The entry came another way, and is no longer wanted. */
  forget(entryIndex: number): void;
  /** Announces an entry of a live cast; packets before that are ignored. One of 0 stored bytes is no longer wanted. */
  announce(entryIndex: number, entry: IndexEntry): void;
  /** The sender will use these keys from now on; those before are good for two seconds yet. */
  rekey(keys: CastKeys): void;
  /** Makes the next report a full one, after the connection to the sender broke. */
  refresh(): void;
  readonly ended: Promise<void>;
  close(): Promise<void>;
}
