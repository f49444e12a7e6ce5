/** Objects in an S3-compatible storage: five kinds of request, each tried again where that can help. */
import { createHash, webcrypto } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsV4Signer } from "aws4fetch";
import { Agent } from "undici";
import { assert } from "../../core/errors.ts";
import { Turns } from "../../core/node/turns.ts";
import type { ByteRange, ObjectStore } from "./ports.ts";
import { readS3Keys, type S3Config, type S3Keys, type S3Place, s3PlaceOf } from "./s3-config.ts";
import { exchange, type S3Answer, type S3Request, TryAgain } from "./s3-exchange.ts";
import { endsEarly, faultOf, type S3Asked, storageAway } from "./s3-faults.ts";
import { type RequestKind, S3Traffic } from "./s3-traffic.ts";
import { readListPage, xmlLimitBytes } from "./s3-xml.ts";

/** How long the storage is waited for. In milliseconds, but for `tries`. */
export interface S3Patience {
  readonly connectMs: number;
  /** Nothing was sent and nothing came. */
  readonly stallMs: number;
  readonly tries: number;
  /** The longest wait after the first try; it doubles with each try. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

/** A storage that is started again is back meanwhile, and one that is away is told of within some minutes at worst. */
export const usualPatience: S3Patience = {
  connectMs: 5000,
  stallMs: 30_000,
  tries: 6,
  firstWaitMs: 400,
  longestWaitMs: 10_000,
};

/** Time and chance. */
export interface S3Surroundings {
  /** Milliseconds since 1970, by this host's clock. */
  wallClock(): number;
  /** At least 0, below 1. */
  random(): number;
  /** Rejects with the signal's reason. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Those of the host. */
export const hostSurroundings: S3Surroundings = {
  wallClock: () => Date.now(),
  random: () => Math.random(),
  wait: async (ms, signal) => {
    await sleep(ms, undefined, { signal }).catch(() => signal?.throwIfAborted());
  },
};

/** Requests that run at once: more do not make a storage faster, and each holds its body in memory. */
const requestsAtOnce = 16;
/** The index of a disk of 16 TiB has 768 MiB. */
const objectLimitBytes = 1024 * 1024 * 1024;
/** An error's text. */
const errorLimitBytes = 64 * 1024;
/** Of nothing. */
const emptyHash = createHash("sha256").digest();

type Ask = Omit<S3Request, "headers" | "url"> & {
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** SHA-256 of the body. */
  readonly hash?: Buffer;
  readonly signal?: AbortSignal | undefined;
};

/** A bucket. Loaded only where a campus is configured. */
export class S3Objects implements ObjectStore {
  /** Everybody on the way can read and change what goes there: whoever opens it warns of that. */
  readonly goesInClear: boolean;
  readonly traffic = new S3Traffic();
  private readonly place: S3Place;
  private readonly config: S3Config;
  private readonly keys: S3Keys;
  private readonly agent: Agent;
  private readonly patience: S3Patience;
  private readonly surroundings: S3Surroundings;
  private readonly turns = new Turns(requestsAtOnce);
  /** The keys of the day, as aws4fetch derives them. */
  private readonly signingKeys = new Map<string, ArrayBuffer>();

  private constructor(
    config: S3Config,
    keys: S3Keys,
    patience: S3Patience,
    surroundings: S3Surroundings,
  ) {
    this.place = s3PlaceOf(config);
    this.goesInClear = this.place.goesInClear;
    this.config = config;
    this.keys = keys;
    this.patience = patience;
    this.surroundings = surroundings;
    const { ca } = keys;
    const { connectMs } = patience;
    this.agent = new Agent({ connect: { timeout: connectMs, ...(ca === null ? {} : { ca }) } });
  }

  /** Asks nothing yet: see `check`. Throws `bad-input` and `refused` for what is wrong in the configuration. */
  static async open(
    config: S3Config,
    patience = usualPatience,
    surroundings = hostSurroundings,
  ): Promise<S3Objects> {
    return new S3Objects(config, await readS3Keys(config), patience, surroundings);
  }

  /** Rejects when there is no such bucket, when the keys are refused, and with `away`. */
  async check(): Promise<void> {
    await this.page("", { "max-keys": "1" });
  }

  async put(name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    // In a thread of Node's own: 64 MiB take some 100 ms.
    const hash = Buffer.from(
      await webcrypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>),
    );
    const headers = {
      "content-length": String(bytes.length),
      "content-type": "application/octet-stream",
      // A storage that knows it answers it: it has these bytes.
      "x-amz-checksum-sha256": hash.toString("base64"),
    };
    const common = { name, signal, limitBytes: errorLimitBytes };
    await this.ask(
      { ...common, method: "PUT", body: bytes, headers, hash },
      async (answer, fault) => {
        if (answer.status !== 200) throw fault();
        const proof = answer.header("x-amz-checksum-sha256");
        if (proof === headers["x-amz-checksum-sha256"]) return;
        if (proof !== null) throw new TryAgain("the storage has got other bytes");
        const found = await this.size(name, signal);
        if (found !== bytes.length) {
          throw new TryAgain(`the storage has ${found ?? "none"} of ${bytes.length} bytes`);
        }
      },
    );
  }

