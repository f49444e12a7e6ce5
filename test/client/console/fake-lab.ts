import type { ConsoleApi, ConsoleEvent } from "../../../client/console/api.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { type RoomView, roomDefaults, type Seat } from "../../../core/wire/rooms.ts";
import type {
  DiskView,
  ImageView,
  MemberView,
  PcView,
  SessionView,
} from "../../../core/wire/views.ts";

export const diskOf = (number: number): DiskView => ({
  path: "/dev/sda",
  size: 500_107_862_016,
  logicalSector: 512,
  model: "Samsung 860 EVO",
  serial: `S3Z9NB0K${String(number).padStart(4, "0")}`,
  wwn: null,
  transport: "sata",
  rotational: false,
  health: "PASSED",
  protection: null,
});

export const pcOf = (number: number, changes: Partial<PcView> = {}): PcView => ({
  id: `id${number}`,
  mac: `52:54:00:00:00:${(number % 256).toString(16).padStart(2, "0")}`,
  macs: [],
  name: `pc${String(number).padStart(2, "0")}`,
  room: "lab-1",
  seat: null,
  state: "idle",
  ip: `10.0.${Math.floor(number / 250)}.${number % 250}`,
  firmware: "uefi",
  secureBoot: false,
  agentVersion: "0.1.0",
  nic: { driver: "e1000e", speedMbps: 1000 },
  disks: [diskOf(number)],
  memoryBytes: 8 * 2 ** 30,
  session: null,
  lastSeen: "2026-11-22T09:15:00Z",
  doubt: null,
  identity: { kind: "tpm", state: "placed", code: null, level: "placed" },
  ...{ address: null, fields: {}, bootTrouble: null },
  ...changes,
});

export const memberOf = (number: number, changes: Partial<MemberView> = {}): MemberView => ({
  pc: `id${number}`,
  name: `pc${String(number).padStart(2, "0")}`,
  state: "receiving",
  result: "pending",
  reason: null,
  lane: "main",
  laneReason: null,
  slowReason: null,
  disk: diskOf(number),
  bytesWanted: 28_000_000_000,
  bytesReceived: 12_000_000_000,
  bytesWritten: 11_200_000_000,
  bytesVerified: null,
  chunksKept: 0,
  chunksWritten: 10_000,
  forgedPackets: 0,
  lossRatio: 0.001,
  writeBps: 98_000_000,
  startedAt: "2026-11-22T09:00:00Z",
  endedAt: null,
  rootHash: null,
  refused: false,
  steps: [],
  boot: null,
  ...changes,
});

export const sessionOf = (
  members: readonly MemberView[],
  changes: Partial<SessionView> = {},
): SessionView => ({
  id: "s1a2b",
  kind: "restore",
  image: "win11-lab@4",
  room: "lab-1",
  sender: null,
  ...{ disk: null, failingDisks: [] },
  state: "casting",
  startedAt: "2026-11-22T09:00:00Z",
  endedAt: null,
  rateBps: 112_000_000,
  bytesSent: 13_000_000_000,
  parityBytes: 100_000_000,
  repairBytes: 200_000_000,
  passes: 1,
  forgedPackets: 0,
  notices: [],
  fit: null,
  secondsLeft: 171,
  members: [...members],
  ...changes,
});

export const imageOf = (version: number, changes: Partial<ImageView> = {}): ImageView => ({
  id: `image${version}`,
  name: "win11-lab",
  ...{ fitOf: null, fitSize: null, leastDiskBytes: null, optimise: null },
  ...{ here: true, server: null, fetch: null },
  version,
  capturedAt: `2026-11-2${version}T14:03:00Z`,
  source: "pc01 /dev/sda",
  diskBytes: 500_107_862_016,
  logicalSector: 512,
  usedBytes: 28_000_000_000,
  storedBytes: 12_000_000_000,
  chunkBytes: 1_048_576,
  chunks: 26_800,
  partitionTable: "gpt",
  partitions: [],
  rootHash: "a".repeat(64),
  warnings: [],
  ...{ steps: [], notes: "" },
  ...changes,
});

