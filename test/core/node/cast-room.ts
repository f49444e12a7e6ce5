/** A sender and receivers with their workers and sockets, whose control connection is this process. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import type {
  CastReceiver,
  CastReceiverStats,
  CastSender,
  CastSenderStats,
} from "../../../core/cast/ends.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { startCastReceiver } from "../../../core/node/cast/receiver.ts";
import { startCastSender } from "../../../core/node/cast/sender.ts";
import { keysOf } from "../cast/keys.ts";
import { noiseOf } from "./noise-source.ts";

export const entriesOf = (storedLengths: readonly number[]): IndexEntry[] =>
  storedLengths.map((storedLength, chunkIndex) => ({
    chunkIndex,
    codec: storedLength === 0 ? codec.zero : codec.zstd,
    storedLength,
    crc32c: 0,
    sha256: new Uint8Array(32),
  }));

export const indexOf = (storedLengths: readonly number[]): Uint8Array =>
  encodeIndex(entriesOf(storedLengths));

/** Every entry that has stored bytes. */
export function allWants(storedLengths: readonly number[]): Uint8Array {
  const wants = new Uint8Array((storedLengths.length + 7) >> 3);
  for (const [entry, length] of storedLengths.entries())
    if (length > 0) wants[entry >> 3] = (wants[entry >> 3] as number) | (1 << (entry & 7));
  return wants;
}

export const castAddress = (interfaceAddress = "127.0.0.1") => ({
  tag: randomInt(2 ** 32),
  group: `239.77.${randomInt(256)}.${1 + randomInt(254)}`,
  port: 20000 + randomInt(20000),
  interfaceAddress,
  keys: keysOf(randomInt(255)),
});
export type CastPlace = ReturnType<typeof castAddress>;

export interface TestSender {
  readonly handle: CastSender;
  stats: CastSenderStats | null;
}

export async function openSender(
  place: CastPlace,
  storedLengths: readonly number[],
  options: {
    readonly damagedEntry?: number;
    readonly rateLimitBps?: number;
    /** Entries are announced, and read by this process. */
    readonly isLive?: boolean;
    readonly start?: typeof startCastSender;
  } = {},
): Promise<TestSender> {
  const sender: { handle: CastSender | null; stats: CastSenderStats | null } = {
    handle: null,
    stats: null,
  };
  sender.handle = await (options.start ?? startCastSender)(
    {
      ...place,
      index: options.isLive ? { entryCount: storedLengths.length } : indexOf(storedLengths),
      source: options.isLive
        ? { read: async (entry) => new Uint8Array(noiseOf(entry, storedLengths[entry] as number)) }
        : {
            module: new URL("./noise-source.ts", import.meta.url).href,
            config: { storedLengths, damagedEntry: options.damagedEntry },
          },
      rateLimitBps: options.rateLimitBps ?? null,
      linkBps: null,
    },
    {
      stats(stats) {
        sender.stats = stats;
      },
    },
  );
  return sender as TestSender;
}

export interface TestReceiver {
  readonly handle: CastReceiver;
  /** Settles when every entry has come and was right. */
  readonly done: Promise<void>;
  readonly takenCount: number;
  stats: CastReceiverStats | null;
}

/** A receiver that checks what comes and settles it at once; `corruptOnce`: as if it were damaged. */
export async function openReceiver(
  place: CastPlace,
  storedLengths: readonly number[],
  report: (payload: Uint8Array) => void,
  options: {
    readonly slotCount?: number;
    readonly keptBytes?: number;
    readonly corruptOnce?: number;
    readonly isLive?: boolean;
    readonly start?: typeof startCastReceiver;
  } = {},
): Promise<TestReceiver> {
  const taken = new Set<number>();
  const wantCount = storedLengths.filter((length) => length > 0).length;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  let toCorrupt = options.corruptOnce;
  const receiver = {
    done,
    stats: null as CastReceiverStats | null,
    get takenCount() {
      return taken.size;
    },
  };
  const handle = await (options.start ?? startCastReceiver)(
    {
      ...place,
      index: options.isLive ? { entryCount: storedLengths.length } : indexOf(storedLengths),
      wants: options.isLive
        ? new Uint8Array((storedLengths.length + 7) >> 3).fill(255)
        : allWants(storedLengths),
      slotCount: options.slotCount ?? 16,
      keptBytes: options.keptBytes ?? 0,
    },
    {
      chunk(entryIndex, stored, settle) {
        try {
          assert(!taken.has(entryIndex), `entry ${entryIndex} comes once`);
          const right = noiseOf(entryIndex, storedLengths[entryIndex] as number);
          assert.equal(Buffer.compare(stored, right), 0, `entry ${entryIndex} is right`);
        } catch (error) {
          return reject(error);
        }
        if (toCorrupt === entryIndex) {
          toCorrupt = undefined;
          return settle("corrupt");
        }
        taken.add(entryIndex);
        settle("taken");
        if (taken.size === wantCount) resolve();
      },
      report,
      stats(stats) {
        receiver.stats = stats;
      },
    },
  );
  handle.ended.catch(reject);
  return Object.assign(receiver, { handle });
}
