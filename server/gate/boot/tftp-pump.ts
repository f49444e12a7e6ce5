import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { TransferStep } from "../../../core/boot/tftp-transfer.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { closeDescriptor, openEvent } from "../../../core/node/udp-calls.ts";
import type { TftpSource } from "./tftp-content.ts";

export interface TransferOrder {
  readonly id: number;
  /** Where in the counters it says that the client has had something. */
  readonly slot: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly source: TftpSource;
  /** The options of the request, as they came. */
  readonly wanted: ReadonlyMap<string, string>;
  /** What a packet to this client may carry. */
  readonly mostBlockBytes: number;
}

export type ToPump =
  | { readonly type: "start"; readonly order: TransferOrder }
  | { readonly type: "stop"; readonly id: number }
  | { readonly type: "close" };

export type FromPump =
  /** The worker reads its source no more. `end` is null when it was stopped, or failed. */
  | { readonly type: "ended"; readonly id: number; readonly end: TransferStep["end"] }
  /** The client had the OACK, and none of the large blocks. Said once of a transfer. */
  | { readonly type: "losing"; readonly id: number }
  | { readonly type: "error"; readonly text: string };

export interface PumpSetup {
  readonly address: string;
  readonly wakeDescriptor: number;
  /** 0: packets that came from strangers or could not be read; then a slot for each transfer. */
  readonly counters: SharedArrayBuffer;
}

export interface RunningTransfer {
  /** Whether the client has had something of it. */
  readonly isAnswered: boolean;
  /** How it ended; null: stopped, or failed. */
  readonly ended: Promise<TransferStep["end"]>;
  stop(): void;
}

export interface TftpPump extends AsyncDisposable {
  /** Packets to transfers that came from strangers or could not be read. */
  readonly packetsIgnored: number;
  /** Throws `conflict` beyond `limit` at once. `losing`: none of the large blocks reaches the client. */
  start(order: Omit<TransferOrder, "id" | "slot">, losing: () => void): RunningTransfer;
}

/** What an eventfd takes: it is readable from then on. */
const wakeUp = new Uint8Array(new BigUint64Array([1n]).buffer);

/** Starts the thread that the transfers run in. */
export function startTftpPump(options: {
  readonly address: string;
  readonly limit: number;
  onError(error: Error): void;
}): TftpPump {
  const counters = new SharedArrayBuffer(4 * (1 + options.limit));
  const shared = new Int32Array(counters);
  const free = Array.from({ length: options.limit }, (_, index) => index + 1);
  const running = new Map<number, { end(how: TransferStep["end"]): void; losing(): void }>();
  const wakeDescriptor = openEvent();
  const setup: PumpSetup = { address: options.address, wakeDescriptor, counters };
  const worker = new Worker(new URL("./tftp-worker.ts", import.meta.url), {
    workerData: setup,
    // Packets are made and forgotten: a small young generation holds them as well as V8's usual one.
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  });
  let nextId = 0;
  let isOver = false;
  const say = (message: ToPump): void => {
    if (isOver) return;
    worker.postMessage(message);
    writeSync(wakeDescriptor, wakeUp);
  };
  worker.on("message", (message: FromPump) => {
    if (message.type === "error") return options.onError(new Error(`TFTP: ${message.text}`));
    const transfer = running.get(message.id);
    if (message.type === "losing") transfer?.losing();
    else transfer?.end(message.end);
  });
  worker.on("error", options.onError);
  const exited = new Promise<void>((resolve) => {
    worker.on("exit", () => {
      isOver = true;
      for (const transfer of [...running.values()]) transfer.end(null);
      closeDescriptor(wakeDescriptor);
      resolve();
    });
  });
  return {
    get packetsIgnored() {
      return Atomics.load(shared, 0);
    },
    start(order, losing) {
      const slot = isOver ? undefined : free.pop();
      if (slot === undefined)
        throw new RoomcastError("conflict", "too many transfers at once", "try again");
      const id = nextId++;
      shared[slot] = 0;
      const ended = new Promise<TransferStep["end"]>((resolve) => {
        const end = (how: TransferStep["end"]): void => {
          running.delete(id);
          free.push(slot);
          resolve(how);
        };
        running.set(id, { end, losing });
      });
      say({ type: "start", order: { ...order, id, slot } });
      return {
        get isAnswered() {
          return Atomics.load(shared, slot) === 1;
        },
        ended,
        stop: () => void (running.has(id) && say({ type: "stop", id })),
      };
    },
    async [Symbol.asyncDispose]() {
      say({ type: "close" });
      await exited;
    },
  };
}
