/** The thread of a test: verifies images whose chunks are nowhere, and all differ; answers how many it looked into. */
import { randomFillSync } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { indexEntryBytes } from "../../../core/image/types.ts";
import { recordHeader } from "../../../server/store/packs.ts";
import { seenBeside } from "../../../server/store/seen-beside.ts";
import { verifyImages } from "../../../server/store/verify.ts";
import { draftOf, mib } from "./write-image.ts";

const { images: imageCount, chunks } = workerData as { images: number; chunks: number };

/** One after the other in the same memory: only what the verification keeps of it counts. */
const index = new Uint8Array(chunks * indexEntryBytes);
function another(): Uint8Array {
  randomFillSync(index);
  const view = new DataView(index.buffer);
  for (let chunk = 0; chunk < chunks; chunk++) {
    const at = chunk * indexEntryBytes;
    view.setUint32(at, chunk, true);
    view.setUint32(at + 4, 1, true);
    view.setUint32(at + 8, 1, true);
  }
  return index;
}

const draft = draftOf(new Uint8Array(), chunks);
const all = Array.from({ length: imageCount }, (_, at) => ({
  ...{ ...draft, diskBytes: chunks * mib, id: `${at}`, name: `image${at}`, version: 1 },
  ...{ capturedAt: "", storedBytes: 0 },
}));
let checked = 0;
await using seen = seenBeside();
await verifyImages(
  all,
  {
    ...{ all, seen, isHere: () => true },
    index: async () => another(),
    readRecord: async (entry) => ({ entry, stored: recordHeader(entry) }),
    async check() {
      checked++;
      return { fault: null, rootHash: "" };
    },
    packOf: () => null,
  },
  { signal: new AbortController().signal, onProgress() {} },
);
parentPort?.postMessage(checked);
