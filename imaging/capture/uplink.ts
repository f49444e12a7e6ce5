/** A capture's way to the server (docs/protocol.md, `/gate/v2/captures/TASK/…`). */

import { type ErrorCode, RoomcastError } from "../../core/errors.ts";
import { encodeEntry } from "../../core/image/index-codec.ts";
import type { IndexEntry, ManifestDraft } from "../../core/image/types.ts";
import type { HttpAnswer, ServerHttp } from "../../core/node/pinned.ts";
import { whileAway, whileItWaits } from "../../core/node/while-away.ts";
import { bitAt, bitmapBytes } from "../../core/units/bits.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";

export interface StoredChunk {
  readonly entry: IndexEntry;
  readonly stored: Uint8Array;
}

export interface Committed {
  readonly imageId: string;
  readonly name: string;
  readonly version: number;
}

/** Where a capture puts what it reads. All reject with a RoomcastError, or the reason of the signal. */
export interface CaptureUplink {
  /** Which of these SHA-256 hashes the server has. At most 4096. */
  known(hashes: readonly Uint8Array[]): Promise<boolean[]>;
  /** Some chunks, at most 16 MiB in all. */
  chunks(chunks: readonly StoredChunk[]): Promise<void>;
  index(index: Uint8Array): Promise<void>;
  commit(draft: ManifestDraft): Promise<Committed>;
}

/** Milliseconds to wait for an answer: a store on a slow disk takes 16 MiB in that time. */
const answerLimitMs = 60_000;
const octets = "application/octet-stream";

/** A text, or bytes in parts. */
type Body = string | readonly Uint8Array[];

interface UplinkOptions {
  readonly server: ServerHttp;
  readonly task: string;
  /** Asked with each request: it may have become another. */
  grant(): string;
  /** Ends all requests; its reason is what they reject with. */
  readonly signal: AbortSignal;
}

/** Says what a live cast will be of (`core/image/live-plan.ts`). Rejects as the others do. */
export async function sendLivePlan(options: UplinkOptions, plan: string): Promise<void> {
  await requests(options, "casts")("PUT", "plan", "application/json", plan);
}

/** A chunk of a live cast, for a server that does not hear it. Rejects as the others do. */
export async function sendLiveChunk(options: UplinkOptions, chunk: StoredChunk): Promise<void> {
  const parts = [encodeEntry(chunk.entry), chunk.stored];
  await requests(options, "casts")("PUT", "chunks", octets, parts);
}

/** All requests of one task below `/gate/v2/`, each repeated while the server is away. */
function requests({ server, task, grant, signal }: UplinkOptions, kind: "captures" | "casts") {
  const once = async (method: string, what: string, type: string, body: Body) => {
    const path = `/gate/v2/${kind}/${encodeURIComponent(task)}/${what}`;
    let answer: HttpAnswer;
    let bytes: Uint8Array;
    try {
      answer = await server.fetch(path, {
        method,
        body,
        headers: { "content-type": type, authorization: `Bearer ${grant()}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerLimitMs)]),
      });
      bytes = await answer.bytes();
    } catch (cause) {
      signal.throwIfAborted();
      const next = "check that the server runs and the network is up";
      throw new RoomcastError("unreachable", `the server does not answer ${method} ${what}`, next, {
        cause,
      });
    }
    if (answer.ok) return bytes;
    throw refusal(answer.status, bytes, what);
  };

  return (method: string, what: string, type: string, body: Body) =>
    whileAway(signal, () => once(method, what, type, body));
}

export function httpUplink(options: UplinkOptions): CaptureUplink {
  const send = requests(options, "captures");
  const { signal } = options;

  return {
    async known(hashes) {
      const bitmap = await send("POST", "known", octets, [Buffer.concat(hashes)]);
      if (bitmap.length !== bitmapBytes(hashes.length)) throw senseless("known");
      return hashes.map((_, index) => bitAt(bitmap, index));
    },
    async chunks(chunks) {
      const parts = chunks.flatMap(({ entry, stored }) => [encodeEntry(entry), stored]);
      await send("PUT", "chunks", octets, parts);
    },
    async index(index) {
      await send("PUT", "index", octets, [index]);
    },
    async commit(draft) {
      const text = canonicalJson(draft);
      const commit = () => send("POST", "commit", "application/json", text);
      const answer = parse(await whileItWaits(signal, commit));
      const { imageId, name, version } = (answer ?? {}) as Partial<Committed>;
      if (typeof imageId !== "string" || typeof name !== "string" || typeof version !== "number") {
        throw senseless("commit");
      }
      return { imageId, name, version };
    },
  };
}

const codes: readonly string[] = [
  "refused",
  "bad-input",
  "not-found",
  "conflict",
  "no-space",
  "away",
  "cancelled",
  "failed",
] satisfies ErrorCode[];

/** The server's own words; without any a status of 500 and more may pass, and always one that says to wait or to ask with another grant. */
function refusal(status: number, body: Uint8Array, what: string): RoomcastError {
  const said = (parse(body) ?? {}) as { code?: unknown; message?: unknown; next?: unknown };
  if (typeof said.message !== "string") {
    const code = status >= 500 ? "unreachable" : "failed";
    return new RoomcastError(code, `the server refused ${what}: ${status}`, "see the server's log");
  }
  // Of 401 and 403: a server that was started anew knows another grant, which comes with the order.
  if ([401, 403, 429].includes(status) && said.code !== "refused")
    return new RoomcastError("unreachable", said.message.slice(0, 512), "wait");
  const code = codes.includes(said.code as string) ? (said.code as ErrorCode) : "failed";
  const next = typeof said.next === "string" ? said.next : "see the server's log";
  return new RoomcastError(code, said.message.slice(0, 512), next.slice(0, 512));
}

const senseless = (what: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the server's answer to ${what} is invalid`,
    "update the server, or start the agent that came with it",
  );

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return null;
  }
}