/** A server's API without a server: events that the test pushes, calls that it reads. */
export class FakeLab implements ConsoleApi {
  readonly calls: { method: string; path: string; body: unknown; server?: string }[] = [];
  /** Set to have the next call refused. */
  refusal: RoomcastError | undefined;
  /** Calls to these paths are refused. */
  readonly refused = new Map<string, RoomcastError>();
  private readonly queue: ConsoleEvent[] = [];
  private wake: () => void = () => {};

  push(...events: ConsoleEvent[]): void {
    this.queue.push(...events);
    this.wake();
  }

  /** All there is, as after a connection. */
  connect(all: {
    readonly pcs?: readonly PcView[];
    /** Of lab-1. */
    readonly seats?: readonly Seat[];
    readonly images?: readonly ImageView[];
    readonly sessions?: readonly SessionView[];
  }): void {
    const pcs = all.pcs ?? [];
    this.push({ type: "connection", state: "up", detail: "" });
    for (const room of roomsOf(pcs, all.seats ?? [])) this.push({ type: "room", room });
    for (const pc of pcs) this.push({ type: "pc", pc });
    for (const image of all.images ?? []) this.push({ type: "image", image });
    for (const session of all.sessions ?? []) this.push({ type: "session", session });
    this.push({ type: "ready" });
  }

  /** What a check of an image finds. */
  damaged: readonly { reason: string }[] = [];
  /** What `GET` answers, by path; and `POST`, where it is not the usual. */
  readonly answers = new Map<string, unknown>();

  async get<T>(path: string): Promise<T> {
    const answer = this.answers.get(path);
    if (answer === undefined)
      throw new RoomcastError("pc-unreachable", "pc01 is not connected", "");
    return answer as T;
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    const usual = this.call<T>("POST", path, body);
    return (this.answers.get(path) as T | undefined) ?? usual;
  }

  /** Its calls stand among those of this one, with its name. */
  at(server: string): ConsoleApi {
    const elsewhere = Object.create(this) as FakeLab;
    const push = (call: FakeLab["calls"][number]) => this.calls.push({ ...call, server });
    return Object.defineProperty(elsewhere, "calls", { value: { push } });
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return this.call("PATCH", path, body);
  }

  async delete<T>(path: string): Promise<T> {
    return this.call("DELETE", path, undefined);
  }

  async follow<T>(
    path: string,
    { onProgress }: { onProgress(done: number, total: number): void },
  ): Promise<T> {
    onProgress(1, 2);
    return this.call("POST", path, undefined);
  }

  async *events(signal: AbortSignal): AsyncGenerator<ConsoleEvent> {
    signal.addEventListener("abort", () => this.wake());
    while (!signal.aborted) {
      const event = this.queue.shift();
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private call<T>(method: string, path: string, body: unknown): T {
    this.calls.push({ method, path, body });
    const refusal = this.refused.get(path) ?? this.refusal;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
    return { ok: true, damaged: this.damaged } as T;
  }
}

/** A room without PINs. */
export const unlocked = { pin: false, instructorPin: false, shutUntil: null };

function roomsOf(pcs: readonly PcView[], seats: readonly Seat[]): RoomView[] {
  const names = [...new Set(["default", ...pcs.map(({ room }) => room)])];
  return names.map((name) => {
    const own = pcs.filter(({ room }) => room === name);
    const online = own.filter(({ state }) => state !== "offline").length;
    const session = own.find((pc) => pc.session !== null)?.session ?? null;
    const taken = name === "lab-1" ? seats : [];
    return {
      ...{ name, pcs: own.length, online, session },
      settings: name === "default" ? { ...roomDefaults, admit: "on-order" } : roomDefaults,
      ...{ walk: null, ...unlocked },
      seats: taken.map((seat) => ({
        ...seat,
        pc: own.find((pc) => pc.seat === seat.name)?.id ?? null,
      })),
    };
  });
}
