import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { StatusView } from "../../core/wire/api.ts";
import type { Lab } from "../lab/lab.ts";

/** What was asked of a campus's storage since the start. */
export interface StorageTraffic {
  /** By method; `LIST` is a listing. */
  readonly requests: Readonly<Record<string, number>>;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface MetricsPorts {
  readonly lab: Lab;
  /** Null: the server belongs to no campus. */
  readonly storage: StorageTraffic | null;
  status(): Promise<StatusView>;
}

/** Each with its help; what they say is asked of the lab when they are shown. */
export function labMetrics({ lab, storage, status }: MetricsPorts): Registry {
  const registry = new Registry();
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (gauge: Gauge<L>) => void | Promise<void>,
  ): void => {
    const made: Gauge<L> = new Gauge({
      ...{ name: `roomcast_${name}`, help, labelNames, registers: [registry] },
      collect() {
        made.reset();
        return collect(made);
      },
    });
  };
  collectDefaultMetrics({ register: registry, prefix: "roomcast_" });

  gauge("pcs", "PCs by room and state", ["room", "state"], (made) => {
    for (const pc of lab.inventory.pcs()) {
      made.inc({ room: pc.room, state: lab.presence.stateOf(pc.id) });
    }
  });
  gauge("logins_refused", "logins of PCs that were refused, by fault", ["fault"], (made) => {
    for (const [fault, count] of lab.agents.refusedLogins) made.set({ fault }, count);
  });
  gauge("sessions_running", "sessions running", [], async (made) =>
    made.set((await status()).sessions),
  );
  gauge("store_bytes", "bytes that the stored chunks take", [], async (made) =>
    made.set((await status()).storedBytes),
  );
  gauge("store_free_bytes", "bytes free on the store's disk", [], async (made) =>
    made.set((await status()).freeBytes),
  );
  gauge("images", "images in the store", [], (made) => made.set(lab.images.views().length));

  const running = () => lab.sessions.views().filter(({ endedAt }) => endedAt === null);
  gauge("session_rate_bytes", "bytes a second that a session casts", ["session"], (made) => {
    for (const { id, rateBps } of running()) made.set({ session: id }, rateBps ?? 0);
  });
  gauge("session_sent_bytes", "bytes that a session has cast", ["session", "kind"], (made) => {
    for (const { id, bytesSent, repairBytes } of running()) {
      made.set({ session: id, kind: "first" }, bytesSent - repairBytes);
      made.set({ session: id, kind: "repair" }, repairBytes);
    }
  });
  gauge("session_members", "PCs of a session by result", ["session", "result"], (made) => {
    for (const { id, members } of running()) {
      for (const { result } of members) made.inc({ session: id, result });
    }
  });
  gauge("member_loss_ratio", "packets lost on the way to a PC", ["session", "pc"], (made) => {
    for (const { id, members } of running()) {
      for (const { name, lossRatio } of members) {
        if (lossRatio !== null) made.set({ session: id, pc: name }, lossRatio);
      }
    }
  });
  if (storage !== null) addStorage(registry, storage);
  return registry;
}

function addStorage(registry: Registry, storage: StorageTraffic): void {
  const registers = [registry];
  new Counter({
    ...{ name: "roomcast_s3_requests_total", registers, labelNames: ["method"] },
    help: "requests to the campus's storage since the start, each try by itself",
    collect() {
      this.reset();
      for (const [method, count] of Object.entries(storage.requests)) this.inc({ method }, count);
    },
  });
  new Counter({
    ...{ name: "roomcast_s3_bytes_total", registers, labelNames: ["direction"] },
    help: "bytes that went to the campus's storage, and came from it, since the start",
    collect() {
      this.reset();
      this.inc({ direction: "sent" }, storage.sentBytes);
      this.inc({ direction: "received" }, storage.receivedBytes);
    },
  });
}
