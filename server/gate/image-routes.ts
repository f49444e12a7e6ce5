/** Images as agents read them over HTTP (docs/protocol.md, "HTTP for agents"). */
import type { FastifyInstance } from "fastify";
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
  app.get("/gate/v2/images", async () => list());
  app.get<{ Params: { id: string } }>("/gate/v2/images/:id/manifest", async ({ params }, reply) => {
    const manifest = store.list().find(({ id }) => id === params.id);
    if (manifest === undefined) throw noImage(params.id);
    return reply.type("application/json").send(canonicalJson(manifest));
  });
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
