/** Uploads of chunks: what they may cost the server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeEntry } from "../../../core/image/index-codec.ts";
import { codec } from "../../../core/image/types.ts";
import { sha256 } from "../../../core/node/hash.ts";
import { openTransfers, type Transfers } from "../../client/transfer/open-transfers.ts";

let at: Transfers;
before(async () => {
  at = await openTransfers();
});
after(() => at.close());

test("600 chunks of a few bytes each do not take 600 MiB", async () => {
  const over = new AbortController();
  const { signal } = over;
  const lines = at.client.lines("POST", "/imports", { body: { name: "tiny" }, signal });
  const { task } = (await lines.next()).value as { task: string };
  const parts: Uint8Array[] = [];
  for (let chunkIndex = 0; chunkIndex < 600; chunkIndex++) {
    const raw = Buffer.alloc(1 << 20, `chunk ${chunkIndex} `);
    const stored = zstdCompressSync(raw);
    const checks = { storedLength: stored.length, crc32c: crc32c(stored), sha256: sha256(raw) };
    parts.push(encodeEntry({ chunkIndex, codec: codec.zstd, ...checks }), stored);
  }
  try {
    const before = process.resourceUsage().maxRSS;
    await at.client.bytes("PUT", `/imports/${task}/chunks`, { body: Buffer.concat(parts), signal });
    // In kilobytes.
    const grown = process.resourceUsage().maxRSS - before;
    assert.ok(grown < 300_000, `${grown} kB`);
  } finally {
    over.abort();
    await lines.return(undefined).catch(() => {});
  }
});
