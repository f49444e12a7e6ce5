/** How a writer of an image is filled over HTTP, by agents and by imports alike (docs/protocol.md, "HTTP for agents"). */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { decodeEntry, encodeEntry } from "../../core/image/index-codec.ts";
import { decodeManifestDraft, manifestLimit } from "../../core/image/manifest.ts";
import { indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import { atMost } from "../../core/node/at-most.ts";
import { admitBody, readBody } from "./body.ts";
import type { ImageStore } from "./image-store.ts";
import type { ImageWriter } from "./image-writer.ts";

const mib = 1024 * 1024;
/** Of a disk of 16 TiB, the largest that an image may be of. */
const largestChunkCount = 16 * mib;
/** Milliseconds after which a commit that is not done is answered all the same: agents wait for a minute. */
const usualAnswerMs = 20_000;
/** Chunks checked at once: each takes a MiB inflated, however few bytes came. */
const laneCount = 4;
const octets = "application/octet-stream";

/** An image under way, as uploads name it. */
export interface Upload {
  readonly writer: ImageWriter;
  /** How many chunks it can have at most, as far as is known before its index comes. */
  readonly chunkCount: number | null;
}

/** What the bodies of the requests may have, in bytes. */
export const uploadLimits = {
  /** 4096 SHA-256 hashes. */
  known: 4096 * 32,
  chunks: 16 * mib,
  index: ({ chunkCount }: Pick<Upload, "chunkCount">): number =>
    indexEntryBytes * (chunkCount ?? largestChunkCount),
  commit: manifestLimit,
} as const;

export interface CaptureRoutesPorts {
  readonly prefix: string;
  /** The capture or import under way that `task` names. */
  uploadOf(task: string): Upload | undefined;
  onCommitted(task: string, manifest: Manifest): void;
  /** Milliseconds after which a commit is answered that is not done. */
  readonly commitAnswerMs?: number;
}

/**
 * Registers `PREFIX/TASK/…`. Every request may be sent again. Whether there is such an upload, and whether
 * the body fits, is looked at before a byte of the body is read.
 */
export async function captureRoutes(
  app: FastifyInstance,
  { prefix, uploadOf, onCommitted, commitAnswerMs = usualAnswerMs }: CaptureRoutesPorts,
): Promise<void> {
  const indexes = new WeakMap<ImageWriter, Uint8Array>();
  const said = new WeakSet<ImageWriter>();
  const requireUpload = (task: string): Upload => {
    const upload = uploadOf(task);
    if (upload !== undefined) return upload;
    throw new RoomcastError(
      "not-found",
      `no capture ${task} is running`,
      "start the capture again",
    );
  };
  type Task = { Params: { task: string }; Body: unknown };
  const writerOf = ({ params }: FastifyRequest<Task>): ImageWriter =>
    requireUpload(params.task).writer;
  const admit =
    (limitOf: number | ((upload: Upload) => number)) =>
    async (request: FastifyRequest<Task>, reply: FastifyReply): Promise<void> => {
      const upload = requireUpload(request.params.task);
      const limit = typeof limitOf === "number" ? limitOf : limitOf(upload);
      admitBody(request, reply, upload.writer, limit);
    };
  const { known, chunks, index, commit } = uploadLimits;

  await app.register(async (binary) => {
    binary.removeAllContentTypeParsers();
    binary.addContentTypeParser(octets, { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    binary.post<Task>(
      `${prefix}/:task/known`,
      { bodyLimit: known, onRequest: admit(known) },
      async (request, reply) => {
        const hashes = bytesOf(request.body);
        if (hashes.length % 32 !== 0) throw badBody("the hashes are not 32 bytes each");
        return reply.type(octets).send(asBuffer(writerOf(request).known(hashes)));
      },
    );
    binary.put<Task>(
      `${prefix}/:task/chunks`,
      { bodyLimit: chunks, onRequest: admit(chunks) },
      async (request, reply) => {
        const writer = writerOf(request);
        const records = recordsOf(bytesOf(request.body));
        await inLanes(records, laneCount, ({ entry, stored }) => writer.put(entry, stored));
        return reply.code(204).send();
      },
    );
  });

  await app.register(async (streamed) => {
    streamed.removeAllContentTypeParsers();
    streamed.addContentTypeParser(octets, ({ params }: FastifyRequest, payload: IncomingMessage) =>
      readBody(payload, index(requireUpload((params as Task["Params"]).task))),
    );
    streamed.put<Task>(
      `${prefix}/:task/index`,
      { onRequest: admit(index) },
      async (request, reply) => {
        const body = bytesOf(request.body);
        if (body.length % indexEntryBytes !== 0) throw badBody("the index is cut off");
        indexes.set(writerOf(request), body);
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
      { bodyLimit: commit, onRequest: admit(commit) },
      async (request) => {
        const writer = writerOf(request);
        const { body } = request;
        const draft = decodeManifestDraft(typeof body === "string" ? body : "");
        if (!draft.ok) throw badBody(`the manifest is invalid: ${draft.reason}`);
        const stored = indexes.get(writer);
        if (stored === undefined) throw badBody("the index has to come before the commit");
        const manifest = await within(commitAnswerMs, writer.commit(draft.value, stored));
        if (!said.has(writer)) onCommitted(request.params.task, manifest);
        said.add(writer);
        return { imageId: manifest.id, name: manifest.name, version: manifest.version };
      },
    );
  });
}

/** `count` chunks of an image from `first` on in their forms of now, fewer at its end, as `recordsOf` reads them. */
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
    const { entry, stored } = await store.storedChunk(imageId, entryIndex);
    parts.push(encodeEntry(entry), stored);
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

/** As the commit, or `away` while it goes on: whoever asks again is answered what became of it. */
async function within(ms: number, commit: Promise<Manifest>): Promise<Manifest> {
  const manifest = await atMost(ms, commit);
  if (manifest !== null) return manifest;
  const what =
    "the server is still writing the image down, or waits for what `roomcast status` names";
  throw new RoomcastError("away", what, "ask for the commit again");
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
