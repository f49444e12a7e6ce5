/**
 * The pace of a cast alone, on a wire that drops: what is sent is counted and not written, so that thousands
 * of seeds take a minute. The control, the stretches and their samples are those of the product.
 */
import { type Member, newMember } from "../../core/cast/member.ts";
import { Pace } from "../../core/cast/pace.ts";
import { Pacer } from "../../core/cast/pacer.ts";
import { millis } from "../../core/units/units.ts";
import { dataPacketBytes, wireOverheadBytes } from "../../core/wire/cast.ts";
import { seeded } from "./random.ts";

export interface PacedWireOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly memberCount: number;
  /** Of the slowest link on the way. */
  readonly linkBps: number;
  /** `queue`: what is too much waits, up to so many bytes. `policer`: so many bytes go through at once, and nothing waits. */
  readonly limit: { readonly kind: "queue" | "policer"; readonly bytes: number };
  /** What the sender believes of its interface. */
  readonly knownBps: number | null;
  /** Of each receiver by itself: the fraction that is lost, and how many packets in a row, on the mean (Gilbert–Elliott). */
  readonly loss: { readonly ratio: number; readonly burst: number };
  /** Milliseconds from a receiver to the sender: the least, and what comes on top by chance. */
  readonly reportDelay: { readonly least: number; readonly spread: number };
}

export interface PacedWireResult {
  /** On the wire behind the bottleneck, in each tenth of a second: a fraction of the link. */
  readonly tenths: readonly number[];
  /** What the bottleneck dropped, a fraction of what was sent. */
  readonly ownLoss: number;
  /** When the pace first was above four fifths of the link; null: never. */
  readonly foundMs: number | null;
}

const packetBytes = dataPacketBytes + wireOverheadBytes;
/** The simulation's step: about the burst of the sender. */
const stepMs = 0.5;
/** The sender looks at what has come as often as its worker turns. */
const gatherMs = 8;

interface Receiver {
  readonly member: Member;
  highest: number;
  packets: number;
  isLosing: boolean;
  reportAt: number;
}

interface Report {
  readonly receiver: Receiver;
  readonly at: number;
  readonly highest: number;
  readonly packets: number;
}

export function runPacedWire(options: PacedWireOptions): PacedWireResult {
  const { seed, seconds, memberCount, linkBps, limit, knownBps, loss, reportDelay } = options;
  const random = seeded(seed);
  const pace = new Pace({ linkBps: knownBps, limitBps: null }, millis(0));
  const pacer = new Pacer(millis(0));
  const sent = { sequence: 0, wireBytes: 0 };
  const sentAt: number[] = [0];
  const receivers = Array.from({ length: memberCount }, (_, index): Receiver => {
    const member = newMember(index + 1, 1, millis(0));
    member.wantCount = 1;
    member.isServed = true;
    member.sequence = 0;
    return { member, highest: 0, packets: 0, isLosing: false, reportAt: random() * 10 };
  });
  const members = receivers.map(({ member }) => member);
  const bytesPerMs = linkBps / 8000;
  const leave = loss.ratio === 0 ? 1 : 1 / loss.burst;
  const enter = (leave * loss.ratio) / (1 - loss.ratio);
  /** Packets on their way, by when they are through the bottleneck. */
  const through: { readonly sequence: number; readonly at: number }[] = [];
  let head = 0;
  let reports: Report[] = [];
  let busyUntil = 0;
  let credit = limit.bytes;
  let dropped = 0;
  let passedBytes = 0;
  let foundMs: number | null = null;
  let isHeld = false;
  const tenths: number[] = [];

  const cast = (now: number): void => {
    sent.sequence++;
    sent.wireBytes += packetBytes;
    sentAt.push(now);
    if (limit.kind === "policer") {
      if (credit < packetBytes) {
        dropped++;
        return;
      }
      credit -= packetBytes;
      through.push({ sequence: sent.sequence, at: now });
    } else {
      const wait = Math.max(0, busyUntil - now);
      if (wait * bytesPerMs > limit.bytes) {
        dropped++;
        return;
      }
      busyUntil = now + wait + packetBytes / bytesPerMs;
      through.push({ sequence: sent.sequence, at: busyUntil });
    }
  };

  const hear = (sequence: number): void => {
    passedBytes += packetBytes;
    for (const receiver of receivers) {
      receiver.isLosing = random() < (receiver.isLosing ? 1 - leave : enter);
      if (receiver.isLosing) continue;
      receiver.packets++;
      receiver.highest = sequence;
    }
  };

  const take = ({ receiver: { member }, highest, packets, at }: Report): void => {
    const isNews = highest !== member.sequence;
    member.sequence = highest;
    member.packets = packets;
    member.reportedAt = millis(at);
    if (isNews) member.wait.note(at - (sentAt[highest] as number), millis(at));
    pace.noteReport(member);
    pace.judge(members, sent, millis(at));
  };

  for (let now = 0; now < seconds * 1000; now += stepMs) {
    credit = Math.min(limit.bytes, credit + stepMs * bytesPerMs);
    pacer.fill(millis(now), pace.rateBps, isHeld);
    if (isHeld) pace.noteHeld(stepMs, 0);
    while (pacer.isOpen) {
      cast(now);
      pacer.take(packetBytes);
    }
    isHeld = true;
    while (head < through.length && (through[head]?.at ?? 0) <= now)
      hear((through[head++] as (typeof through)[number]).sequence);
    for (const receiver of receivers) {
      if (now < receiver.reportAt) continue;
      const { least, spread } = reportDelay;
      const { highest, packets } = receiver;
      reports.push({ receiver, highest, packets, at: now + least + random() * spread });
      const every = Math.max(gatherMs, pace.reportEvery(memberCount));
      receiver.reportAt = now + every + random() * 2;
    }
    const due = reports.filter(({ at }) => at <= now);
    if (due.length > 0) reports = reports.filter(({ at }) => at > now);
    for (const report of due.sort((one, other) => one.at - other.at)) take(report);
    if (foundMs === null && pace.rateBps > 0.8 * linkBps) foundMs = now;
    if (Math.floor((now + stepMs) / 100) > tenths.length) {
      tenths.push(passedBytes / (bytesPerMs * 100));
      passedBytes = 0;
    }
  }
  return { tenths, ownLoss: dropped / sent.sequence, foundMs };
}
