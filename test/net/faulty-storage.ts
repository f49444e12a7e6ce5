/** A proxy at a socket file before a real storage, which does to requests what storages in the field do. */
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * `slow`: each answer comes half a second late. `failing`: one request in ten gets an error of the storage, or none at all.
 * `cutting`: of one body in three, either way, only a half comes through. `busy`: all are told to come later.
 */
export type StorageMode = "sound" | "slow" | "failing" | "cutting" | "bad" | "busy";

const lateMs = 500;

export class FaultyStorage implements AsyncDisposable {
  mode: StorageMode = "sound";
  /** What was done to how many requests. */
  readonly counts = { passed: 0, late: 0, failed: 0, cut: 0, busy: 0 };
  private readonly server: Server;
  private readonly port: number;
  private readonly random: () => number;

  private constructor(port: number, random: () => number) {
    this.port = port;
    this.random = random;
    this.server = createServer((from, answer) => {
      this.pass(from, answer).catch(() => answer.destroy());
    });
  }

  /** `random`: from 0 to below 1. */
  static async open(path: string, port: number, random: () => number): Promise<FaultyStorage> {
    const storage = new FaultyStorage(port, random);
    await once(storage.server.listen(path), "listening");
    return storage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async pass(from: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { mode, counts } = this;
    const does = (one: StorageMode): boolean => mode === one || (mode === "bad" && one !== "busy");
    if (does("busy")) {
      counts.busy++;
      return refuse(from, answer, 503, "SlowDown");
    }
    if (does("failing") && this.random() < 0.1) {
      counts.failed++;
      if (this.random() < 0.5) return refuse(from, answer, 500, "InternalError");
      from.destroy();
      return;
    }
    if (does("slow")) {
      counts.late++;
      await sleep(lateMs * (mode === "bad" ? this.random() : 1));
    }
    const cuts = does("cutting") && this.random() < 1 / 3;
    const { method, url, headers } = from;
    const to = request({ host: "127.0.0.1", port: this.port, method, path: url, headers });
    to.on("error", () => from.destroy());
    from.on("error", () => to.destroy());
    answer.on("close", () => to.destroy());
    const sent = Number(headers["content-length"] ?? 0);
    if (cuts && sent > 0) {
      counts.cut++;
      cutAfter(from, sent / 2, to);
      return;
    }
    const [back] = (await once(from.pipe(to), "response")) as [IncomingMessage];
    back.on("error", () => answer.destroy());
    answer.writeHead(back.statusCode ?? 502, back.headers);
    const comes = Number(back.headers["content-length"] ?? 0);
    if (cuts && comes > 1 && method === "GET") {
      counts.cut++;
      cutAfter(back, comes / 2, answer);
      return;
    }
    counts.passed++;
    back.pipe(answer);
  }
}

/** Hands so many bytes on, and then ends both ways without a word. */
function cutAfter(
  from: IncomingMessage,
  bytes: number,
  to: { write(part: Uint8Array): unknown; destroy(): unknown },
): void {
  let left = bytes;
  from.on("data", (part: Uint8Array) => {
    to.write(part.subarray(0, Math.max(0, left)));
    left -= part.length;
    if (left > 0) return;
    from.destroy();
    to.destroy();
  });
}

function refuse(from: IncomingMessage, answer: ServerResponse, status: number, code: string): void {
  from.resume();
  answer.writeHead(status, { "content-type": "application/xml" });
  answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
}
