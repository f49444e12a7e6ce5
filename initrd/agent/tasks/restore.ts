import type { RestoreOrder } from "../../../core/wire/orders.ts";
import type { Counters, End } from "../../../core/wire/work.ts";
import { Reception, type ReceptionPorts } from "./reception.ts";
import { RestoreDisk, type RestoreDiskPorts } from "./restore-disk.ts";
import { endOf, stoppedError, type Task } from "./task.ts";

export interface RestorePorts extends ReceptionPorts, RestoreDiskPorts {}

/** One PC's part in a session: what is received goes to its disk. */
export function startRestore(order: RestoreOrder, ports: RestorePorts): Task {
  const { session, attempt } = order;
  const abort = new AbortController();
  const reception = new Reception(order, ports, abort.signal);
  const target = new RestoreDisk(order, ports, abort.signal);
  let isReceiving = false;
  let { personal } = order;
  const ownFiles = ports.files(abort.signal, () => personal ?? "");
  /** The root hash of what was read back; what is done to the disk later does not change it. */
  let verified: string | null = null;
  const counters = (): Counters | null => target.counters(reception.heard);

  const sayReady = (): void => {
    const { disk } = target;
    const counted = counters();
    if (disk === null || counted === null) return;
    reception.sayWants();
    ports.send({ type: "ready", session, attempt, disk, counters: counted });
  };

  const run = async (): Promise<End> => {
    const image = await reception.image();
    const rootHash = await target.write(image, {
      fetch: (entryIndex) => reception.fetch(entryIndex),
      connect: (restore) => reception.connect(restore, image),
      begin(restore) {
        isReceiving = true;
        sayReady();
        return reception.begin(restore, image);
      },
    });
    isReceiving = false;
    verified = rootHash;
    await target.fit(image);
    if (personal !== null)
      await target.personalise({
        personal: () => ownFiles.personal(session),
        driver: (path) => ownFiles.driver(session, path),
      });
    const { steps } = target;
    return { outcome: "verified", reason: null, next: null, rootHash, counters: counters(), steps };
  };

  ports.listen(order, {
    bulk: (frame) => reception.take(frame),
    sent: (run) => reception.sent(run),
    refreshed(newer) {
      if (newer.type !== "restore") return;
      reception.refreshed(newer);
      if (personal !== null) personal = newer.personal ?? personal;
    },
    reconnected() {
      if (!isReceiving || abort.signal.aborted) return;
      sayReady();
      reception.refresh();
    },
  });
  return {
    get disk() {
      return target.disk;
    },
    get trouble() {
      return target.trouble ?? reception.trouble;
    },
    progress: () => target.progress(reception.heard),
    stop(reason) {
      if (abort.signal.aborted) return;
      abort.abort(stoppedError(reason));
      target.stop(stoppedError(reason));
    },
    ended: run().catch((error: unknown) => ({
      ...endOf(error, counters()),
      rootHash: verified,
      steps: target.steps,
    })),
  };
}
