/** What the PC's screen shows of the agent. */
import type { Placed } from "../../core/wire/control.ts";
import type { DiskView, ImageView } from "../../core/wire/views.ts";
import type { MenuView, TaskView } from "../menu/view.ts";
import type { Task, TaskEnd, TaskProgress } from "./tasks/task.ts";

type Room = NonNullable<TaskView["room"]>;

export interface ScreenState {
  readonly name: string | null;
  readonly room: string | null;
  readonly place: Placed | null;
  readonly mac: string;
  readonly ip: string | null;
  readonly server: string;
  readonly link: MenuView["server"]["state"];
  readonly detail: string | null;
  readonly isLocked: boolean;
  readonly disks: readonly DiskView[];
  readonly troubles: readonly string[];
  readonly images: readonly ImageView[] | null;
  readonly targets: MenuView["targets"];
  readonly task: TaskView | null;
  readonly hardware: MenuView["hardware"];
  readonly check: MenuView["check"];
  readonly notice: string | null;
}

export function menuView(state: ScreenState): MenuView {
  return {
    pc: { name: state.name, room: state.room, mac: state.mac, ip: state.ip },
    server: { url: state.server, state: state.link, detail: state.detail },
    place: state.place,
    isLocked: state.isLocked,
    disks: state.disks,
    troubles: state.troubles,
    images: state.images,
    targets: state.targets,
    task: state.task,
    hardware: state.hardware,
    check: state.check,
    notice: state.notice,
  };
}

/** `rateBps`: bytes of the present phase a second, lately. */
export function taskView(options: {
  readonly task: Pick<Task, "kind" | "image" | "disk" | "trouble">;
  readonly progress: TaskProgress | null;
  readonly rateBps: number | null;
  readonly room: Room | null;
  readonly end: TaskEnd | null;
}): TaskView {
  const { task, progress, rateBps, room, end } = options;
  const bytesDone = progress?.bytesDone ?? 0;
  const bytesTotal = progress?.bytesTotal ?? null;
  const left = bytesTotal === null ? null : Math.max(0, bytesTotal - bytesDone);
  return {
    kind: task.kind,
    image: task.image,
    disk: task.disk,
    phase: end !== null ? "ended" : (progress?.phase ?? "preparing"),
    bytesDone,
    bytesTotal,
    rateBps,
    secondsLeft: left === null || rateBps === null || rateBps < 1 ? null : left / rateBps,
    counters: end?.counters ?? progress?.counters ?? null,
    trouble: end === null ? task.trouble : null,
    room,
    outcome: end === null ? null : { result: end.outcome, reason: end.reason, next: end.next },
  };
}
