/** What an agent asks of its server by HTTP (docs/protocol.md). */
import { Value } from "typebox/value";
import { RoomcastError } from "../../../core/errors.ts";
import { headLimit } from "../../../core/image/image-head.ts";
import { livePlanLimit } from "../../../core/image/live-plan.ts";
import type { HttpAnswer, ServerHttp } from "../../../core/node/pinned.ts";
import { whileAway } from "../../../core/node/while-away.ts";
import { ImageList, type RoomTarget, RoomTargets } from "../../../core/wire/grant.ts";
import { driverPieceBytes, Personal } from "../../../core/wire/personal.ts";
import type { ImageView } from "../../../core/wire/views.ts";

/** No answer is that slow; a chunk is 1 MiB. */
const answerLimit = 30_000;

const mib = 1024 * 1024;
/** JSON of the largest store that a person can look through. */
const listLimit = 16 * mib;

/** Reads from the server; rejects with a RoomcastError, or with the reason of `signal` when it aborts. */
export class ServerFiles {
  private readonly server: ServerHttp;
  private readonly signal: AbortSignal;
  private readonly grant: () => string;

  /** `grant` is asked with each request: it may have become another. */
  constructor(server: ServerHttp, signal: AbortSignal, grant: () => string) {
    this.server = server;
    this.signal = signal;
    this.grant = grant;
  }

  async images(): Promise<ImageView[]> {
    const value = parse(await this.get("/gate/v2/images", listLimit));
    if (Value.Check(ImageList, value)) return value;
    throw new RoomcastError(
      "bad-input",
      "the server's list of images is invalid",
      "update the server, or start the agent that came with it",
    );
  }

  /** What a cast to this room would overwrite. */
  async targets(room: string): Promise<RoomTarget[]> {
    const path = `/gate/v2/rooms/${encodeURIComponent(room)}/targets`;
    const value = parse(await this.get(path, listLimit));
    if (Value.Check(RoomTargets, value)) return value;
    throw new RoomcastError(
      "bad-input",
      "the server's list of the room's disks is invalid",
      "update the server, or start the agent that came with it",
    );
  }

  /** All that comes before the chunks, as it came: `core/image/image-head.ts`. */
  async head(imageId: string): Promise<Uint8Array> {
    return this.get(`/gate/v2/images/${encodeURIComponent(imageId)}/head`, headLimit);
  }

  /** The stored bytes of an index entry. */
  async chunk(imageId: string, entryIndex: number): Promise<Uint8Array> {
    return this.get(`/gate/v2/images/${encodeURIComponent(imageId)}/chunks/${entryIndex}`, mib);
  }

  /** What a live cast will be of: `core/image/live-plan.ts`. */
  async livePlan(task: string): Promise<Uint8Array> {
    return this.get(`/gate/v2/casts/${encodeURIComponent(task)}/plan`, livePlanLimit);
  }

  /** As `chunk`, of a live cast; the server may have to wait for it. */
  async liveChunk(task: string, entryIndex: number): Promise<Uint8Array> {
    return this.get(`/gate/v2/casts/${encodeURIComponent(task)}/chunks/${entryIndex}`, mib);
  }

  /** What is this PC's alone; the server makes it anew for each that asks. */
  async personal(task: string): Promise<Personal> {
    const value = parse(await this.get(`/gate/v2/personal/${encodeURIComponent(task)}`, listLimit));
    if (Value.Check(Personal, value)) return value;
    throw new RoomcastError(
      "bad-input",
      "what the server says of this PC's name, address and keys is invalid",
      "update the server, or start the agent that came with it",
    );
  }

  /** A driver's file, as `Personal` names it: in pieces, each of them asked for until it is there. */
  async *driver(task: string, path: string): AsyncGenerator<Uint8Array> {
    const names = path.split("/").map(encodeURIComponent).join("/");
    const where = `/gate/v2/drivers/${encodeURIComponent(task)}/${names}`;
    for (let index = 0; ; index++) {
      const piece = await this.get(`${where}?piece=${index}`, driverPieceBytes);
      yield piece;
      if (piece.length < driverPieceBytes) return;
    }
  }

  private get(path: string, limitBytes: number): Promise<Uint8Array> {
    return whileAway(this.signal, () => this.getOnce(path, limitBytes));
  }

  private async getOnce(path: string, limitBytes: number): Promise<Uint8Array> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(answerLimit)]);
    let answer: HttpAnswer;
    let body: Uint8Array;
    try {
      const headers = { authorization: `Bearer ${this.grant()}` };
      answer = await this.server.fetch(path, { signal, headers });
      body = await readAtMost(answer, answer.ok ? limitBytes : mib);
    } catch (cause) {
      if (cause instanceof RoomcastError) throw cause;
      const next = "check that the server runs and the network is up";
      throw new RoomcastError("unreachable", `the server does not answer GET ${path}`, next, {
        cause,
      });
    }
    if (answer.ok) return body;
    const said = saidIn(body);
    const { status } = answer;
    // An answer in words will be the same the next time, but for one that says to wait, and for that of a
    // server that was started anew: the grant that it knows comes with the order over the next connection.
    const mayPass =
      (said === null && status >= 500) ||
      [401, 429, 503].includes(status) ||
      (status === 403 && said?.code !== "refused");
    const code = mayPass ? "unreachable" : "failed";
    const why = `the server refused GET ${path}: ${said?.message ?? answer.status}`;
    throw new RoomcastError(code, why, "see the server's log");
  }
}

async function readAtMost(answer: HttpAnswer, limitBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of answer.body ?? []) {
    total += part.length;
    if (total > limitBytes) {
      const why = `the server's answer is longer than ${limitBytes} bytes`;
      throw new RoomcastError("bad-input", why, "update the server, or start its own agent");
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Of an error answer `{code, message, next}`. */
function saidIn(body: Uint8Array): { readonly code: unknown; readonly message: string } | null {
  const value = parse(body) as { readonly code?: unknown; readonly message?: unknown } | undefined;
  if (typeof value?.message !== "string") return null;
  return { code: value.code, message: value.message.slice(0, 512) };
}
