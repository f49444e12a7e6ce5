/** What the PC's screen shows of the agent, made of what its parts know. */
import { type Desk, isLocked, unlocks } from "../../core/agent/desk.ts";
import type { Order } from "../../core/agent/life.ts";
import type { Welcome } from "../../core/agent/link.ts";
import type { TaskProgress } from "../../core/agent/state.ts";
import type { Language } from "../../core/wire/language.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { End } from "../../core/wire/work.ts";
import type { MenuView, TaskView } from "../menu/view.ts";
import type { RoomGauge } from "./gauges.ts";
import type { Link } from "./link/link.ts";
import type { Described } from "./ports.ts";

export interface ScreenState {
  readonly language: Language;
  readonly serverUrl: string;
  readonly link: Pick<Link, "word" | "trouble" | "welcome" | "code">;
  readonly desk: Desk;
  readonly described: Described;
  readonly isHalfWritten: boolean;
  readonly troubles: readonly string[];
  readonly task: TaskView | null;
}

export function menuView(state: ScreenState): MenuView {
  const { desk, described, link, troubles } = state;
  return {
    language: state.language,
    pc: { name: desk.name, room: desk.room, mac: described.mac, ip: described.ip },
    server: { url: state.serverUrl, state: link.word, detail: link.trouble?.detail ?? null },
    level: desk.place?.level ?? link.welcome?.level ?? null,
    code: link.code,
    place: desk.place,
    isLocked: isLocked(desk),
    unlocks: unlocks(desk),
    waiting: desk.waiting,
    disks: described.disks,
    isHalfWritten: state.isHalfWritten,
    troubles: [...versionTroubles(described, link.welcome), ...troubles],
    images: desk.images,
    targets: desk.targets,
    task: state.task,
    hardware: described,
    check: desk.findings,
    notice: desk.notice,
  };
}

function versionTroubles({ agentVersion }: Described, welcome: Welcome | null): string[] {
  if (welcome === null || welcome.serverVersion === agentVersion) return [];
  return [
    `The server is roomcast ${welcome.serverVersion}, this PC runs ${agentVersion}. ` +
      "Make the boot image anew on the server (make initrd), then restart this PC.",
  ];
}

export interface TaskState {
  readonly order: Order;
  readonly disk: DiskView | null;
  readonly trouble: string | null;
  readonly progress: TaskProgress | null;
  /** Bytes of the present phase a second, lately. */
  readonly rateBps: number | null;
  /** As it is measured; null: not known. */
  readonly secondsLeft: number | null;
  readonly room: RoomGauge | null;
  readonly isConnected: boolean;
  /** Once it has ended. */
  readonly end: End | null;
}

/** Without a server nobody knows when the work will be done, nor how the room is doing. */
export function taskView(state: TaskState): TaskView {
  const { order, progress, end, isConnected } = state;
  const phase = end !== null ? "ended" : (progress?.phase ?? "preparing");
  const isCutOff = !isConnected && needsServer(phase);
  return {
    kind: order.type,
    image: imageOf(order),
    disk: state.disk,
    phase,
    bytesDone: progress?.bytesDone ?? 0,
    bytesTotal: progress?.bytesTotal ?? null,
    rateBps: state.rateBps,
    secondsLeft: isCutOff ? null : state.secondsLeft,
    isCutOff,
    counters: end?.counters ?? progress?.counters ?? null,
    trouble: end === null ? state.trouble : null,
    room: isConnected || end !== null ? state.room : null,
    outcome: end === null ? null : { result: end.outcome, reason: end.reason, next: end.next },
  };
}

/** What is done on the PC alone goes on without it. */
function needsServer(phase: TaskView["phase"]): boolean {
  switch (phase) {
    case "preparing":
    case "receiving":
    case "capturing":
    case "sending":
      return true;
    case "scanning":
    case "verifying":
    case "growing":
    case "personalising":
    case "wiping":
    case "ended":
      return false;
  }
}

/** NAME@VERSION, or the name that a capture will get. */
function imageOf(order: Order): string | null {
  switch (order.type) {
    case "restore":
    case "cast":
      return order.image;
    case "capture":
      return order.name;
    case "wipe":
      return null;
  }
}
