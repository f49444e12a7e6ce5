import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../../core/errors.ts";
import { hexSha256 } from "../../../core/node/hash.ts";
import { freePort } from "../../free-port.ts";
import { type Play, play, refuse, secret, wallClock } from "./played-storage.ts";

const kib = 1024;
const bytes = new Uint8Array(300 * kib).map((_, at) => at % 251);
const isError = (code: string, words?: RegExp) => (error: unknown) => {
  assert(error instanceof RoomcastError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, words ?? /./);
  assert(!`${error.message}${error.next}${error.stack}`.includes(secret));
  return true;
};

/** A storage that keeps what it is given. */
function honest(proves = true): Play {
  const held = new Map<string, Buffer>();
  return ({ method, url, body, headers }, answer) => {
    const found = held.get(url);
    const proof = createHash("sha256").update(body).digest("base64");
    if (method === "PUT") {
      held.set(url, body);
      answer.writeHead(200, proves ? { "x-amz-checksum-sha256": proof } : {}).end();
    } else if (method === "DELETE") {
      answer.writeHead(held.delete(url) ? 204 : 404).end();
    } else if (found === undefined) refuse(answer, 404, "NoSuchKey");
    else {
      const [, first, last] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
      const part = first === undefined ? found : found.subarray(+first, Number(last) + 1);
      const range = { "content-range": `bytes ${first}-${last}/${found.length}` };
      const length = { "content-length": part.length };
      answer.writeHead(first === undefined ? 200 : 206, { ...length, ...(first ? range : {}) });
      answer.end(part);
    }
  };
}

