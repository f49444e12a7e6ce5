/** The server's part of a PC's network check: bytes to time, and a burst of multicast to count. */
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { RoomcastError } from "../../core/errors.ts";
import { whenClosed } from "../../core/node/when-closed.ts";
import { checkPacketCount, checkPayloadBytes } from "../../core/wire/check.ts";
import { sendCheckBurst } from "../host/check-sender.ts";

/** Milliseconds, after which a PC that has not read all of it, nor hung up, is cut off. */
const payloadTime = 8000;
/** No more than this, in bytes, is answered at once. */
const answerBytes = 1024;
const partBytes = 256 * 1024;
/** In bits a second: a link of 100 Mbit/s has room beside it. */
const rateBps = 45e6;
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
      const sent = new Promise<void>((resolve) => whenClosed(reply.raw, resolve));
      await inTurn(async () => {
        // Who did not wait for its turn has none.
        if (reply.raw.destroyed) return;
        const timer = setTimeout(() => reply.raw.destroy(), payloadTime);
        reply.type("application/octet-stream").send(Readable.from(zeros(length)));
        await sent;
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
    async ({ body }, reply) => {
      const { interfaceAddress: address } = ports;
      await inTurn(async () => {
        if (reply.raw.destroyed) return;
        await sendCheckBurst({ ...body, address, count: checkPacketCount, rateBps });
      });
      return { sent: checkPacketCount };
    },
  );
}

function* zeros(length: number): Generator<Buffer> {
  const part = Buffer.alloc(partBytes);
  for (let left = length; left > 0; left -= partBytes) yield part.subarray(0, left);
}
