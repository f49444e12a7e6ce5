/**
 * How the rest of roomcast holds a cast: the two ends as seen from outside their workers. The
 * machines themselves are in `sender.ts` and `receiver.ts`; `core/node/cast/` runs them beside their
 * sockets and implements these interfaces.
 */

/** Where the packets go, and by which interface; the same values at both ends but for the interface. */
export interface CastSocketOptions {
  readonly tag: number;
  readonly group: string;
  readonly port: number;
  /** IPv4 address of the interface that the multicast leaves by, or is joined on. */
  readonly interfaceAddress: string;
  /** False: Node's own sockets, which need no library for the system's calls. */
  readonly mayUseCalls?: boolean;
}

/**
 * The image's index file, as stored, 48 bytes an entry; or, of an image that is still being captured,
 * how many entries it will have: each is announced when it is known.
 */
export type CastEntries = Uint8Array | { readonly entryCount: number };

/**
 * Where the stored bytes of entries come from. The worker imports `module` (a file URL) and calls its
 * `openChunkSource(config)`, which answers a `Promise<ChunkSource>`; or the owner itself is asked.
 */
export type CastChunkSource =
  | { readonly module: string; readonly config: unknown }
  /** In the owner's thread; what it answers is the worker's from then on (its buffer is transferred). */
  | { read(entryIndex: number): Promise<Uint8Array<ArrayBuffer>> };

export interface CastSenderOptions extends CastSocketOptions {
  readonly index: CastEntries;
  readonly source: CastChunkSource;
  /** An operator's cap on what goes on the wire, in bits a second, or null. */
  readonly rateLimitBps: number | null;
  /** Speed of the sending interface, in bits a second, if known: where the rate starts from. */
  readonly linkBps: number | null;
}

/** Totals since the sender started; said about four times a second. */
export interface CastSenderStats {
  /** What the wire carries now, bits a second. */
  readonly rateBps: number;
  /** UDP payload bytes of all packets. */
  readonly bytesSent: number;
  /** Of these: coded packets that carry more than one symbol. */
  readonly parityBytes: number;
  /** Of these: all repairs, coded or plain. */
  readonly repairBytes: number;
  /** How often the cast has gone around the disk: 1 + whole-chunk resends for those who came late. */
  readonly passes: number;
  /** Index entries that someone still wants. */
  readonly entriesOpen: number;
  /** Malformed or foreign feedback frames that were ignored. */
  readonly framesIgnored: number;
  /** Each receiver that has joined. */
  readonly receivers: readonly ReceiverStanding[];
}

/** Why the others do not wait for a receiver, with what it takes at present. */
export type StragglerReason =
  /** Its disk writes so many bytes a second. */
  | { readonly cause: "disk"; readonly writeBytesPerSecond: number }
  /** So many bits a second get through to it: as much as a slower Ethernet carries. */
  | { readonly cause: "link"; readonly receiveBps: number }
  /** It loses this fraction of what is sent on the wire: a bad cable or port. */
  | { readonly cause: "loss"; readonly lossRatio: number }
  /** Its own socket drops this fraction: the host is too slow for what comes. */
  | { readonly cause: "host"; readonly dropRatio: number };

/** How a receiver stands with the sender. */
export interface ReceiverStanding {
  readonly receiver: ReceiverId;
  /** `catchUp`: the others are served first; it takes what it can of what it hears. */
  readonly lane: "main" | "catchUp";
  /** Why it is in the catch-up lane; null in the main one. */
  readonly reason: StragglerReason | null;
  /**
   * `hears`; `deaf`: it reports, but the multicast has not come to it for 1.5 s (IGMP, VLAN, Wi-Fi);
   * `silent`: no report; `unknown`: it has just joined.
   */
  readonly hearing: "hears" | "deaf" | "silent" | "unknown";
  /** Of late, on the wire and in its host together, 0…1; null: not known. */
  readonly lossRatio: number | null;
  /** Entries that it wants and does not have. */
  readonly entriesWanted: number;
}

/** A receiver as the sender knows it: a small number that the session hands out, never reused in it. */
export type ReceiverId = number;

export interface CastSender {
  /** A receiver is there and wants these entries (bitmap as in `bulkKind.wants`); again: its wants are replaced. */
  join(receiver: ReceiverId, wants: Uint8Array): void;
  /** The payload of a `bulkKind.report` frame. */
  report(receiver: ReceiverId, payload: Uint8Array): void;
  /** The receiver is gone: its wants vanish, and nobody waits for it. */
  leave(receiver: ReceiverId): void;
  /**
   * An entry of a live cast is known now, and can be read from the source as often as it is asked for;
   * 0 stored bytes: it is all zeros and never on the wire. Before its receivers are told.
   */
  announce(entryIndex: number, storedLength: number): void;
  /** Rejects when the worker, its socket or the chunk source breaks; resolves after `close`. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

export interface CastSenderEvents {
  stats(stats: CastSenderStats): void;
}

export interface CastReceiverOptions extends CastSocketOptions {
  readonly index: CastEntries;
  /** Bitmap of the entries wanted, those not yet announced included. */
  readonly wants: Uint8Array;
  /** Chunks that may be in assembly or waiting for the disk at once; bounds the memory. */
  readonly slotCount: number;
}

export interface CastReceiverStats {
  readonly packets: number;
  /** Lost on the wire (gaps in the sequence less what this host dropped). */
  readonly packetsLost: number;
  /** Dropped by this host's socket buffer (SO_RXQ_OVFL). */
  readonly packetsDropped: number;
  /** Malformed, foreign or out of range: ignored. */
  readonly packetsIgnored: number;
  readonly bytesReceived: number;
}

/** What became of a chunk that the cast delivered. */
export type ChunkVerdict = "taken" | "corrupt";

export interface CastReceiverEvents {
  /**
   * All stored bytes of an entry are there. `stored` lies in the receiver's own memory and is valid
   * until `settle` is called, exactly once: `taken` after the chunk is on the disk (the slot is free
   * again), `corrupt` when it does not match its hash (it will be asked for again).
   */
  chunk(entryIndex: number, stored: Uint8Array, settle: (verdict: ChunkVerdict) => void): void;
  /** A report to be carried to the sender in a `bulkKind.report` frame, at the pace the receiver sets. */
  report(payload: Uint8Array): void;
  stats(stats: CastReceiverStats): void;
}

export interface CastReceiver {
  /** The entry came another way: no longer wanted. */
  forget(entryIndex: number): void;
  /** An entry of a live cast is known now; until then what comes of it is let pass. 0: it is no longer wanted. */
  announce(entryIndex: number, storedLength: number): void;
  /** Makes a full report next, after the way to the sender was broken. */
  refresh(): void;
  readonly ended: Promise<void>;
  close(): Promise<void>;
}
