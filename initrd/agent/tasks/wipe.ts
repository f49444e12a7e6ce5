import { RoomcastError } from "../../../core/errors.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { chooseTarget } from "../../../core/session/target.ts";
import type { End, WipeOrder } from "../../../core/wire/control.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { closedUnlessHung, DiskFaults } from "../../../imaging/restore/disk-faults.ts";
import { doneEnd, endOf, stoppedError, type Task, type TaskPorts } from "./task.ts";

/** What is emptied in one call: some seconds of an old disk, so that progress is seen and a stop obeyed. */
const pieceBytes = 256 * 1024 * 1024;
/** What makes a disk bootable. */
const edgeBytes = 1024 * 1024;

/** Empties the disk that is named, or the one that a restore would take. */
export function startWipe(order: WipeOrder, ports: TaskPorts): Task {
  let disk: DiskView | null = null;
  let bytesDone = 0;
  let faults: DiskFaults | null = null;
  const stop = new AbortController();

  /** False as soon as `empty` says that it cannot. */
  const pass = async (
    size: number,
    empty: (offset: number, length: number) => Promise<boolean>,
  ): Promise<boolean> => {
    for (let offset = 0; offset < size; offset += pieceBytes) {
      if (stop.signal.aborted) throw stoppedError(String(stop.signal.reason));
      const length = Math.min(pieceBytes, size - offset);
      if (!(await empty(offset, length))) return false;
      bytesDone = offset + length;
    }
    return true;
  };

  const run = async (): Promise<End> => {
    const choice = chooseTarget(ports.candidates(), order.disk, null, order.rule);
    if (choice.kind === "refused") {
      throw new RoomcastError("refused", choice.reason, choice.next);
    }
    ({ disk } = choice);
    const open = await openDisk(disk.path, { write: true });
    const guarded = new DiskFaults({
      disk: open,
      diskName: `${disk.path}, ${diskIdentity(disk)}`,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
    faults = guarded;
    await using _ = closedUnlessHung(open, () => guarded.isHung);
    ports.log(`wiping ${diskIdentity(disk)} (${order.method})`);
    const edge = Math.min(edgeBytes, open.size);
    const zeroEdges = async (): Promise<void> => {
      await guarded.zero(0, edge);
      await guarded.zero(open.size - edge, edge);
    };
    // A wipe that is cut off leaves nothing that starts.
    await zeroEdges();
    const discarded =
      order.method === "discard" &&
      (await pass(open.size, (at, length) => guarded.discard(at, length)));
    // What is discarded may read as what it was.
    if (discarded) await zeroEdges();
    else {
      if (order.method === "discard") ports.log(`${disk.path} has no discard: writing zeros`);
      await pass(open.size, async (at, length) => {
        await guarded.zero(at, length);
        return true;
      });
    }
    await guarded.flush();
    return doneEnd;
  };

  return {
    get trouble() {
      return faults?.trouble ?? null;
    },
    get disk() {
      return disk;
    },
    progress: () =>
      disk === null
        ? null
        : {
            phase: "wiping",
            bytesDone,
            bytesTotal: disk.size,
            counters: null,
            trouble: faults?.trouble ?? null,
          },
    stop: (reason) => stop.abort(reason),
    ended: run().catch((error: unknown) => endOf(error, null)),
  };
}
