/** One request to the storage and its answer, over a connection that must keep moving. */
import { Readable } from "node:stream";
import { type Agent, request } from "undici";
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { S3Traffic } from "./s3-traffic.ts";

export interface S3Request {
  readonly method: "GET" | "PUT" | "HEAD" | "DELETE";
  readonly url: URL;
  /** Signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** A longer answer is not read. */
  readonly limitBytes: number;
}

export interface S3Answer {
  readonly status: number;
  header(name: string): string | null;
  readonly body: Uint8Array;
}

/** It may succeed when it is tried again. The message says what went wrong, after "the last one:". */
export class TryAgain extends Error {}

/** A body is sent in pieces of this many bytes, so that it is seen how it goes. */
const pieceBytes = 256 * 1024;

/**
 * Throws `TryAgain` when nothing moved for `stallMs`, when the connection broke or could not be made, and when
 * the body is not as long as was said; `away` for a certificate that is not trusted; the signal's reason.
 */
export async function exchange(
  agent: Agent,
  asked: S3Request,
  { stallMs, traffic }: { readonly stallMs: number; readonly traffic: S3Traffic },
  signal?: AbortSignal,
): Promise<S3Answer> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), stallMs);
  const moved = (): void => void timer.refresh();
  const sent = (bytes: number): void => {
    traffic.sentBytes += bytes;
    moved();
  };
  const received = (bytes: number): void => {
    traffic.receivedBytes += bytes;
    moved();
  };
  const ended = AbortSignal.any([stalled.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    const { statusCode, headers, body } = await request(asked.url, {
      dispatcher: agent,
      method: asked.method,
      headers: asked.headers,
      body: asked.body === null ? null : Readable.from(piecesOf(asked.body, sent)),
      signal: ended,
      // The timer above is ours: these would count from the beginning of a long upload.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    moved();
    const header = (name: string): string | null => [headers[name] ?? []].flat()[0] ?? null;
    const read = await bytesOf(body, asked.limitBytes, received);
    return { status: statusCode, header, body: read };
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    if (stalled.signal.aborted) throw new TryAgain(`nothing moved for ${stallMs / 1000} s`);
    throw brokenBy(cause, asked.url.host);
  } finally {
    clearTimeout(timer);
  }
}

/** A piece was sent when the next one is asked for. */
async function* piecesOf(
  body: Uint8Array,
  sent: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes);
    yield piece;
    sent(piece.length);
  }
}

/** undici rejects a body that is not as long as was announced. */
async function bytesOf(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
  received: (bytes: number) => void,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    received(piece.length);
    length += piece.length;
    if (length > limitBytes) throw new TryAgain(`an answer of more than ${limitBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}

/** Of OpenSSL and Node: what is wrong with a certificate. */
const certificateCode = /CERT|SIGNATURE|ISSUER|TLS_/;

function brokenBy(cause: unknown, host: string): unknown {
  const code = (cause as { code?: unknown }).code;
  if (cause instanceof TryAgain || typeof code !== "string") return cause;
  if (!certificateCode.test(code)) return new TryAgain(errorText(cause) || code);
  return new RoomcastError(
    "away",
    `the certificate that ${host} shows is not trusted: ${errorText(cause)}`,
    "name the certificate of the site's own authority with [store.s3] caFile, or have the storage's certificate renewed",
    { cause },
  );
}
