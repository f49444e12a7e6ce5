/** An S3-compatible storage that a test plays, request by request. */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Objects, type S3Patience, usualPatience } from "../../../server/campus/s3.ts";
import type { S3Config } from "../../../server/campus/s3-config.ts";

export interface Played {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers one request; `nth` counts from 0. A body that it reads itself, it leaves unread with `reads: false`. */
export type Play = (
  asked: Played,
  answer: ServerResponse,
  nth: number,
  request: IncomingMessage,
) => unknown;

export interface Storage {
  readonly objects: S3Objects;
  readonly config: S3Config;
  readonly asked: readonly Played[];
  /** What was waited between two tries, in milliseconds; nobody waits in truth. */
  readonly waits: readonly number[];
  [Symbol.asyncDispose](): Promise<void>;
}

export const secret = "the-secret-key-of-this-test";
export const wallClock = Date.UTC(2026, 10, 28, 12);

interface Options {
  readonly patience?: Partial<S3Patience>;
  /** Key and certificate in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly config?: Partial<S3Config>;
  /** The play reads the body. */
  readonly reads?: boolean;
}

export async function play(script: Play, options: Options = {}): Promise<Storage> {
  const asked: Played[] = [];
  const listener = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = request;
    const pieces: Buffer[] = [];
    if (options.reads !== true) for await (const piece of request) pieces.push(piece);
    const played = { method, url, headers, body: Buffer.concat(pieces) };
    await script(played, answer, asked.push(played) - 1, request);
  };
  const { tls } = options;
  // What is cut off by the test is no failure of the server.
  const serve = (request: IncomingMessage, answer: ServerResponse): void =>
    void listener(request, answer).catch(() => answer.destroy());
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), "played-"));
  const accessKeyFile = join(folder, "access");
  const secretKeyFile = join(folder, "secret");
  await writeFile(accessKeyFile, "access-key\n", { mode: 0o600 });
  await writeFile(secretKeyFile, `${secret}\n`, { mode: 0o600 });
  const config: S3Config = {
    endpoint: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    ...{ region: "us-east-1", bucket: "campus", forcePathStyle: true },
    ...{ accessKeyFile, secretKeyFile },
    ...options.config,
  };
  const waits: number[] = [];
  const objects = await S3Objects.open(
    config,
    { ...usualPatience, ...options.patience },
    {
      wallClock: () => wallClock,
      random: () => 0.5,
      wait: async (ms, signal) => {
        waits.push(ms);
        signal?.throwIfAborted();
      },
    },
  );
  const end = async (): Promise<void> => {
    await objects[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  };
  return { objects, config, asked, waits, [Symbol.asyncDispose]: end };
}

/** An error as S3 words it. */
export function refuse(answer: ServerResponse, status: number, code: string, more = ""): void {
  answer.writeHead(status, { "content-type": "application/xml" });
  answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code>${more}</Error>`);
}
