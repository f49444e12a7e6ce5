import { randomInt } from "node:crypto";
import type { TaskProgress } from "../../../core/agent/state.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { chooseTarget } from "../../../core/session/target.ts";
import type { WipeOrder } from "../../../core/wire/orders.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import type { End } from "../../../core/wire/work.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { closedUnlessHung, DiskFaults } from "../../../imaging/restore/disk-faults.ts";
import type { DriveCalls } from "../../../imaging/wipe/drive.ts";
import { wipeDisk } from "../../../imaging/wipe/wipe-disk.ts";
import { doneEnd, endOf, stoppedError, type Task, type TaskPorts } from "./task.ts";

export interface WipeTaskPorts extends TaskPorts {
  /** The disk's controller. */
  openDrive(path: string): Promise<DriveCalls & AsyncDisposable>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Empties the disk that is named, or the one that a restore would take, and reads it back. */
export function startWipe(order: WipeOrder, ports: WipeTaskPorts): Task {
  let disk: DiskView | null = null;
  let faults: DiskFaults | null = null;
  let at: Pick<TaskProgress, "phase" | "bytesDone" | "bytesTotal"> | null = null;
  const stop = new AbortController();

  const run = async (): Promise<End> => {
    const choice = chooseTarget(ports.candidates(), order.disk, null, order.rule, order.meant);
    if (choice.kind === "refused") {
      throw new RoomcastError("refused", choice.reason, choice.next);
    }
    const taken = choice.disk;
    disk = taken;
    const open = await openDisk(taken.path, { write: true });
    const { size } = open;
    const diskName = `${taken.path}, ${diskIdentity(taken)}`;
    const guarded = new DiskFaults({ disk: open, diskName, sleep });
    faults = guarded;
    await using _ = closedUnlessHung(open, () => guarded.isHung);
    await using drive = await ports.openDrive(taken.path);
    ports.log(`wiping ${diskIdentity(taken)} (${order.method})`);
    const record = await wipeDisk(order.method, {
      ...{ disk: guarded, size, view: taken, drive, below: randomInt, sleep },
      now: () => performance.now() / 1000,
      begin: (phase, bytesTotal) => {
        at = { phase, bytesDone: 0, bytesTotal };
      },
      step(length) {
        if (at !== null) at = { ...at, bytesDone: at.bytesDone + length };
        if (stop.signal.aborted) throw stoppedError(String(stop.signal.reason));
      },
      progress: (fraction) => {
        at = { phase: "wiping", bytesDone: Math.floor(fraction * size), bytesTotal: size };
      },
    });
    ports.log(`${record.detail}; ${record.readBack.detail}`);
    return { ...doneEnd, wipe: { ...record, disk: taken } };
  };

  return {
    get trouble() {
      return faults?.trouble ?? null;
    },
    get disk() {
      return disk;
    },
    progress: () =>
      at === null ? null : { ...at, counters: null, trouble: faults?.trouble ?? null },
    stop: (reason) => stop.abort(reason),
    ended: run().catch((error: unknown) => endOf(error, null)),
  };
}
