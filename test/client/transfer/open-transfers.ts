/** A server without a network, imports and exports by its API. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ApiClient } from "../../../client/api/client.ts";
import { exportImage } from "../../../client/transfer/export.ts";
import { importImage } from "../../../client/transfer/import.ts";
import { decodeIndex } from "../../../core/image/index-codec.ts";
import { toHex } from "../../../core/image/merkle.ts";
import type { ImageView } from "../../../core/wire/views.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openApi } from "../../server/api/open-api.ts";

export interface Transfers {
  readonly client: ApiClient;
  readonly images: ImageStore;
  /** The data folder, for the command line. */
  readonly folder: string;
  import(
    path: string,
    name: string,
    raw?: boolean,
    without?: readonly number[],
    diskSize?: number | null,
  ): Promise<ImageView>;
  /** Answers what it logged. */
  export(image: string, path: string, word?: string, client?: ApiClient): Promise<string[]>;
  /** A client whose answers `harm` may change. */
  harming(harm: (path: string, body: Buffer) => void): ApiClient;
  /** Both images keep the same chunks with the same content. */
  requireSame(one: ImageView, other: ImageView, what: string): Promise<void>;
  close(): Promise<void>;
}

export async function openTransfers(): Promise<Transfers> {
  const api = await openApi("local");
  const socketPath = join(api.folder, "roomcast.sock");
  await api.app.listen({ path: socketPath });
  // The tests' tools hold up this thread for seconds: an idle connection is not ended just when it is used again.
  api.app.server.keepAliveTimeout = 0;
  const client = new ApiClient({ socketPath });
  const { signal } = new AbortController();
  const quiet = { client, signal, progress() {}, log() {} };
  const contentOf = async ({ id, diskBytes }: ImageView): Promise<string[]> => {
    const decoded = decodeIndex(await api.images.index(id), diskBytes);
    assert(decoded.ok);
    return decoded.value.map(({ chunkIndex, sha256 }) => `${chunkIndex} ${toHex(sha256)}`);
  };
  return {
    client,
    images: api.images,
    folder: api.folder,
    async import(path, name, raw = false, without = [], diskSize = null) {
      const options = { ...quiet, path, name, raw, disk: null, without, diskSize };
      const { imageId } = await importImage(options);
      return client.get<ImageView>(`/images/${imageId}`);
    },
    async export(image, path, word = "", other = client) {
      const said: string[] = [];
      await exportImage({
        ...quiet,
        client: other,
        log: (text) => said.push(text),
        image,
        path,
        async confirm(_what, needed) {
          assert.equal(word, needed);
        },
      });
      return said;
    },
    harming(harm) {
      const other = new ApiClient({ socketPath });
      const { bytes } = other;
      other.bytes = async (method, path, options) => {
        const body = Buffer.from(await bytes.call(other, method, path, options));
        harm(path, body);
        return body;
      };
      return other;
    },
    async requireSame(one, other, what) {
      assert.deepEqual(await contentOf(one), await contentOf(other), what);
      assert.equal(one.rootHash, other.rootHash, what);
    },
    close: () => api.close(),
  };
}
