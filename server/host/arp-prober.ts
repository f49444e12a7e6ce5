import type { MacAddress } from "../../core/units/mac.ts";
import { decodeArp, encodeArpProbe } from "../../core/wire/arp.ts";
import { etherType, openPacketSocket, ownMac } from "./packet-socket.ts";

/** Milliseconds: a host on the same wire answers within one, a busy or sleeping one within a hundred. */
const answerMs = 200;
const lookEveryMs = 10;

export interface ArpProber extends Disposable {
  /**
   * The hosts that answer for this address within a fifth of a second, in the order in which they did. It ends with the
   * first that is not one of those that are doubted, or when the same address is probed anew.
   */
  probe(address: string, doubted: readonly MacAddress[]): Promise<readonly MacAddress[]>;
}

interface Waiting {
  readonly until: number;
  readonly doubted: readonly MacAddress[];
  readonly answered: Set<MacAddress>;
  readonly answer: (answered: readonly MacAddress[]) => void;
}

/** Throws `failed` without the privilege. */
export function openArpProber(interfaceName: string): ArpProber {
  const own = ownMac(interfaceName);
  const socket = openPacketSocket(interfaceName, etherType.arp);
  const waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;

  const settle = (address: string): void => {
    const found = waiting.get(address);
    waiting.delete(address);
    found?.answer([...found.answered]);
  };
  const take = ({ mac, address }: { readonly mac: MacAddress; readonly address: string }): void => {
    const found = waiting.get(address);
    if (mac === own || found === undefined) return;
    found.answered.add(mac);
    if (!found.doubted.includes(mac)) settle(address);
  };
  const look = (): void => {
    socket.take((frame) => {
      const decoded = decodeArp(frame);
      if (decoded.ok) take(decoded.value);
    });
    const now = performance.now();
    for (const [address, { until }] of waiting) if (until <= now) settle(address);
    if (waiting.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    probe(address, doubted) {
      // What came while nobody asked is about other times, and may fill the queue.
      if (timer === undefined) socket.take(() => {});
      return new Promise((answer) => {
        settle(address);
        const until = performance.now() + answerMs;
        waiting.set(address, { until, doubted, answered: new Set(), answer });
        socket.broadcast(encodeArpProbe(own, address));
        timer ??= setInterval(look, lookEveryMs);
      });
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const address of [...waiting.keys()]) settle(address);
      socket[Symbol.dispose]();
    },
  };
}