  async get(name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    const common = { method: "GET", name, signal, body: null } as const;
    if (range === undefined) {
      const limitBytes = objectLimitBytes;
      return this.ask({ ...common, limitBytes }, ({ status, body }, fault) => {
        if (status !== 200) throw fault();
        return body;
      });
    }
    const { offset, length } = range;
    assert(length > 0 && offset >= 0, "a range has bytes");
    const headers = { range: `bytes=${offset}-${offset + length - 1}` };
    const limitBytes = Math.max(length, errorLimitBytes);
    return this.ask({ ...common, limitBytes, headers }, ({ status, body, header }, fault) => {
      const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(header("content-range") ?? "") ?? [];
      const isRange = status === 206 && Number(first) === offset;
      if (status === 416 || (isRange && Number(last) < offset + length - 1)) {
        throw endsEarly(name, this.place.url.origin);
      }
      if (status === 200) throw new TryAgain("the whole object instead of a part");
      if (status !== 206) throw fault();
      if (!isRange || body.length !== length)
        throw new TryAgain("another range than was asked for");
      return body;
    });
  }

  async size(name: string, signal?: AbortSignal): Promise<number | null> {
    const ask: Ask = { method: "HEAD", name, signal, body: null, limitBytes: errorLimitBytes };
    return this.ask(ask, ({ status, header }, fault) => {
      if (status === 404) return null;
      const length = header("content-length") ?? "";
      if (status !== 200) throw fault();
      if (!/^\d{1,15}$/.test(length)) throw new TryAgain("an answer without the object's length");
      return Number(length);
    });
  }

  async remove(name: string): Promise<void> {
    const ask: Ask = { method: "DELETE", name, body: null, limitBytes: errorLimitBytes };
    await this.ask(ask, ({ status }, fault) => {
      if (status === 204 || status === 200) return;
      const found = fault();
      if (!("code" in found) || found.code !== "not-found") throw found;
    });
  }

  async *list(prefix: string): AsyncGenerator<{ readonly name: string; readonly bytes: number }> {
    let more: Readonly<Record<string, string>> = {};
    for (;;) {
      const { objects, next } = await this.page(prefix, more);
      yield* objects;
      if (next === null) return;
      more = { "continuation-token": next };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.destroy();
  }

  private page(prefix: string, more: Readonly<Record<string, string>>) {
    const query = { "list-type": "2", prefix, ...more };
    const ask: Ask = { method: "GET", name: "", query, body: null, limitBytes: xmlLimitBytes };
    return this.ask(ask, ({ status, body }, fault) => {
      if (status !== 200) throw fault();
      const page = readListPage(body);
      if (page.ok && page.value.next === more["continuation-token"] && page.value.next !== null) {
        throw new TryAgain("a listing that goes in a circle");
      }
      if (!page.ok) throw new TryAgain(`an answer that is no listing: ${page.reason}`);
      return page.value;
    });
  }

  /** `read` takes what it needs from the answer, and throws `TryAgain`, or what `fault` makes of it. */
  private async ask<T>(
    ask: Ask,
    read: (answer: S3Answer, fault: () => ReturnType<typeof faultOf>) => T | Promise<T>,
  ): Promise<T> {
    const { tries, firstWaitMs, longestWaitMs } = this.patience;
    const { signal } = ask;
    for (let tried = 1; ; tried++) {
      signal?.throwIfAborted();
      const askedAt = this.surroundings.wallClock();
      const { origin: storage } = this.place.url;
      const { bucket } = this.config;
      const request = `${ask.method} ${ask.name === "" ? "a listing" : ask.name}`;
      const asked: S3Asked = { storage, bucket, request, askedAt };
      try {
        const answer = await this.once(ask, askedAt);
        return await read(answer, () => faultOf(answer, asked));
      } catch (error) {
        if (!(error instanceof TryAgain)) throw error;
        if (tried >= tries) throw storageAway(asked, tried, error);
      }
      // From 0 on: servers of a campus that failed together must not come back together.
      const most = Math.min(longestWaitMs, firstWaitMs * 2 ** (tried - 1));
      await this.surroundings.wait(this.surroundings.random() * most, signal);
    }
  }

  private async once(ask: Ask, askedAt: number): Promise<S3Answer> {
    const { signal, ...rest } = ask;
    const url = this.urlOf(ask);
    const headers = await this.signed(ask, url, askedAt);
    return untilAborted(signal, () =>
      this.turns.take(async () => {
        signal?.throwIfAborted();
        const { traffic } = this;
        const { stallMs } = this.patience;
        traffic.requests[kindOf(ask)]++;
        return exchange(this.agent, { ...rest, url, headers }, { stallMs, traffic }, signal);
      }),
    );
  }

  private urlOf({ name, query }: Ask): URL {
    assert(/^[A-Za-z0-9._/-]*$/.test(name), "a name that needs no escapes in an address");
    const url = new URL(name, this.place.url);
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value);
    return url;
  }

  private async signed(ask: Ask, url: URL, askedAt: number): Promise<Record<string, string>> {
    const { accessKeyId, secretAccessKey } = this.keys;
    const hash = (ask.hash ?? emptyHash).toString("hex");
    const signer = new AwsV4Signer({
      method: ask.method,
      url: url.href,
      headers: { ...ask.headers, "x-amz-content-sha256": hash },
      ...{ accessKeyId, secretAccessKey, service: "s3", region: this.config.region },
      cache: this.signingKeys,
      datetime: new Date(askedAt).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    });
    const { headers } = await signer.sign();
    return Object.fromEntries(headers);
  }
}

/** Only a listing has no name. */
const kindOf = ({ method, name }: Pick<Ask, "method" | "name">): RequestKind =>
  name === "" ? "LIST" : method;

/** Answers or rejects as `work` does; with the signal's reason at once, even while `work` waits for its turn. */
async function untilAborted<T>(
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work();
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work(), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
