/** Gathers what the lanes of a capture ask and send, so that the server gets few, large requests. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CaptureUplink, StoredChunk } from "./uplink.ts";

/** Milliseconds for which a question waits for others, unless it is full; a lane has other work meanwhile. */
const lingerMs = 10;
const questionHashes = 16;
/** An upload is sent when it has this many bytes. The server takes up to 16 MiB. */
const uploadBytes = 4 * 1024 * 1024;
/** Uploads at once: one is on its way while the server stores another. */
const uploadsAtOnce = 2;

interface Question {
  readonly sha256: Uint8Array;
  readonly answer: PromiseWithResolvers<boolean>;
}

export class Outbox {
  private readonly uplink: CaptureUplink;
  private questions: Question[] = [];
  private chunks: StoredChunk[] = [];
  private bytes = 0;
  private readonly uploads = new Set<Promise<void>>();

  constructor(uplink: CaptureUplink) {
    this.uplink = uplink;
  }

  /** Whether the server has the chunk. Rejects as `uplink.known` does. */
  isKnown(sha256: Uint8Array): Promise<boolean> {
    const answer = Promise.withResolvers<boolean>();
    this.questions.push({ sha256, answer });
    if (this.questions.length === 1) void sleep(lingerMs).then(() => this.ask());
    if (this.questions.length === questionHashes) void this.ask();
    return answer.promise;
  }

  /** Resolves when there is room for another. Rejects as an upload before did. */
  async send(chunk: StoredChunk): Promise<void> {
    this.chunks.push(chunk);
    this.bytes += chunk.stored.length;
    if (this.bytes >= uploadBytes) this.upload();
    while (this.uploads.size >= uploadsAtOnce) await Promise.race(this.uploads);
  }

  /** Resolves when the server has everything. Rejects as an upload did. */
  async emptied(): Promise<void> {
    this.upload();
    await Promise.all(this.uploads);
  }

  private async ask(): Promise<void> {
    const asked = this.questions;
    if (asked.length === 0) return;
    this.questions = [];
    try {
      const known = await this.uplink.known(asked.map(({ sha256 }) => sha256));
      for (const [at, { answer }] of asked.entries()) answer.resolve(known[at] === true);
    } catch (error) {
      for (const { answer } of asked) answer.reject(error);
    }
  }

  private upload(): void {
    if (this.chunks.length === 0) return;
    const upload = this.uplink.chunks(this.chunks);
    this.chunks = [];
    this.bytes = 0;
    this.uploads.add(upload);
    // A failed upload stays, so that the next caller that waits gets its error.
    upload.then(
      () => this.uploads.delete(upload),
      () => {},
    );
  }
}
