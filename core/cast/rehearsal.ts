/**
 * A small cast in memory, from a sender to one receiver, on a clock of its own. A worker that waits for its first cast
 * has run its machines by then: the first packets are not the ones by which they get compiled.
 */
import { bitmapBytes, setBit } from "../units/bits.ts";
import { type Millis, millis } from "../units/units.ts";
import { packetLimit } from "../wire/cast.ts";
import { CastReceiverMachine } from "./receiver.ts";
import { sealKeyBytes } from "./seal.ts";
import { CastSenderMachine } from "./sender.ts";
import { slabBytesFor } from "./slab.ts";
import { slabIn, slabMemory } from "./symbol-copy.ts";

const entryCount = 32;
const entryBytes = 20_000;
const slotCount = 8;
const batchPackets = 44;
/** The first packet of each so many is lost, so that there is something to repair. */
const lostEvery = 50;
const linkBps = 1e9;
/** In simulated milliseconds: it takes a fifth. */
const longest = 200;
const receiverId = 1;

/** Answers whether the receiver got every entry. Asks before each millisecond whether it is `needed` no more. */
export function rehearse(needed: () => boolean): boolean {
  const storedLengths = new Uint32Array(entryCount).fill(entryBytes);
  const wants = new Uint8Array(bitmapBytes(entryCount));
  for (let entry = 0; entry < entryCount; entry++) setBit(wants, entry);
  const both = { tag: 0, packetKey: new Uint8Array(sealKeyBytes), storedLengths };
  const makeSlab = (byteCount: number): Uint8Array => slabIn(slabMemory(byteCount));
  const slab = makeSlab(slabBytesFor(storedLengths, slotCount));
  const rates = { linkBps, rateLimitBps: null };
  const start = millis(0);
  const sender = new CastSenderMachine({ ...both, ...rates, generation: 0, makeSlab }, start);
  const receiver = new CastReceiverMachine({ ...both, wants, slotCount, slab }, start);
  sender.join(receiverId, wants, start, 0);
  const batch = new Uint8Array(batchPackets * packetLimit);
  let lostIn = 0;

  const send = (now: Millis): void => {
    sender.tick(now);
    for (;;) {
      for (const entry of sender.takeReads())
        sender.supplyEntry(entry, entryBytes, (into) => into.fill(entry));
      const count = sender.fill(batch, batchPackets, now);
      if (count === 0) return;
      for (let packet = 0; packet < count; packet++) {
        if (lostIn-- > 0) receiver.packet(batch, packet * sender.packetBytes, sender.packetBytes);
        else lostIn = lostEvery;
      }
    }
  };

  for (let now = start; needed() && now < longest; now = millis(now + 1)) {
    send(now);
    for (const { entryIndex } of receiver.completed.splice(0)) receiver.settle(entryIndex, "taken");
    const report = receiver.report(now);
    if (report !== null) sender.report(receiverId, report, now);
    if (!receiver.isWanting) return true;
  }
  return false;
}
