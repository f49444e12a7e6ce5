import type { FastifyReply } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { whenClosed } from "../../core/node/when-closed.ts";

/** Milliseconds between two lines of progress. */
const progressEveryMs = 200;

/**
 * Answers long work as lines of JSON: `{progress: {done, total}}` now and then, and at the end `{result}` or
 * `{error: {code, message, next}}`. `signal` aborts when the caller goes away.
 */
export async function answerInLines(
  reply: FastifyReply,
  work: (signal: AbortSignal, progress: (done: number, total: number) => void) => Promise<unknown>,
): Promise<void> {
  reply.hijack();
  const stream = reply.raw;
  const gone = new AbortController();
  whenClosed(stream, () => gone.abort());
  const say = (line: object): void => void stream.write(`${JSON.stringify(line)}\n`);
  stream.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  let saidAt = Number.NEGATIVE_INFINITY;
  try {
    const result = await work(gone.signal, (done, total) => {
      if (performance.now() - saidAt < progressEveryMs) return;
      saidAt = performance.now();
      say({ progress: { done, total } });
    });
    say({ result });
  } catch (error) {
    if (!(error instanceof RoomcastError)) reply.log.error({ err: error }, "request failed");
    const { code, message, next } =
      error instanceof RoomcastError
        ? error
        : { code: "failed", message: "internal error", next: "see the server's log for the cause" };
    say({ error: { code, message, next } });
  }
  stream.end();
}
