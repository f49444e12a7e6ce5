/**
 * How long a session still takes, as one number that people can plan by. The room takes as long as the PC in the middle.
 * Whoever is served after the others counts only where nobody else is left.
 */
import type { Millis } from "../units/units.ts";
import type { MemberView, SessionView } from "../wire/views.ts";
import { WorkLeft } from "./work-left.ts";

export class TimeLeft {
  /**
   * Null: it is not known. Each PC's own number is steady, so this one leaps only where a PC begins or ceases to count, and then
   * by what that makes of the middle.
   */
  seconds: number | null = null;
  /** Of the PCs that count: who waits for the others shows nothing of how long it takes then. */
  private readonly pcs = new Map<string, WorkLeft>();

  /** Looks at the session; several times a second are as good as one. */
  note(session: SessionView, now: Millis): void {
    const under = session.members.filter(
      ({ result, lane }) => result === "pending" && lane !== null,
    );
    const isAnyMain = under.some(isMain);
    const counted = new Map(
      under.flatMap((member) => (isMain(member) === isAnyMain ? [[member.pc, member]] : [])),
    );
    for (const pc of this.pcs.keys()) if (!counted.has(pc)) this.pcs.delete(pc);
    const known = [...counted.values()].flatMap((member) => this.secondsOf(member, now) ?? []);
    known.sort((one, other) => one - other);
    this.seconds = known[known.length >> 1] ?? null;
  }

  private secondsOf(member: MemberView, now: Millis): number | null {
    const { pc, bytesWanted, state } = member;
    if (bytesWanted === null) return null;
    const left = this.pcs.get(pc) ?? new WorkLeft();
    this.pcs.set(pc, left);
    const isWritten = state === "verifying" || state === "personalising";
    left.note({ ...member, bytesWanted, isWritten }, now);
    return left.seconds;
  }
}

const isMain = ({ lane }: MemberView): boolean => lane === "main";
