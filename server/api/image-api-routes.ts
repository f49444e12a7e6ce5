/** The images in the REST API: what there is, verify, delete, import and export. */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply } from "fastify";
import { type Static, Type } from "typebox";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { whenClosed } from "../../core/node/when-closed.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import { FitSize } from "../../core/wire/fit-size.ts";
import { ImageNotes } from "../../core/wire/image-notes.ts";
import { ImageName, StepName } from "../../core/wire/names.ts";
import { ImageView } from "../../core/wire/views.ts";
import type { Lab } from "../lab/lab.ts";
import { usualLevel } from "../lab/optimiser.ts";
import { zstdDiskFile } from "../store/disk-file.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import { captureRoutes, chunkRecords } from "../store/upload-routes.ts";
import { answerInLines } from "./json-lines.ts";
import { operatorOf } from "./ordered-by.ts";
import { requireWord } from "./require-word.ts";
import { ById, closed, NoBody } from "./schemas.ts";

const octets = "application/octet-stream";
/** Chunks in one answer: at most 16 MiB. */
const chunksLimit = 16;
/** A script of 256 KiB, escaped as JSON. */
const stepBytes = 2 * 1024 * 1024;

export const imageApiRoutes =
  ({ lab, images }: { lab: Lab; images: ImageStore }): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/images",
      { schema: { summary: "list images", response: { 200: Type.Array(ImageView) } } },
      async () => lab.images.views(),
    );
    app.get(
      "/images/:id",
      { schema: { summary: "show an image", params: ById, response: { 200: ImageView } } },
      async ({ params }) => lab.images.view(lab.images.find(params.id)),
    );
    app.patch(
      "/images/:id",
      {
        schema: {
          summary: "write notes on an image",
          params: ById,
          body: Type.Object({ notes: ImageNotes }, closed),
          response: { 200: ImageView },
        },
      },
      async ({ params, body }) => lab.images.setNotes(params.id, body.notes),
    );
    app.delete(
      "/images/:id",
      {
        schema: {
          summary: "delete an image",
          params: ById,
          querystring: Type.Object({ overwrite: Type.String() }),
        },
      },
      async ({ params, query }) => {
        requireWord(query.overwrite, imageName(lab.images.find(params.id)));
        return lab.images.delete(params.id);
      },
    );

    const Step = Type.Object({ name: StepName, script: Type.String() }, closed);
    const ByStep = Type.Object({ ...ById.properties, step: StepName });
    app.post(
      "/images/:id/steps",
      {
        ...{ config: { role: "admin" }, bodyLimit: stepBytes },
        schema: {
          summary: "add a script that runs after each restore of an image",
          ...{ params: ById, body: Step, response: { 200: ImageView } },
        },
      },
      async (request) => lab.images.addStep(request.params.id, request.body, operatorOf(request)),
    );
    app.delete(
      "/images/:id/steps/:step",
      {
        config: { role: "admin" },
        schema: {
          summary: "remove such a script",
          ...{ params: ByStep, response: { 200: ImageView } },
        },
      },
      async ({ params }) => lab.images.removeStep(params.id, params.step),
    );

    /** `repair`: what the campus's storage has lost, and is here, is put there again. */
    const Verify = Type.Object({ repair: Type.Optional(Type.Literal("true")) }, closed);
    app.post(
      "/images/:id/verify",
      {
        config: { ordered: false },
        schema: { summary: "verify an image", params: ById, querystring: Verify, body: NoBody },
      },
      async ({ params, query }, reply) => {
        const manifest = lab.images.find(params.id);
        const repair = query.repair === "true";
        return answerInLines(reply, async (signal, onProgress) => ({
          image: imageName(manifest),
          ...(await images.verify(manifest.id, { signal, onProgress, repair })),
        }));
      },
    );
    app.post(
      "/store/verify",
      {
        config: { ordered: false },
        schema: { summary: "verify the whole store", querystring: Verify, body: NoBody },
      },
      ({ query }, reply) =>
        answerInLines(reply, async (signal, onProgress) => ({
          image: null,
          problems: images.problems,
          ...(await images.verify(null, { signal, onProgress, repair: query.repair === "true" })),
        })),
    );

    const Optimise = Type.Object(
      {
        level: Type.Optional(Type.Integer({ minimum: 1, maximum: 19 })),
        threads: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
      },
      closed,
    );
    app.post(
      "/images/:id/optimise",
      {
        schema: {
          summary: "have the chunks of an image packed anew, in the background",
          ...{ params: ById, body: Optimise, response: { 200: ImageView } },
        },
      },
      async ({ params, body }) => {
        const manifest = lab.images.find(params.id);
        const { level = usualLevel, threads = null } = body;
        await lab.optimiser.order(manifest, { level, threads });
        return lab.images.view(manifest);
      },
    );
    app.delete(
      "/images/:id/optimise",
      {
        schema: {
          summary: "stop packing an image anew",
          ...{ params: ById, response: { 200: ImageView } },
        },
      },
      async ({ params }) => {
        const manifest = lab.images.find(params.id);
        await lab.optimiser.stop(manifest);
        return lab.images.view(manifest);
      },
    );

    app.post(
      "/images/:id/fetch",
      {
        schema: {
          summary: "bring an image of another server of the campus here, in the background",
          ...{ params: ById, body: NoBody, response: { 200: ImageView } },
        },
      },
      async ({ params }) => lab.images.fetch(params.id),
    );
    app.delete(
      "/images/:id/fetch",
      {
        schema: {
          summary: "stop bringing an image here",
          ...{ params: ById, response: { 200: ImageView } },
        },
      },
      async ({ params }) => lab.images.stopFetch(params.id),
    );

    // Export: the caller puts the disk together from manifest, index and chunks, and checks each chunk.
    // It takes an operator, because a disk holds secrets.
    app.get(
      "/images/:id/manifest",
      {
        schema: { summary: "show an image's manifest", params: ById },
        config: { role: "operator", audit: false, ordered: false },
      },
      async ({ params }, reply) =>
        reply.type("application/json").send(canonicalJson(lab.images.find(params.id))),
    );
    app.get(
      "/images/:id/index",
      {
        schema: { summary: "export an image", params: ById },
        config: { role: "operator", ordered: false },
      },
      async ({ params }, reply) =>
        reply.type(octets).send(Buffer.from(await images.index(lab.images.find(params.id).id))),
    );
    const Range = Type.Object({
      first: Type.String({ pattern: "^\\d{1,10}$", description: "1 to 10 digits" }),
      count: Type.String({ pattern: "^\\d{1,2}$", description: "1 or 2 digits" }),
    });
    app.get(
      "/images/:id/chunks",
      {
        schema: { summary: "export chunks of an image", params: ById, querystring: Range },
        config: { role: "operator", audit: false, ordered: false },
      },
      async ({ params, query }, reply) => {
        const { id } = lab.images.find(params.id);
        const count = Math.min(chunksLimit, Number(query.count));
        return reply.type(octets).send(await chunkRecords(images, id, Number(query.first), count));
      },
    );

    // For browsers, which cannot put a disk together.
    app.get(
      "/images/:id/disk.zst",
      {
        schema: { summary: "export an image as one file", params: ById },
        config: { role: "operator", ordered: false },
        // To tell the length it would read the whole image.
        exposeHeadRoute: false,
      },
      async ({ params }, reply) => {
        const manifest = lab.images.find(params.id);
        const { bytes, parts } = await zstdDiskFile(images, manifest);
        return reply
          .type("application/zstd")
          .header("content-length", bytes)
          .header("content-disposition", `attachment; filename="${imageName(manifest)}.img.zst"`)
          .send(Readable.from(parts));
      },
    );

    app.post(
      "/images/:id/fit",
      {
        config: { ordered: false },
        schema: {
          summary: "make a version of an image that fits smaller disks",
          params: ById,
          body: Type.Object({ diskBytes: Type.Integer({ minimum: 1 }) }, closed),
        },
      },
      ({ params, body }, reply) =>
        answerInLines(reply, (signal, onProgress) =>
          lab.fitOrders.fitTo(params.id, body.diskBytes, {
            signal,
            progress: (fraction) => onProgress(Math.round(fraction * 1e6), 1e6),
          }),
        ),
    );

    // Import: the caller reads the disk, and sends its chunks like a capture.
    const writers = new Map<string, ImageWriter>();
    const writerOf = (task: string): ImageWriter => {
      const writer = writers.get(task);
      if (writer !== undefined) return writer;
      throw new RoomcastError(
        "not-found",
        `no import ${task} is running`,
        "start the import again",
      );
    };
    const Space = Type.Object({ usedBytes: Type.Integer({ minimum: 0 }) }, closed);
    // As long as this answer goes on, so does the import; a caller that dies leaves nothing.
    const begin = (writer: ImageWriter, reply: FastifyReply): void => {
      const task = `i${randomBytes(4).toString("hex")}`;
      writers.set(task, writer);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/x-ndjson" });
      reply.raw.write(`${JSON.stringify({ task })}\n`);
      whenClosed(reply.raw, () => {
        writers.delete(task);
        writer.abort().catch((error: unknown) => {
          app.log.error({ err: error }, "an import was not tidied up");
        });
      });
    };
    const NewImage = Type.Object({ name: ImageName });
    app.post(
      "/imports",
      { config: { ordered: false }, schema: { summary: "import an image", body: NewImage } },
      ({ body }, reply) => begin(images.beginImage(body.name), reply),
    );
    // A fitted version is made by the caller as well, and comes like an import.
    app.post(
      "/images/:id/fitted",
      {
        config: { ordered: false },
        schema: {
          summary: "import a fitted version of an image",
          params: ById,
          body: Type.Object({ size: FitSize }),
        },
      },
      ({ params, body }, reply) =>
        begin(images.beginFitted(lab.images.find(params.id), body.size), reply),
    );
    app.put(
      "/images/:id/least-disk",
      {
        schema: {
          summary: "say what the smallest disk is that an image can be made to fit",
          params: ById,
          body: Type.Object({ bytes: Type.Integer({ minimum: 1 }) }, closed),
        },
        config: { audit: false, ordered: false },
      },
      async ({ params, body }, reply) => {
        await lab.images.noteLeastDisk(params.id, body.bytes);
        return reply.code(204).send();
      },
    );
    await app.register(async (scope) => {
      // The import is written down once, not part by part.
      scope.addHook("onRoute", (route) => {
        route.config = { ...route.config, audit: false, ordered: false };
      });
      scope.post<{ Params: { task: string }; Body: Static<typeof Space> }>(
        "/imports/:task/space",
        { schema: { summary: "ask whether an import will fit", body: Space } },
        async ({ params, body }, reply) => {
          await writerOf(params.task).requireSpace(body.usedBytes);
          return reply.code(204).send();
        },
      );
      await captureRoutes(scope, {
        prefix: "/imports",
        uploadOf: (task) => {
          const writer = writers.get(task);
          return writer === undefined ? undefined : { writer, chunkCount: null };
        },
        onCommitted: (_task, manifest) => lab.images.imported(manifest),
      });
    });
  };
