import type { MacAddress } from "../../core/units/mac.ts";
import { decodeArp, encodeArpProbe } from "../../core/wire/arp.ts";
import { etherType, openPacketSocket, ownMac } from "./packet-socket.ts";

/** Milliseconds: a host on the same wire answers within one, a busy or sleeping one within a hundred. */
const answerMs = 200;
const lookEveryMs = 10;

export interface ArpProber extends Disposable {
  /** The host that has this address, or null if none answers within a fifth of a second. */
  probe(address: string): Promise<MacAddress | null>;
}

interface Waiting {
  readonly until: number;
  readonly answer: (owner: MacAddress | null) => void;
}

/** Throws `failed` without the privilege. */
export function openArpProber(interfaceName: string): ArpProber {
  const own = ownMac(interfaceName);
  const socket = openPacketSocket(interfaceName, etherType.arp);
  const waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;

  const settle = (address: string, owner: MacAddress | null): void => {
    const found = waiting.get(address);
    waiting.delete(address);
    found?.answer(owner);
  };
  const look = (): void => {
    for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) {
      const decoded = decodeArp(frame);
      if (decoded.ok && decoded.value.mac !== own) settle(decoded.value.address, decoded.value.mac);
    }
    const now = performance.now();
    for (const [address, { until }] of waiting) if (until <= now) settle(address, null);
    if (waiting.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    probe(address) {
      // What came while nobody asked is about other times, and may fill the queue.
      if (timer === undefined) while (socket.receive() !== undefined);
      return new Promise((answer) => {
        settle(address, null);
        waiting.set(address, { until: performance.now() + answerMs, answer });
        socket.broadcast(encodeArpProbe(own, address));
        timer ??= setInterval(look, lookEveryMs);
      });
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const address of [...waiting.keys()]) settle(address, null);
      socket[Symbol.dispose]();
    },
  };
}