test("an object goes there with the hash of its bytes, signed, and comes back", async () => {
  await using storage = await play(honest());
  const { objects, asked } = storage;
  await objects.put("packs/ab/x.pack", bytes);
  assert.deepEqual(new Uint8Array(await objects.get("packs/ab/x.pack")), bytes);
  const part = await objects.get("packs/ab/x.pack", { offset: 1000, length: 5000 });
  assert.deepEqual(new Uint8Array(part), bytes.subarray(1000, 6000));
  assert.equal(await objects.size("packs/ab/x.pack"), bytes.length);
  await objects.remove("packs/ab/x.pack");
  await objects.remove("packs/ab/x.pack");
  assert.equal(await objects.size("packs/ab/x.pack"), null);
  const [put] = asked;
  assert.equal(put?.headers["content-length"], String(bytes.length));
  assert.equal(put.headers["x-amz-content-sha256"], hexSha256(bytes));
  assert.match(put.headers.authorization ?? "", /Credential=access-key\/20261128\/us-east-1\/s3\//);
  assert.match(put.headers.authorization ?? "", /SignedHeaders=[^,]*x-amz-content-sha256/);
  assert.equal(asked.length, 7, "an answer that proves what the storage has is not asked after");
});

test("what is asked is counted, each try by itself, with the bytes of both ways", async () => {
  const keeps = honest();
  const page =
    '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';
  await using storage = await play((asked, answer, nth, request) => {
    if (nth === 0) return refuse(answer, 503, "SlowDown");
    if (asked.url.includes("list-type")) return answer.writeHead(200).end(page);
    return keeps(asked, answer, nth, request);
  });
  const { objects, asked } = storage;
  const { traffic } = objects;
  await objects.put("packs/x", bytes);
  assert.deepEqual(traffic.requests, { PUT: 2, GET: 0, HEAD: 0, LIST: 0, DELETE: 0 });
  assert.equal(traffic.sentBytes, 2 * bytes.length);
  const before = traffic.receivedBytes;
  await objects.get("packs/x", { offset: 1000, length: 5000 });
  assert.equal(traffic.receivedBytes - before, 5000);
  await objects.size("packs/x");
  for await (const _ of objects.list("")) assert.fail("it lists nothing");
  await objects.remove("packs/x");
  assert.deepEqual(traffic.requests, { PUT: 2, GET: 1, HEAD: 1, LIST: 1, DELETE: 1 });
  assert.equal(asked.length, 6);
  assert.equal(traffic.sentBytes, 2 * bytes.length);
});

test("where the answer proves nothing, the length is asked for", async () => {
  const keeps = honest(false);
  const sizes = [7, null, bytes.length];
  await using storage = await play((asked, answer, nth, request) => {
    if (asked.method !== "HEAD") return keeps(asked, answer, nth, request);
    const size = sizes.shift() ?? null;
    const headers = size === null ? {} : { "content-length": size };
    return answer.writeHead(size === null ? 404 : 200, headers).end();
  });
  await storage.objects.put("packs/x", bytes);
  const methods = storage.asked.map(({ method }) => method);
  assert.deepEqual(methods, ["PUT", "HEAD", "PUT", "HEAD", "PUT", "HEAD"]);
});

test("an answer that proves other bytes makes it be put again", async () => {
  const keeps = honest();
  await using storage = await play((asked, answer, nth, request) =>
    nth > 0
      ? keeps(asked, answer, nth, request)
      : answer.writeHead(200, { "x-amz-checksum-sha256": "AAAA" }).end(),
  );
  await storage.objects.put("packs/x", bytes);
  assert.equal(storage.asked.length, 2);
});

test("one answer in ten that says 503 is noticed by nobody", async () => {
  const keeps = honest();
  await using storage = await play((asked, answer, nth, request) =>
    nth % 10 === 9 ? refuse(answer, 503, "SlowDown") : keeps(asked, answer, nth, request),
  );
  const names = Array.from({ length: 40 }, (_, at) => `packs/${at}`);
  await Promise.all(names.map((name) => storage.objects.put(name, bytes.subarray(0, 3000))));
  const read = await Promise.all(names.map((name) => storage.objects.get(name)));
  for (const each of read) assert.equal(each.length, 3000);
  assert(storage.waits.length >= 8);
});

test("what may pass is tried again: a broken connection, a cut body, a busy storage", async () => {
  const troubles: Play[] = [
    (_, answer) => answer.destroy(),
    (_, answer) => {
      answer.writeHead(200, { "content-length": bytes.length });
      answer.write(bytes.subarray(0, 1000), () => answer.destroy());
    },
    (_, answer) => refuse(answer, 429, "TooManyRequests"),
    (_, answer) => refuse(answer, 400, "RequestTimeout"),
    (_, answer) => answer.writeHead(500).end("no XML"),
  ];
  const keeps = honest();
  await using storage = await play((asked, answer, nth, request) =>
    asked.method === "GET"
      ? (troubles.shift() ?? keeps)(asked, answer, nth, request)
      : keeps(asked, answer, nth, request),
  );
  await storage.objects.put("packs/x", bytes);
  assert.deepEqual(new Uint8Array(await storage.objects.get("packs/x")), bytes);
  assert.deepEqual(troubles, []);
  // Half of the longest wait, which doubles.
  assert.deepEqual(storage.waits, [200, 400, 800, 1600, 3200]);
});

test("a part that is another one, or the whole, is tried again", async () => {
  const range = { offset: 10, length: 20 };
  const keeps = honest();
  const troubles: Play[] = [
    (_, answer) => answer.writeHead(200).end(bytes),
    (_, answer) => answer.writeHead(206).end(bytes.subarray(0, 20)),
    (_, answer) => answer.writeHead(206, { "content-range": "bytes 0-19/99" }).end("x".repeat(20)),
    (_, answer) => answer.writeHead(206, { "content-range": "bytes 10-29/99" }).end("short"),
  ];
  await using storage = await play((asked, answer, nth, request) =>
    (asked.method === "GET" ? (troubles.shift() ?? keeps) : keeps)(asked, answer, nth, request),
  );
  await storage.objects.put("packs/x", bytes);
  assert.deepEqual(
    new Uint8Array(await storage.objects.get("packs/x", range)),
    bytes.subarray(10, 30),
  );
  assert.deepEqual(troubles, []);
});

test("a storage that stays busy is away, in so many tries, and the error says so", async () => {
  await using storage = await play((_, answer) => refuse(answer, 503, "SlowDown"));
  const { endpoint } = storage.config;
  const words = new RegExp(`${endpoint}.*GET packs/x was tried 6 times.*503 SlowDown`);
  await assert.rejects(storage.objects.get("packs/x"), isError("away", words));
  assert.equal(storage.asked.length, 6);
  assert.equal(storage.waits.length, 5);
});

test("a storage that is not there is away", async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  await using storage = await play(() => {}, { config: { endpoint } });
  await assert.rejects(storage.objects.check(), isError("away", /ECONNREFUSED/));
  await assert.rejects(storage.objects.put("packs/x", bytes), isError("away"));
});

