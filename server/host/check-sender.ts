import { setTimeout as sleep } from "node:timers/promises";
import { openPacketSender } from "../../core/node/cast/transport.ts";
import {
  checkGroup,
  checkPacketBits,
  checkPacketBytes,
  encodeCheckPacket,
} from "../../core/wire/check.ts";

export interface CheckBurst {
  /** IPv4 address of the interface that it leaves by. */
  readonly address: string;
  readonly port: number;
  readonly nonce: number;
  readonly count: number;
  /** On the wire, in bits a second. */
  readonly rateBps: number;
}

/** Packets of one call. */
const batchPackets = 40;
/** Between two looks at the clock, in milliseconds. */
const paceMs = 2;
/** A sender that was held up catches up with no more than this, in milliseconds, or it would be another rate. */
const catchUpMs = 10;

/**
 * Multicasts a burst of numbered packets at a steady rate. Resolves with the rate at which it went, in bits a second: less where the
 * socket took no more, or this thread had no processor. Rejects with `failed` when the socket breaks.
 */
export async function sendCheckBurst(burst: CheckBurst): Promise<number> {
  const { address, port, nonce, count, rateBps } = burst;
  const where = { group: checkGroup, port, interfaceAddress: address };
  const socket = await openPacketSender({ ...where, batchPackets, packetLimit: checkPacketBytes });
  const perMs = rateBps / 1000 / checkPacketBits;
  try {
    let sent = 0;
    let due = 0;
    const startedAt = performance.now();
    let at = startedAt;
    while (sent < count) {
      const now = performance.now();
      due = Math.min(count, due + Math.min(catchUpMs, now - at) * perMs);
      at = now;
      while (sent < Math.floor(due)) {
        const size = Math.min(batchPackets, Math.floor(due) - sent);
        for (let index = 0; index < size; index++)
          socket.batch.set(
            encodeCheckPacket({ nonce, number: sent + index }),
            index * checkPacketBytes,
          );
        const taken = socket.send(0, size, checkPacketBytes);
        sent += taken;
        // It takes no more for now.
        if (taken < size) break;
      }
      await sleep(paceMs);
    }
    return Math.min(rateBps, (count * checkPacketBits * 1000) / (performance.now() - startedAt));
  } finally {
    socket.close();
  }
}
