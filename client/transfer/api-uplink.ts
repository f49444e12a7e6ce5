import { RoomcastError } from "../../core/errors.ts";
import { encodeEntry } from "../../core/image/index-codec.ts";
import { whileItWaits } from "../../core/node/while-away.ts";
import { bitAt } from "../../core/units/bits.ts";
import type { CaptureUplink, Committed } from "../../imaging/capture/uplink.ts";
import type { ApiClient } from "../api/client.ts";

export interface ApiUplink extends CaptureUplink, AsyncDisposable {
  /** Rejects with `no-space` when an image of which so many bytes will be read is not expected to fit. */
  requireSpace(usedBytes: number): Promise<void>;
}

/** What is made: a version of a name, or a fitted one of an image. */
export type NewImage =
  | { readonly name: string }
  | { readonly fitOf: string; readonly fitSize: string };

/** Begins an import; what was not committed when it is disposed of, or when this process dies, is gone. */
export async function openUplink(
  client: ApiClient,
  made: NewImage,
  signal: AbortSignal,
): Promise<ApiUplink> {
  const over = new AbortController();
  const [path, body] =
    "name" in made
      ? ["/imports", { name: made.name }]
      : [`/images/${made.fitOf}/fitted`, { size: made.fitSize }];
  const lines = client.lines("POST", path, {
    body,
    signal: AbortSignal.any([signal, over.signal]),
  });
  const first = (await lines.next()).value as { task: string } | undefined;
  if (first === undefined) {
    const next = "see the server's log";
    throw new RoomcastError("unreachable", "the server did not begin the import", next);
  }
  const send = (method: "POST" | "PUT", what: string, body: Uint8Array): Promise<Buffer> =>
    client.bytes(method, `/imports/${first.task}/${what}`, { body, signal });
  return {
    async requireSpace(usedBytes) {
      await client.post(`/imports/${first.task}/space`, { usedBytes });
    },
    async known(hashes) {
      const bitmap = await send("POST", "known", Buffer.concat(hashes));
      return hashes.map((_, index) => bitAt(bitmap, index));
    },
    async chunks(chunks) {
      const parts = chunks.flatMap(({ entry, stored }) => [encodeEntry(entry), stored]);
      await send("PUT", "chunks", Buffer.concat(parts));
    },
    async index(index) {
      await send("PUT", "index", index);
    },
    commit: (draft) =>
      whileItWaits(signal, () => client.post<Committed>(`/imports/${first.task}/commit`, draft)),
    async [Symbol.asyncDispose]() {
      over.abort();
      await lines.return(undefined).catch(() => {});
    },
  };
}
