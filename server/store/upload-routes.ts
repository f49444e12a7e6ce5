/** How a writer of an image is filled over HTTP, by agents and by imports alike (docs/protocol.md, "HTTP for agents"). */
import type { FastifyInstance } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import { decodeManifestDraft, manifestLimit } from "../../core/image/manifest.ts";
import { indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import type { ImageStore, ImageWriter } from "./image-store.ts";

const mib = 1024 * 1024;
const knownLimit = 4096 * 32;
const chunksLimit = 16 * mib;
/** 16 TiB of 1 MiB chunks. */
const indexLimit = 16 * mib * indexEntryBytes;
/** Chunks checked at once: each takes a MiB inflated, however few bytes came. */
const laneCount = 4;
const octets = "application/octet-stream";

export interface CaptureRoutesPorts {
  readonly prefix: string;
  /** The writer of the capture under way that `task` names. */
  writerFor(task: string): ImageWriter | undefined;
  onCommitted(task: string, manifest: Manifest): void;
}

/** Registers `PREFIX/TASK/…`. Every request may be sent again. */
export async function captureRoutes(
  app: FastifyInstance,
  { prefix, writerFor, onCommitted }: CaptureRoutesPorts,
): Promise<void> {
  const indexes = new WeakMap<ImageWriter, Uint8Array>();
  const said = new WeakSet<ImageWriter>();
  const writerOf = (task: string): ImageWriter => {
    const writer = writerFor(task);
    if (writer !== undefined) return writer;
    throw new RoomcastError(
      "not-found",
      `no capture ${task} is running`,
      "start the capture again",
    );
  };
  type Task = { Params: { task: string }; Body: unknown };

  await app.register(async (binary) => {
    binary.removeAllContentTypeParsers();
    binary.addContentTypeParser(octets, { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    binary.post<Task>(
      `${prefix}/:task/known`,
      { bodyLimit: knownLimit },
      async ({ params, body }, reply) => {
        const hashes = bytesOf(body);
        if (hashes.length % 32 !== 0) throw badBody("the hashes are not 32 bytes each");
        return reply.type(octets).send(asBuffer(writerOf(params.task).known(hashes)));
      },
    );
    binary.put<Task>(
      `${prefix}/:task/chunks`,
      { bodyLimit: chunksLimit },
      async ({ params, body }, reply) => {
        const writer = writerOf(params.task);
        await inLanes(recordsOf(bytesOf(body)), laneCount, ({ entry, stored }) =>
          writer.put(entry, stored),
        );
        return reply.code(204).send();
      },
    );
    binary.put<Task>(
      `${prefix}/:task/index`,
      { bodyLimit: indexLimit },
      async ({ params, body }, reply) => {
        const index = bytesOf(body);
        if (index.length % indexEntryBytes !== 0) throw badBody("the index is cut off");
        indexes.set(writerOf(params.task), index);
        return reply.code(204).send();
      },
    );
  });

  await app.register(async (json) => {
    json.removeAllContentTypeParsers();
    json.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) =>
      done(null, body),
    );
    json.post<Task>(
      `${prefix}/:task/commit`,
      { bodyLimit: manifestLimit },
      async ({ params, body }) => {
        const writer = writerOf(params.task);
        const draft = decodeManifestDraft(typeof body === "string" ? body : "");
        if (!draft.ok) throw badBody(`the manifest is invalid: ${draft.reason}`);
        const index = indexes.get(writer);
        if (index === undefined) throw badBody("the index has to come before the commit");
        const manifest = await writer.commit(draft.value, index);
        if (!said.has(writer)) onCommitted(params.task, manifest);
        said.add(writer);
        return { imageId: manifest.id, name: manifest.name, version: manifest.version };
      },
    );
  });
}

/** `count` chunks of an image from `first` on, fewer at its end, as `recordsOf` reads them. */
export async function chunkRecords(
  store: ImageStore,
  imageId: string,
  first: number,
  count: number,
): Promise<Buffer> {
  const index = await store.index(imageId);
  const parts: Uint8Array[] = [];
  const end = Math.min(first + count, index.length / indexEntryBytes);
  for (let entryIndex = first; entryIndex < end; entryIndex++) {
    const at = entryIndex * indexEntryBytes;
    parts.push(index.subarray(at, at + indexEntryBytes));
    parts.push(await store.readChunk(imageId, entryIndex));
  }
  return Buffer.concat(parts);
}

export function recordsOf(body: Uint8Array) {
  const records = [];
  for (let at = 0; at < body.length; ) {
    const decoded = decodeEntry(body, at);
    if (!decoded.ok) throw badBody(`a record is invalid: ${decoded.reason}`);
    const entry = decoded.value;
    at += indexEntryBytes;
    const stored = body.subarray(at, at + entry.storedLength);
    if (stored.length < entry.storedLength) throw badBody("the last record is cut off");
    at += entry.storedLength;
    records.push({ entry, stored });
  }
  return records;
}

const bytesOf = (body: unknown): Uint8Array =>
  body instanceof Uint8Array ? body : new Uint8Array();

const asBuffer = (data: Uint8Array): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);

const badBody = (why: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    why,
    "boot the PC again from this server, which gives it the right agent",
  );
