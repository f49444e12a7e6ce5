/** Images as agents read them over HTTP (docs/protocol.md, "HTTP for agents"). */
import type { FastifyInstance } from "fastify";
import { encodeHead } from "../../core/image/image-head.ts";
import type { Manifest } from "../../core/image/types.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import type { ImageView } from "../../core/wire/views.ts";
import { noImage } from "../store/faults.ts";
import type { ImageStore } from "../store/image-store.ts";

const octets = "application/octet-stream";

export interface ImageRoutesPorts {
  readonly store: ImageStore;
  list(): ImageView[];
}

/** Registers `GET /gate/v2/images…`. */
export async function imageRoutes(
  app: FastifyInstance,
  { store, list }: ImageRoutesPorts,
): Promise<void> {
  /** A room asks for one image, all its PCs at once. */
  let latest: { of: readonly unknown[]; head: Buffer } | null = null;
  const manifestOf = (id: string): Manifest => {
    const manifest = store.list().find((each) => each.id === id);
    if (manifest === undefined) throw noImage(id);
    return manifest;
  };
  app.get("/gate/v2/images", async () => list());
  app.get<{ Params: { id: string } }>("/gate/v2/images/:id/head", async ({ params }, reply) => {
    const manifest = manifestOf(params.id);
    const [index, forms] = await Promise.all([store.index(params.id), store.forms(params.id)]);
    const of = [manifest, index, forms];
    if (latest === null || of.some((part, at) => part !== latest?.of[at])) {
      const text = Buffer.from(canonicalJson(manifest));
      latest = { of, head: asBuffer(encodeHead({ manifest: text, index, forms })) };
    }
    return reply.type(octets).send(latest.head);
  });
  // What agents of before ask for, one after the other: manifest, index, forms.
  app.get<{ Params: { id: string } }>("/gate/v2/images/:id/manifest", async ({ params }, reply) =>
    reply.type("application/json").send(canonicalJson(manifestOf(params.id))),
  );
  app.get<{ Params: { id: string } }>("/gate/v2/images/:id/index", async ({ params }, reply) =>
    reply.type(octets).send(asBuffer(await store.index(params.id))),
  );
  app.get<{ Params: { id: string } }>("/gate/v2/images/:id/forms", async ({ params }, reply) =>
    reply.type(octets).send(asBuffer(await store.forms(params.id))),
  );
  app.get<{ Params: { id: string; entry: string } }>(
    "/gate/v2/images/:id/chunks/:entry",
    async ({ params }, reply) => {
      const entryIndex = /^\d{1,10}$/.test(params.entry) ? Number(params.entry) : -1;
      const stored = await store.readChunk(params.id, entryIndex);
      return reply.type(octets).send(asBuffer(stored));
    },
  );
}

const asBuffer = (data: Uint8Array): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);
