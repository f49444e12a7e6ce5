/** Request bodies: what is refused before a byte of them is read, and what of them may be in memory at once. */
import { errorCodes, type FastifyReply, type FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { whenClosed } from "../../core/node/when-closed.ts";

/**
 * What the requests of one capture, import or live cast may hold at once: eight uploads of 16 MiB. A capture
 * has two on their way, and for a moment those that were just answered.
 */
const ownerBytes = 128 * 1024 * 1024;

/** By the capture, import or live cast: bytes of bodies that are read or worked on. */
const held = new WeakMap<object, number>();

/**
 * Lets a request's body in, until the request is over; for `onRequest`. Throws when it is declared to be
 * longer than `limitBytes` (413), and `too-many` (429) when `owner` has too much on its way. A body
 * that does not declare its length counts as one of `limitBytes`. One alone always is let in.
 */
export function admitBody(
  request: FastifyRequest,
  reply: FastifyReply,
  owner: object,
  limitBytes: number,
): void {
  requireLength(request, limitBytes);
  const bytes = Math.min(declaredBytes(request) ?? limitBytes, limitBytes);
  const before = held.get(owner) ?? 0;
  if (before > 0 && before + bytes > ownerBytes) {
    const what = "too much of this upload is on its way at once";
    throw new RoomcastError("too-many", what, "wait for the answers to earlier requests");
  }
  held.set(owner, before + bytes);
  whenClosed(reply.raw, () => held.set(owner, (held.get(owner) ?? bytes) - bytes));
}

/** Throws (413) when a request declares a body of more than `limitBytes`, or with 0 any body. */
export function requireLength({ headers }: FastifyRequest, limitBytes: number): void {
  const length = Number(headers["content-length"] ?? 0);
  const isEndless = headers["transfer-encoding"] !== undefined && limitBytes === 0;
  if (length > limitBytes || isEndless) throw tooLarge();
}

/** Reads a body of at most `limitBytes`, however long it was declared to be. Rejects beyond it (413). */
export function readBody(payload: NodeJS.ReadableStream, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let total = 0;
    const stop = (): void => {
      payload.off("data", take).off("end", end).off("error", fail);
    };
    const take = (part: Buffer): void => {
      total += part.length;
      if (total <= limitBytes) parts.push(part);
      else fail(tooLarge());
    };
    const end = (): void => {
      stop();
      resolve(Buffer.concat(parts));
    };
    const fail = (error: Error): void => {
      stop();
      reject(error);
    };
    payload.on("data", take).on("end", end).on("error", fail);
  });
}

const declaredBytes = ({ headers }: FastifyRequest): number | undefined =>
  headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);

const tooLarge = (): Error => new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
