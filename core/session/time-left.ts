/**
 * How long a session still takes, as one number that people can plan by. Of each PC it is known what is left to
 * write and to read back, and at which pace it goes; the room takes as long as the PC in the middle. Whoever is served after the
 * others counts only where nobody else is left.
 */
import { chunkBytes, type Millis } from "../units/units.ts";
import type { MemberView, SessionView } from "../wire/views.ts";

/** The pace is a mean over about this long, in milliseconds: a disk's cache and a burst of loss are shorter. */
const paceMs = 10_000;
/** A pace is one only after so long, in milliseconds. */
const knownAfterMs = 3000;
/** The number nears a new estimate by at most this much for each second that passes, beside the second itself. */
const nearsBy = 2;
/** Milliseconds between two looks: between nearer ones nothing has happened. */
const lookEveryMs = 500;

/** What a PC has done of one kind of work, and how fast. */
interface Pace {
  readonly since: Millis;
  at: Millis;
  bytes: number;
  bytesPerMs: number | null;
}

export class TimeLeft {
  /** Null: it is not known. */
  seconds: number | null = null;
  private at: Millis | null = null;
  private countedBefore = "";
  private readonly written = new Map<string, Pace>();
  private readonly verified = new Map<string, Pace>();

  /** Looks at the session; several times a second are as good as one. */
  note(session: SessionView, now: Millis): void {
    if (this.at !== null && now - this.at < lookEveryMs) return;
    const elapsedSeconds = this.at === null ? 0 : (now - this.at) / 1000;
    this.at = now;
    const under = session.members.filter(
      ({ result, bytesWanted }) => result === "pending" && bytesWanted !== null,
    );
    const pcs = new Set(under.map(({ pc }) => pc));
    for (const paces of [this.written, this.verified])
      for (const pc of paces.keys()) if (!pcs.has(pc)) paces.delete(pc);
    const left = under.map((member) => this.secondsOf(member, now));
    const main = under.map(({ lane }) => lane === "main");
    const isAnyMain = main.includes(true);
    const counted = left.filter((_, index) => isAnyMain === main[index]);
    const known = counted.filter((each) => each !== null).sort((one, other) => one - other);
    const estimate = known[known.length >> 1] ?? null;
    const who = `${under.map(({ pc, lane }) => `${pc} ${lane}`).join()}`;
    const isSame = who === this.countedBefore;
    this.countedBefore = who;
    if (estimate === null || this.seconds === null || !isSame) this.seconds = estimate;
    else {
      const expected = Math.max(0, this.seconds - elapsedSeconds);
      const most = nearsBy * elapsedSeconds;
      this.seconds = expected + Math.min(most, Math.max(-most, estimate - expected));
      this.seconds = Math.max(0, this.seconds);
    }
  }

  private secondsOf(member: MemberView, now: Millis): number | null {
    const { pc, bytesWritten, bytesVerified, chunksKept } = member;
    const wanted = member.bytesWanted ?? 0;
    const writing = paceOf(this.written, pc, bytesWritten, now);
    const verifying = paceOf(this.verified, pc, bytesVerified ?? 0, now);
    const toWrite = Math.max(0, wanted - bytesWritten - chunksKept * chunkBytes);
    const toVerify = bytesVerified === null ? 0 : Math.max(0, wanted - bytesVerified);
    const secondsAt = (bytes: number, pace: number | null): number | null => {
      if (bytes === 0) return 0;
      return pace === null || pace * 1000 < 1 ? null : bytes / pace / 1000;
    };
    const write = secondsAt(toWrite, writing);
    // Before it reads back, it is taken to read as fast as it writes.
    const verify = secondsAt(toVerify, toWrite === 0 ? (verifying ?? writing) : writing);
    return write === null || verify === null ? null : write + verify;
  }
}

function paceOf(paces: Map<string, Pace>, pc: string, bytes: number, now: Millis): number | null {
  const pace = paces.get(pc);
  if (pace === undefined || bytes < pace.bytes) {
    paces.set(pc, { since: now, at: now, bytes, bytesPerMs: null });
    return null;
  }
  const elapsed = now - pace.at;
  const rate = (bytes - pace.bytes) / elapsed;
  const weight = Math.min(1, elapsed / Math.min(paceMs, now - pace.since));
  pace.bytesPerMs =
    pace.bytesPerMs === null ? rate : pace.bytesPerMs + (rate - pace.bytesPerMs) * weight;
  pace.at = now;
  pace.bytes = bytes;
  return now - pace.since < knownAfterMs ? null : pace.bytesPerMs;
}