describe("what moves is waited for", { concurrency: true }, () => {
  test("an answer that stands still is given up; one that is slow is waited for", async () => {
    const patience = { stallMs: 2000, tries: 2 };
    const pieces = 20;
    const moves: Play = async (_, answer) => {
      answer.writeHead(200, { "content-length": pieces });
      for (let piece = 0; piece < pieces; piece++) {
        await sleep(200);
        answer.write(".");
      }
      answer.end();
    };
    const stands: Play = (_, answer) => {
      answer.writeHead(200, { "content-length": pieces });
      answer.write(".");
    };
    await using slow = await play(moves, { patience });
    await using silent = await play(() => {}, { patience });
    await using standing = await play(stands, { patience });
    const stalled = isError("away", /tried 2 times.*nothing moved for 2 s/);
    await Promise.all([
      slow.objects.get("packs/x").then((read) => assert.equal(read.length, pieces)),
      assert.rejects(silent.objects.get("packs/x"), stalled),
      assert.rejects(standing.objects.get("packs/x"), stalled),
    ]);
    assert.equal(slow.asked.length, 1);
  });

  test("a slow upload is waited for while it moves, and given up when it stands still", async () => {
    const patience = { stallMs: 2000, tries: 1 };
    const large = new Uint8Array(24 * 1024 * kib);
    const reads: Play = async (_, answer, __, request) => {
      let length = 0;
      for await (const piece of request) {
        const before = length;
        length += piece.length;
        // Four seconds in all.
        if (length >> 20 !== before >> 20) await sleep(170);
      }
      const proof = createHash("sha256").update(large).digest("base64");
      answer.writeHead(200, { "x-amz-checksum-sha256": proof }).end();
    };
    await using slow = await play(reads, { patience, reads: true });
    await using standing = await play(() => {}, { patience, reads: true });
    await Promise.all([
      slow.objects.put("packs/x", large),
      assert.rejects(standing.objects.put("packs/x", large), isError("away", /nothing moved/)),
    ]);
  });
});

test("what no second try mends is told at once, in words", async () => {
  const time = (at: number): string => new Date(at).toISOString();
  const skew = `<RequestTime>x</RequestTime><ServerTime>${time(wallClock + 3_600_000)}</ServerTime>`;
  const cases: readonly (readonly [Play, string, RegExp])[] = [
    [
      (_, answer) => refuse(answer, 403, "RequestTimeTooSkewed", skew),
      "away",
      /2026-11-28T12:00:00.000Z on this server, and 2026-11-28T13:00:00.000Z at the storage/,
    ],
    [(_, answer) => refuse(answer, 403, "SignatureDoesNotMatch"), "failed", /refuses these keys/],
    [(_, answer) => refuse(answer, 404, "NoSuchBucket"), "failed", /has no bucket campus/],
    [(_, answer) => refuse(answer, 404, "NoSuchKey"), "not-found", /GET packs\/x/],
    [
      (_, answer) => refuse(answer, 400, "AuthorizationHeaderMalformed", "<Region>eu</Region>"),
      "failed",
      /not in this region/,
    ],
    [
      (_, answer) => refuse(answer, 400, "Odd\u202e", "<Message>why\u0007</Message>"),
      "failed",
      /400 Odd\?: why\?/,
    ],
  ];
  for (const [script, code, words] of cases) {
    await using storage = await play(script);
    await assert.rejects(storage.objects.get("packs/x"), isError(code, words));
    assert.equal(storage.asked.length, 1);
  }
});

