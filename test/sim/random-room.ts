import { packetLimit, wireOverheadBytes } from "../../core/wire/cast.ts";
import type { PcOptions } from "./pc.ts";
import { seeded } from "./random.ts";
import type { RoomOptions } from "./room.ts";

/** A stranger that fills the wire, a PC's port, or all that a host takes, leaves nothing to serve a room by: this part of it is its own at most. */
const strangerShare = 0.25;
const packetBits = (packetLimit + wireOverheadBytes) * 8;

/** A room that a seed makes up: its image, its wires, and what happens to its PCs. */
export function randomRoom(
  seed: number,
): Partial<RoomOptions> & { seed: number; pcs: Partial<PcOptions>[] } {
  const random = seeded(seed ^ 0x5eed);
  const pick = <T>(...choices: readonly T[]): T =>
    choices[Math.floor(random() * choices.length)] as T;
  const maybe = <T>(chance: number, value: () => T, otherwise: T): T =>
    random() < chance ? value() : otherwise;
  const entryCount = pick(1, 7, 60, 150);
  const longest = pick(1, 1408, 20_000, 60_000);
  const storedLengths = Uint32Array.from({ length: entryCount }, () =>
    maybe(0.1, () => 0, 1 + Math.floor(random() * longest)),
  );
  const loss = pick(0, 0, 0.001, 0.01, 0.05, 0.15);
  const uplinkBps = pick(10e6, 100e6, 1e9, 10e9);
  const slotCount = pick(1, 4, 16, 64);
  const damageRatio = pick(0, 0, 0, 0.001);
  // By chance of its own, so that the rooms that were found by their seeds are the same otherwise.
  const memory = seeded(seed ^ 0x3e3);
  const pcs = Array.from(
    { length: maybe(0.03, () => 200, pick(1, 2, 3, 8, 20, 50)) },
    (): Partial<PcOptions> => {
      const dieAtMs = maybe(0.08, () => random() * 2000, Number.POSITIVE_INFINITY);
      return {
        loss: maybe(0.1, () => random() * 0.4, loss),
        burstRatio: pick(0, 0, 0, 0.002),
        burstLength: pick(5, 100),
        portBps: maybe(0.1, () => uplinkBps / 5, 1e9),
        diskBps: pick(3e9, 3e9, 3e9, 400e6, 30e6),
        hostBps: maybe(0.15, () => 20e6 + random() * 20e6, 10e9),
        delayMs: pick(0.1, 1, 20),
        duplicateRatio: pick(0, 0, 0.05),
        reorderRatio: pick(0, 0, 0.05),
        slotCount: maybe(0.1, () => 1, slotCount),
        hostQueueBytes: memory() < 0.5 ? 256 * 1500 : 32 << 20,
        keptBytes: [0, 0, 30_000, 1e6, 1e9][Math.floor(memory() * 5)] as number,
        damageRatio,
        diskFailsAtMs: maybe(0.04, () => random() * 2000, Number.POSITIVE_INFINITY),
        stallAtMs: maybe(0.08, () => random() * 2000, Number.POSITIVE_INFINITY),
        stallForMs: random() * 4000,
        reportLoss: pick(0, 0, 0, 0.3),
        reportDelayMs: pick(1, 5, 80),
        joinAtMs: maybe(0.2, () => random() * 3000, random() * 20),
        dieAtMs,
        returnAtMs: maybe(0.5, () => dieAtMs + random() * 9000, Number.POSITIVE_INFINITY),
        hasRatio: pick(0, 0, 0, 0.5, 1),
      };
    },
  );
  const narrowest = Math.min(
    uplinkBps,
    ...pcs.flatMap(({ portBps = uplinkBps, hostBps = uplinkBps }) => [portBps, hostBps]),
  );
  return {
    seed,
    storedLengths,
    uplinkBps,
    uplinkQueueBytes: pick(32_000, 256_000, 4_000_000),
    uplinkLoss: {
      ratio: pick(0, 0, 0.01),
      burstRatio: pick(0, 0, 0.0005),
      burstLength: pick(10, 200),
    },
    linkBps: pick(null, uplinkBps),
    rateLimitBps: maybe(0.1, () => 50e6, null),
    restartAtMs: maybe(0.15, () => random() * 2000, Number.POSITIVE_INFINITY),
    readDelayMs: pick(0.1, 5, 50),
    pcs,
    rekeyAtMs: maybe(0.2, () => random() * 2500, Number.POSITIVE_INFINITY),
    stranger: maybe(
      0.1,
      () => ({
        packetsPerSecond: Math.min(pick(100, 3000), strangerShare * (narrowest / packetBits)),
        isMember: pick(true, false),
      }),
      null,
    ),
  };
}
