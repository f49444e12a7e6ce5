/** What a server has asked of the storage and takes of its host, as its own metrics say. */
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";

export const methods = ["PUT", "GET", "HEAD", "LIST", "DELETE"] as const;

export interface Traffic {
  readonly requests: Readonly<Record<(typeof methods)[number], number>>;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface Metrics extends Traffic {
  /** Resident memory of the server's process. */
  readonly memoryBytes: number;
}

/** `GET /metrics` at a server's socket. */
export async function metricsOf(socketPath: string): Promise<Metrics> {
  const asked = request({ socketPath, path: "/metrics" }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  const valueIn = (name: string): number => {
    const line = text.split("\n").find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  };
  const requests = methods.map((method) => [
    method,
    valueIn(`roomcast_s3_requests_total{method="${method}"}`),
  ]);
  return {
    requests: Object.fromEntries(requests) as Traffic["requests"],
    sentBytes: valueIn('roomcast_s3_bytes_total{direction="sent"}'),
    receivedBytes: valueIn('roomcast_s3_bytes_total{direction="received"}'),
    memoryBytes: valueIn("roomcast_process_resident_memory_bytes"),
  };
}

/** From one look to a later one. */
export function between(before: Traffic, after: Traffic): Traffic {
  const requests = methods.map((method) => [
    method,
    after.requests[method] - before.requests[method],
  ]);
  return {
    requests: Object.fromEntries(requests) as Traffic["requests"],
    sentBytes: after.sentBytes - before.sentBytes,
    receivedBytes: after.receivedBytes - before.receivedBytes,
  };
}

/** The most that a server's process took, looked at four times a second until it is disposed of. */
export class MemoryPeak implements AsyncDisposable {
  bytes = 0;
  private isOver = false;
  private readonly looking: Promise<void>;

  constructor(socketPath: string) {
    this.looking = this.look(socketPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOver = true;
    await this.looking;
  }

  private async look(socketPath: string): Promise<void> {
    while (!this.isOver) {
      this.bytes = Math.max(this.bytes, (await metricsOf(socketPath)).memoryBytes);
      await new Promise((done) => setTimeout(done, 250));
    }
  }
}

/** What the files below a folder take of the disk. */
export async function diskBytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).blocks * 512;
  }
  return bytes;
}
