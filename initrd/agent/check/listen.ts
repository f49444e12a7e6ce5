/** The PC's part in a check of its room's network: it counts what comes of the server's bursts. */
import { errorText } from "../../../core/errors.ts";
import { loadCalls, openPacketReceiver } from "../../../core/node/cast/transport.ts";
import type { AgentMessage } from "../../../core/wire/agent-message.ts";
import { checkGroup, decodeCheckPacket } from "../../../core/wire/check.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import { type Roots, readNumber, readText } from "../../../imaging/disk/sysfs.ts";
import { describeNic, type Uplink } from "../hardware/network.ts";

type Listen = Extract<ServerMessage, { type: "listen" }>;
type Heard = Extract<AgentMessage, { type: "heard" }>;

/** Between two looks at the socket, in milliseconds: its buffer holds a quarter second of 1 Gbit/s. */
const lookEveryMs = 5;
/** A server that never ends it is gone, in milliseconds. */
const limitMs = 30_000;

export interface Listening {
  /** The server has sent all: answers what came. */
  end(): Promise<Heard>;
}

/** Listens from now on; what keeps it from that is part of the answer. */
export function listen(
  order: Listen,
  ports: { uplink(): Promise<Uplink>; roots: Roots },
): Listening {
  const counting = count(order, ports);
  return { end: async () => (await counting).end() };
}

async function count(
  { request, port, nonce, steps }: Listen,
  { uplink, roots }: { uplink(): Promise<Uplink>; roots: Roots },
): Promise<Listening> {
  const { name, ip } = await uplink();
  const received = Array.from({ length: steps }, () => new Set<number>());
  const before = errorsOf(name, roots);
  const answer = (dropped: number, reason: string | null): Heard => {
    const after = errorsOf(name, roots);
    return {
      ...{ type: "heard", request, dropped, reason },
      received: received.map(({ size }) => size),
      speedMbps: describeNic(name, roots).speedMbps,
      duplex: duplexOf(name, roots),
      errors: before === null || after === null ? null : Math.max(0, after - before),
    };
  };
  try {
    if (ip === null) return { end: async () => answer(0, "it has no address") };
    const calls = await loadCalls(true);
    const wakeDescriptor = calls?.openEvent() ?? null;
    const where = { group: checkGroup, port, interfaceAddress: ip, wakeDescriptor };
    const socket = await openPacketReceiver(where, () => {});
    const take = (bytes: Uint8Array, offset: number, length: number): void => {
      const packet = decodeCheckPacket(bytes.subarray(offset, offset + length));
      if (packet.ok) received[packet.value.nonce - nonce]?.add(packet.value.number);
    };
    const look = (): void => {
      while (socket.receive(take));
    };
    const timer = setInterval(look, lookEveryMs);
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      clearInterval(timer);
      clearTimeout(limit);
      socket.close();
      if (wakeDescriptor !== null) calls?.closeDescriptor(wakeDescriptor);
    };
    const limit = setTimeout(close, limitMs);
    return {
      async end() {
        if (isOpen) look();
        close();
        return answer(socket.dropped, null);
      },
    };
  } catch (error) {
    return { end: async () => answer(0, errorText(error)) };
  }
}

/** Frames that came damaged, as the adapter counts them; null where it does not. */
function errorsOf(name: string | null, roots: Roots): number | null {
  if (name === null) return null;
  const folder = `${roots.sys}/class/net/${name}/statistics`;
  return readNumber(`${folder}/rx_errors`);
}

function duplexOf(name: string | null, roots: Roots): Heard["duplex"] {
  const text = name === null ? null : readText(`${roots.sys}/class/net/${name}/duplex`);
  return text === "full" || text === "half" ? text : null;
}
