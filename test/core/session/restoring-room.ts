/**
 * A room that restores, by a clock of its own: what its PCs say each second, and how long each really takes. What is read
 * back when is decided by the PC's own queue; a write goes before a read, and both take the disk's time.
 */
import { chunkBytes } from "../../../core/units/units.ts";
import type { MemberView, SessionView } from "../../../core/wire/views.ts";
import { ReadBackQueue } from "../../../imaging/restore/read-back.ts";
import { memberOf, sessionOf } from "../../client/console/fake-lab.ts";

export interface RoomPc {
  readonly chunks: number;
  /** Found right on its disk before it was served. */
  readonly kept?: number;
  /** Bytes a second that the cast brings it, by the second of the room. */
  readonly linkBps: (second: number) => number;
  /** Bytes a second that its disk writes, and reads if it does nothing else. */
  readonly diskBps: number;
  readonly readBps?: number;
  /** The second from which it is there, and that from which it is served. */
  readonly joinsAt?: number;
  readonly servedAt?: number;
  readonly lane?: (second: number) => MemberView["lane"];
  readonly isReadBack?: boolean;
}

export interface Second {
  readonly view: SessionView;
  /** Until the PC in the middle of those that are served is done; null: nobody is. */
  readonly secondsLeft: number | null;
}

/** Makes a disk bootable, and is written last of all. */
const heldChunks = 2;
/** A receiver's memory. */
const mostWaiting = 64;
const ticksPerSecond = 20;

/** Until all are done. */
export function restoringRoom(pcs: readonly RoomPc[]): Second[] {
  const disks = pcs.map((pc) => new Disk(pc));
  const views: SessionView[] = [];
  for (let tick = 0; disks.some(({ doneAt }) => doneAt === null); tick++) {
    const second = tick / ticksPerSecond;
    if (tick % ticksPerSecond === 0)
      views.push(
        sessionOf(
          pcs.flatMap((pc, index) =>
            second < (pc.joinsAt ?? 0) ? [] : [(disks[index] as Disk).view(index + 1, second)],
          ),
        ),
      );
    for (const disk of disks) disk.step(second);
  }
  return views.map((view, second) => ({ view, secondsLeft: trueLeft(view, second, disks) }));
}

function trueLeft(view: SessionView, second: number, disks: readonly Disk[]): number | null {
  const under = view.members.filter(({ result, lane }) => result === "pending" && lane !== null);
  const main = under.filter(({ lane }) => lane === "main");
  const ends = (main.length > 0 ? main : under)
    .map(({ pc }) => ((disks[Number(pc.slice(2)) - 1] as Disk).doneAt as number) - second)
    .sort((one, other) => one - other);
  return ends[ends.length >> 1] ?? null;
}

class Disk {
  doneAt: number | null = null;
  private readonly pc: Required<RoomPc>;
  private readonly queue = new ReadBackQueue();
  private arrived = 0;
  private written = 0;
  private verified: number;
  /** Seconds of the disk's time. */
  private time = 0;

  constructor(pc: RoomPc) {
    const always = { kept: 0, readBps: pc.diskBps, joinsAt: 0, lane: () => "main" as const };
    this.pc = { ...always, servedAt: pc.joinsAt ?? 0, isReadBack: true, ...pc };
    this.verified = this.pc.kept;
  }

  private get toWrite(): number {
    return this.pc.chunks - this.pc.kept - heldChunks;
  }

  private get isWritten(): boolean {
    return this.written >= this.toWrite;
  }

  step(second: number): void {
    const { pc, queue } = this;
    if (this.doneAt !== null || second < pc.servedAt) return;
    const brought = pc.linkBps(Math.floor(second)) / chunkBytes / ticksPerSecond;
    this.arrived = Math.min(this.toWrite, this.written + mostWaiting, this.arrived + brought);
    this.time += 1 / ticksPerSecond;
    while (this.time > 0) {
      if (this.written + 1 <= this.arrived) {
        this.time -= chunkBytes / pc.diskBps;
        queue.add(this.written++);
        continue;
      }
      if (!pc.isReadBack || queue.take(!this.isWritten) === undefined) break;
      this.time -= chunkBytes / pc.readBps;
      queue.done();
      this.verified++;
    }
    this.time = Math.min(0, this.time);
    const isReadBack = !pc.isReadBack || this.verified >= pc.chunks - heldChunks;
    if (this.isWritten && isReadBack) this.doneAt = second + 1 / ticksPerSecond;
  }

  view(number: number, second: number): MemberView {
    const { pc } = this;
    const isDone = this.doneAt !== null;
    const held = isDone ? heldChunks : 0;
    const isServed = second >= pc.servedAt && !isDone;
    return memberOf(number, {
      state: !isServed ? "waiting" : this.isWritten ? "verifying" : "receiving",
      result: isDone ? "verified" : "pending",
      lane: isServed ? pc.lane(second) : null,
      bytesWanted: pc.chunks * chunkBytes,
      bytesReceived: Math.floor(this.arrived) * chunkBytes,
      bytesWritten: (this.written + held) * chunkBytes,
      bytesVerified: pc.isReadBack ? (this.verified + held) * chunkBytes : null,
      chunksKept: pc.kept,
    });
  }
}
