import { etherType, type FilterStep, openPacketSocket } from "./packet-socket.ts";

export interface Querier {
  readonly address: string;
  /** Seconds since it was last heard. */
  readonly heardAgo: number;
}

/** Lets pass IGMP to everybody (224.0.0.1), where the general queries go. Offsets from the IP header on. */
const igmpToAll: readonly FilterStep[] = [
  [0x30, 0, 0, 9], // ldb [9]: the protocol
  [0x15, 0, 3, 2], // jeq 2: IGMP
  [0x20, 0, 0, 16], // ld [16]: the destination
  [0x15, 0, 1, 0xe0000001], // jeq 224.0.0.1
  [0x06, 0, 0, 0x40000], // ret: all of it
  [0x06, 0, 0, 0], // ret: nothing
];
/** RFC 3376 section 4: a membership query. */
const queryType = 0x11;
const receiveEveryMs = 1000;

export interface IgmpListener extends Disposable {
  /** The last querier that was heard. */
  querier(): Querier | null;
  /** For how long it has been listened, in seconds. */
  listenedSeconds(): number;
}

/** Hears who asks for multicast memberships on the interface. Throws `failed` without the privilege. */
export function openIgmpListener(interfaceName: string): IgmpListener {
  const socket = openPacketSocket(interfaceName, etherType.ipv4, igmpToAll);
  const startedAt = performance.now();
  let last: { readonly address: string; readonly at: number } | undefined;
  const receive = (): void => {
    socket.take((frame) => {
      const header = ((frame[0] ?? 0) & 15) * 4;
      if (frame[header] !== queryType) return;
      last = { address: frame.subarray(12, 16).join("."), at: performance.now() };
    });
  };
  const timer = setInterval(receive, receiveEveryMs);
  return {
    querier: () =>
      last === undefined
        ? null
        : { address: last.address, heardAgo: (performance.now() - last.at) / 1000 },
    listenedSeconds: () => (performance.now() - startedAt) / 1000,
    [Symbol.dispose]() {
      clearInterval(timer);
      socket[Symbol.dispose]();
    },
  };
}
