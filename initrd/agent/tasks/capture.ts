import { RoomcastError } from "../../../core/errors.ts";
import type { ServerHttp } from "../../../core/node/pinned.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { chooseSource } from "../../../core/session/target.ts";
import type { CaptureOrder } from "../../../core/wire/orders.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import type { End } from "../../../core/wire/work.ts";
import { captureDisk } from "../../../imaging/capture/capture.ts";
import { httpUplink } from "../../../imaging/capture/uplink.ts";
import { BusyTime, timedReads } from "../../../imaging/disk/busy-time.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { BusyMeter } from "../meter.ts";
import { doneEnd, endOf, stoppedError, type Task, type TaskPorts, type TaskVoice } from "./task.ts";

export interface CapturePorts extends TaskPorts, Pick<TaskVoice, "listen"> {
  readonly server: ServerHttp;
  readonly agentVersion: string;
  /** The PC's own name, as the server has it. */
  readonly pcName: string;
}

/** Reads the disk that is named, or the one that a restore would take, into an image. */
export function startCapture(order: CaptureOrder, ports: CapturePorts): Task {
  let disk: DiskView | null = null;
  let read: { readonly bytesDone: number; readonly bytesTotal: number } | null = null;
  const busyTime = new BusyTime();
  const busy = new BusyMeter();
  let { grant } = order;
  const stop = new AbortController();

  const run = async (): Promise<End> => {
    const { policy, meant } = order;
    const choice = chooseSource(ports.candidates(), order.disk, policy, meant);
    if (choice.kind === "refused") throw new RoomcastError("refused", choice.reason, choice.next);
    ({ disk } = choice);
    await using open = await openDisk(disk.path, { write: false });
    ports.milestone(`capturing ${disk.path} as ${order.name}`);
    const image = await captureDisk({
      disk: timedReads(open, busyTime),
      source: `${ports.pcName}, ${diskIdentity(disk)}, roomcast ${ports.agentVersion}`,
      raw: order.raw,
      uplink: httpUplink({
        ...{ server: ports.server, task: order.session, signal: stop.signal },
        grant: () => grant,
      }),
      signal: stop.signal,
      progress(bytesDone, bytesTotal) {
        read = { bytesDone, bytesTotal };
      },
      log: (text) => ports.log(text),
    });
    ports.milestone(`captured ${image.name}@${image.version}`);
    return doneEnd;
  };

  ports.listen(order, {
    refreshed(newer) {
      if (newer.type === "capture") ({ grant } = newer);
    },
  });
  return {
    trouble: null,
    get disk() {
      return disk;
    },
    progress: () =>
      disk === null
        ? null
        : {
            phase: "capturing",
            bytesDone: read?.bytesDone ?? 0,
            bytesTotal: read?.bytesTotal ?? null,
            counters: null,
            diskBusy: busy.take(busyTime.ms, performance.now()),
          },
    stop: (reason) => stop.abort(stoppedError(reason)),
    ended: run().catch((error: unknown) => endOf(error, null)),
  };
}
