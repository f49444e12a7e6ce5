import { RoomcastError } from "../../../core/errors.ts";
import { openDisk } from "../../../core/node/disk.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { type Candidate, chooseTarget } from "../../../core/session/target.ts";
import type { CaptureOrder } from "../../../core/wire/control.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { captureDisk } from "../capture/capture.ts";
import { httpUplink } from "../capture/uplink.ts";
import { endOf, stoppedError, type Task, type TaskEnd } from "./task.ts";

export interface CapturePorts {
  readonly server: URL;
  readonly agentVersion: string;
  candidates(): readonly Candidate[];
  log(text: string): void;
  milestone(text: string): void;
}

/** Reads the disk that is named, or the one that a restore would take, into an image on the server. */
export function startCapture(order: CaptureOrder, ports: CapturePorts): Task {
  let disk: DiskView | null = null;
  let bytesDone = 0;
  let bytesTotal: number | null = null;
  const stop = new AbortController();

  const run = async (): Promise<TaskEnd> => {
    const choice = chooseTarget(ports.candidates(), order.disk, null);
    if (choice.kind === "refused") throw new RoomcastError("refused", choice.reason, choice.next);
    ({ disk } = choice);
    await using open = await openDisk(disk.path, { write: false });
    ports.milestone(`capturing ${diskIdentity(disk)} as ${order.name}`);
    const { name, version } = await captureDisk({
      disk: open,
      source: `${diskIdentity(disk)}, roomcast ${ports.agentVersion}`,
      raw: order.raw,
      uplink: httpUplink({ server: ports.server, task: order.task, signal: stop.signal }),
      signal: stop.signal,
      progress: (done, total) => {
        bytesDone = done;
        bytesTotal = total;
      },
      log: (text) => ports.log(text),
    });
    ports.milestone(`captured ${name}@${version}`);
    return { outcome: "done", reason: null, next: null, rootHash: null, counters: null };
  };

  return {
    id: order.task,
    kind: "capture",
    image: order.name,
    state: "capturing",
    get disk() {
      return disk;
    },
    progress: () =>
      disk === null ? null : { phase: "capturing", bytesDone, bytesTotal, counters: null },
    resume() {},
    noteRoomRate() {},
    stop: (reason) => stop.abort(stoppedError(reason)),
    ended: run().catch((error: unknown) => endOf(error, null)),
  };
}
