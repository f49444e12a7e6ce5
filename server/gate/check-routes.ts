/** The server's part of a PC's network check: bytes to time, and a burst of multicast to count. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { RoomcastError } from "../../core/errors.ts";
import {
  checkGroup,
  checkPacketCount,
  checkPayloadBytes,
  encodeCheckPacket,
} from "../../core/wire/check.ts";

/** Milliseconds, after which a PC that has not read all of it, nor hung up, is cut off. */
const payloadTime = 8000;
/** No more than this, in bytes, is answered at once. */
const answerBytes = 1024;
const partBytes = 256 * 1024;
/** 20 packets of 1424 bytes each 5 ms: 45 Mbit/s. */
const burstPackets = 20;
const burstEveryMs = 5;
/** A room of PCs whose people all press the key: one at a time, or they would measure each other. */
const waitingLimit = 64;

export interface CheckRoutesPorts {
  /** IPv4 address of the interface that the PCs are on. */
  readonly interfaceAddress: string;
}

/** Registers `/gate/v2/check/…`. */
export async function checkRoutes(app: FastifyInstance, ports: CheckRoutesPorts): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const inTurn = async <T>(measure: () => Promise<T>): Promise<T> => {
    if (waiting >= waitingLimit) {
      throw new RoomcastError("conflict", "too many network checks at once", "try again later");
    }
    waiting++;
    const turn = last.then(measure);
    last = turn.catch(() => {});
    return turn.finally(() => waiting--);
  };

  app.get<{ Querystring: { bytes: string } }>(
    "/gate/v2/check/payload",
    { schema: { querystring: Type.Object({ bytes: Type.String({ pattern: "^\\d{1,9}$" }) }) } },
    async (request, reply) => {
      const length = Math.min(Number(request.query.bytes), checkPayloadBytes);
      if (length <= answerBytes) return reply.send(Buffer.alloc(length));
      await inTurn(async () => {
        const body = Readable.from(zeros(length));
        const timer = setTimeout(() => body.destroy(new Error("it took too long")), payloadTime);
        const sent = new Promise((resolve) => reply.raw.once("close", resolve));
        await Promise.all([reply.type("application/octet-stream").send(body), sent]);
        clearTimeout(timer);
      });
      return reply;
    },
  );

  app.post<{ Body: { nonce: number; port: number } }>(
    "/gate/v2/check/multicast",
    {
      schema: {
        body: Type.Object({
          nonce: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
          port: Type.Integer({ minimum: 1024, maximum: 65535 }),
        }),
      },
    },
    async ({ body }) => {
      await inTurn(() => burst(ports.interfaceAddress, body));
      return { sent: checkPacketCount };
    },
  );
}

function* zeros(length: number): Generator<Buffer> {
  const part = Buffer.alloc(partBytes);
  for (let left = length; left > 0; left -= partBytes) yield part.subarray(0, left);
}

async function burst(address: string, to: { nonce: number; port: number }): Promise<void> {
  const socket = createSocket("udp4");
  try {
    socket.bind(0, address);
    await once(socket, "listening");
    socket.setMulticastInterface(address);
    socket.setMulticastTTL(1);
    const send = (packet: Uint8Array): Promise<void> =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null): void => (error ? reject(error) : resolve());
        socket.send(packet, to.port, checkGroup, done);
      });
    for (let number = 0; number < checkPacketCount; number++) {
      await send(encodeCheckPacket({ nonce: to.nonce, number }));
      if (number % burstPackets === burstPackets - 1) await sleep(burstEveryMs);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const next = "check the server's interface (`ip addr`), then try again";
    throw new RoomcastError("failed", `the server could not multicast: ${why}`, next, { cause });
  } finally {
    socket.close();
  }
}