test("a clock that is off is told from wrong keys where the answer has no words", async () => {
  await using storage = await play((_, answer) => {
    answer.sendDate = false;
    answer.writeHead(403, { date: new Date(wallClock - 1_000_000).toUTCString() }).end();
  });
  await assert.rejects(storage.objects.size("packs/x"), isError("away", /the clocks differ/));
  await using right = await play((_, answer) => {
    answer.sendDate = false;
    answer.writeHead(403, { date: new Date(wallClock - 1000).toUTCString() }).end();
  });
  await assert.rejects(right.objects.size("packs/x"), isError("failed", /refuses these keys/));
});

test("an object that is shorter than what is asked of it is bad, and not asked for again", async () => {
  await using beyond = await play((_, answer) => refuse(answer, 416, "InvalidRange"));
  await using shorter = await play((_, answer) =>
    answer.writeHead(206, { "content-range": "bytes 10-19/20" }).end("0123456789"),
  );
  for (const { objects, asked } of [beyond, shorter]) {
    const range = { offset: 10, length: 11 };
    await assert.rejects(objects.get("packs/x", range), isError("bad-input", /ends early/));
    assert.equal(asked.length, 1);
  }
});

test("an answer without end is not read to its end", async () => {
  await using storage = await play(
    (_, answer) => {
      const write = (): void => {
        while (!answer.destroyed && answer.write(Buffer.alloc(64 * kib, "x")));
      };
      answer.writeHead(503).on("drain", write);
      write();
    },
    { patience: { tries: 2 } },
  );
  await assert.rejects(storage.objects.remove("packs/x"), isError("away", /more than 65536/));
});

test("a listing goes on from page to page, and not in a circle", async () => {
  const page = (names: readonly string[], next: string | null): string => {
    const contents = names.map(
      (name) => `<Contents><Key>${name}</Key><Size>${name.length}</Size></Contents>`,
    );
    const more = next === null ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`;
    return `<ListBucketResult><IsTruncated>${next !== null}</IsTruncated>${more}${contents.join("")}</ListBucketResult>`;
  };
  const first = page(["packs/a", "packs/b&amp;"], "t/+=&amp;");
  const answers = [first, "no listing", page(["packs/c"], null)];
  await using storage = await play((_, answer) => answer.end(answers.shift()));
  const found = [];
  for await (const { name } of storage.objects.list("packs/")) found.push(name);
  assert.deepEqual(found, ["packs/a", "packs/b&", "packs/c"]);
  const queries = storage.asked.map(({ url }) => new URL(url, "http://x").searchParams);
  assert.deepEqual(
    queries.map((query) => [query.get("prefix"), query.get("continuation-token")]),
    [
      ["packs/", null],
      ["packs/", "t/+=&"],
      ["packs/", "t/+=&"],
    ],
  );
  await using circle = await play((_, answer) => answer.end(first));
  await assert.rejects(
    async () => {
      for await (const _ of circle.objects.list("packs/"));
    },
    isError("away", /circle/),
  );
});

test("who stops it is heard at once: while nothing moves, and while others are at it", async () => {
  await using storage = await play(() => {});
  const stop = new AbortController();
  const asks = Array.from({ length: 20 }, () =>
    storage.objects.get("packs/x", undefined, stop.signal),
  );
  const ends = Promise.allSettled([...asks, storage.objects.put("packs/x", bytes, stop.signal)]);
  while (storage.asked.length < 16) await sleep(10);
  const reason = new RoomcastError("cancelled", "stopped", "none");
  stop.abort(reason);
  for (const end of await ends) assert.deepEqual(end, { status: "rejected", reason });
  assert.equal(storage.asked.length, 16, "more than 16 requests at once");
  await assert.rejects(storage.objects.get("packs/x", undefined, stop.signal), reason);
});

test("who stops it between two tries is heard", async () => {
  const stop = new AbortController();
  await using storage = await play((_, answer) => {
    stop.abort();
    refuse(answer, 503, "SlowDown");
  });
  await assert.rejects(storage.objects.get("packs/x", undefined, stop.signal), {
    name: "AbortError",
  });
  assert.equal(storage.asked.length, 1);
});
