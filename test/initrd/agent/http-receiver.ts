/** Stands in for the cast: wanted entries come one by one over HTTP, in a worker's shared memory as the real ones do. */
import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
} from "../../../core/cast/ends.ts";
import { pinnedTo } from "../../tls.ts";
import { type FakeServer, standInGrant } from "./fake-server.ts";

/** `server`: its address and key; the image's id is the one that the fake server has. */
export const httpReceiver =
  ({ url, pin }: Pick<FakeServer, "url" | "pin">) =>
  async (options: CastReceiverOptions, events: CastReceiverEvents): Promise<CastReceiver> => {
    const server = pinnedTo(url, pin);
    let closed = false;
    const wanted = new Set<number>();
    for (let index = 0; index < options.wants.length * 8; index++) {
      if (((options.wants[index >> 3] as number) >> (index & 7)) & 1) wanted.add(index);
    }
    let packets = 0;
    const pump = async (): Promise<void> => {
      while (!closed && wanted.size > 0) {
        for (const entryIndex of [...wanted]) {
          if (closed) return;
          const path = `/gate/v2/images/0123456789abcdef/chunks/${entryIndex}`;
          let data: Uint8Array;
          try {
            const headers = { authorization: `Bearer ${standInGrant}` };
            const answer = await server.fetch(path, { headers });
            data = await answer.bytes();
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 50));
            continue;
          }
          const stored = new Uint8Array(new SharedArrayBuffer(data.length));
          stored.set(data);
          packets += 10;
          events.stats({
            packets,
            packetsLost: packets / 10,
            packetsDropped: 0,
            packetsIgnored: 0,
            packetsForged: 0,
            bytesReceived: 0,
            heard: { generation: 1, sequence: packets },
          });
          events.report(Uint8Array.of(1, 2, 3));
          if (closed) return;
          const verdict = await new Promise((settle) => events.chunk(entryIndex, stored, settle));
          stored.fill(0xdd);
          if (verdict === "taken") wanted.delete(entryIndex);
        }
      }
    };
    void pump();
    return {
      forget: (entryIndex) => void wanted.delete(entryIndex),
      announce() {},
      refresh: () => events.report(Uint8Array.of(9)),
      rekey() {},
      ended: new Promise(() => {}),
      async close() {
        closed = true;
        await server.close();
      },
    };
  };
