/** What must hold whatever happens. Each is asked where it could break, so that every event is checked. */
import { isDeepStrictEqual } from "node:util";
import { type Order, workOf } from "../../core/agent/life.ts";
import { isOfProof, type ProofFact } from "../../core/session/boot-proof.ts";
import { isLateness } from "../../core/session/cause.ts";
import type { JournalSession } from "../../core/session/journal.ts";
import {
  type Fact,
  type Input,
  newGauges,
  type PcId,
  type Wanted,
} from "../../core/session/kind.ts";
import type { CaptureState } from "../../core/session/kinds/capture.ts";
import type { RestoreSpec, RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import type { MemberPhase } from "../../core/session/member.ts";
import type { ReceiverFact, Receivers } from "../../core/session/receivers.ts";
import { kindNamed } from "../../core/session/registry.ts";
import { type WorkerFact, workerAttempt } from "../../core/session/worker.ts";
import { millis } from "../../core/units/units.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Right } from "../../core/wire/trust.ts";
import type { End, Work } from "../../core/wire/work.ts";
import type { Engine } from "../../server/lab/engine.ts";
import { idOf, type Session } from "../../server/lab/session.ts";
import type { Asked } from "./desks.ts";
import { must } from "./failures.ts";
import type { Lab } from "./lab.ts";
import { Likeness } from "./likeness.ts";
import type { DownMessage, Link } from "./link.ts";
import type { Pc } from "./pc.ts";

type Ended = Extract<ReceiverFact | WorkerFact, { type: "ended" }>;

/** As docs/security.md promises them. */
const hourMs = 3_600_000;
const wrongPinsAnHour = 30;
const pinHoldsMs = 600_000;
const looksMs = 100;

const keyOf = (pc: PcId, session: string, attempt: number): string => `${pc} ${session} ${attempt}`;

export class Checks {
  private readonly lab: Lab;
  /** Every attempt that the journal has ever wanted. */
  private readonly ordered = new Set<string>();
  /** What the journal wants of each PC now: at most one thing. */
  private readonly wanted = new Map<PcId, { readonly session: string; readonly attempt: number }>();
  private readonly wantedBy = new Map<number, readonly PcId[]>();
  /** PCs that are verified, by session: nothing about them follows. */
  private readonly verified = new Set<string>();
  /** How each attempt ended in the journal. */
  private readonly endings = new Map<string, Ended>();
  /** The session that operators last gave the PC to, as far as the journal knows. */
  private readonly givenTo = new Map<PcId, string>();
  /** What operators have let in, each as `pc session`, and the journal may not know yet. */
  readonly admissions = new Set<string>();
  /** Who is first in each session, how they are to be, and whether they were. */
  private readonly canaries = new Map<string, Pick<RestoreSpec, "canary" | "proveBootMs">>();
  private readonly passed = new Set<string>();
  /** Sessions whose image is made to fit first, and has not been yet. */
  private readonly unfitted = new Set<string>();
  /** PCs that are said to have come up, as `pc session`. */
  private readonly up = new Set<string>();
  /** What operators have said yes to, and nothing was done for it yet. */
  private readonly yes = new Set<Asked>();
  private readonly answered = new Set<Asked>();
  /** The PINs that were right, by the connection on which they were typed, and when. */
  private readonly typed = new Map<Link, { readonly right: Right; readonly at: number }>();
  /** When, by room. */
  private readonly wrongPins = new Map<string, number[]>();
  /** Whom operators have had stop what is not written yet, as `pc session`. */
  private readonly halted = new Set<string>();
  private readonly likeness = new Likeness();
  private looksAt = 0;

  constructor(lab: Lab) {
    this.lab = lab;
    lab.journal.onFact = (session, fact, before) => this.fact(session, fact, before);
    lab.journal.onSession = (session, wanted) => this.session(session, wanted);
  }

  // --- the journal

  private session({ number, kind, state }: JournalSession, { orders }: Wanted): void {
    const session = idOf(number);
    for (const key of this.halted) if (key.endsWith(` ${session}`)) this.halted.delete(key);
    if (!this.wantedBy.has(number)) this.isNew(session, kind, state);
    for (const pc of this.wantedBy.get(number) ?? [])
      if (this.wanted.get(pc)?.session === session) this.wanted.delete(pc);
    for (const [pc, attempt] of orders) {
      const other = this.wanted.get(pc);
      must(other === undefined, () => `${pc} is wanted by ${session} and by ${other?.session}`);
      this.wanted.set(pc, { session, attempt });
      this.ordered.add(keyOf(pc, session, attempt));
    }
    this.wantedBy.set(
      number,
      [...orders].map(([pc]) => pc),
    );
  }

  private isNew(session: string, kind: JournalSession["kind"], state: unknown): void {
    const { pcs, read } = kindNamed(kind);
    for (const pc of pcs(read(state))) this.givenTo.set(pc, session);
    this.lab.schedules.journalled(session, (state as RestoreState).spec.orderedBy);
  }

  private fact(stored: JournalSession, fact: Fact, before: unknown): void {
    const session = idOf(stored.number);
    const { pc } = fact;
    if (fact.type === "canary-passed") this.canaryPassed(session);
    if (fact.type === "fitted") this.unfitted.delete(session);
    if (pc === null || before === null) return;
    const isSender = stored.kind === "cast" && (before as LiveState).spec.sender === pc;
    if (isSender) return;
    if (isOfProof(fact)) return this.proof(session, pc, fact);
    must(
      stored.kind === "capture" || !this.verified.has(`${pc} ${session}`),
      () => `${fact.type} of ${pc} in ${session}, which has verified it`,
    );
    const isAlone = stored.kind === "wipe" || stored.kind === "capture";
    const attempt = isAlone
      ? workerAttempt
      : ((before as RestoreState).receivers.members.get(pc)?.attempt ?? 0);
    if (fact.type === "admitted" && this.admissions.delete(`${pc} ${session}`))
      this.givenTo.set(pc, session);
    if (fact.type === "ordered") {
      const first = this.canaries.get(session)?.canary ?? [];
      must(
        first.length === 0 || this.passed.has(session) || first.some((each) => each.pc === pc),
        () => `${pc} is ordered in ${session} before its canary is through`,
      );
      must(
        !this.unfitted.has(session),
        () => `${pc} is ordered in ${session} before its image fits`,
      );
    }
    if (fact.type === "readied") {
      must(
        this.lab.pc(pc).readied.has(`${session} ${attempt}`),
        () => `${pc} is taken for ready at attempt ${attempt} of ${session}, and never said so`,
      );
    }
    if (fact.type === "ended") this.ended(stored, fact as Ended, attempt, before);
  }

  // --- who comes up, and who is first

  /** A session that a kill undid before it was written may have had the number: nothing of it stays. */
  begun(session: string, restore: RestoreSpec | null): void {
    this.canaries.delete(session);
    this.unfitted.delete(session);
    if (restore === null) return;
    this.canaries.set(session, restore);
    if (restore.fitTo !== null) this.unfitted.add(session);
  }

  private canaryPassed(session: string): void {
    const { canary = [], proveBootMs = null } = this.canaries.get(session) ?? {};
    for (const { pc } of canary) {
      must(
        this.verified.has(`${pc} ${session}`),
        () => `the canary ${pc} of ${session} is through, and not verified`,
      );
      must(
        proveBootMs === null || this.up.has(`${pc} ${session}`),
        () => `the canary ${pc} of ${session} is through, and did not come up`,
      );
    }
    this.passed.add(session);
  }

  private proof(session: string, pc: PcId, { type }: ProofFact): void {
    const { shown, lies } = this.lab.pc(pc);
    must(
      this.verified.has(`${pc} ${session}`),
      () => `${type} of ${pc} in ${session}, which has not verified it`,
    );
    if (type !== "booted") return;
    this.lab.tally.happened.boots++;
    this.up.add(`${pc} ${session}`);
    must(
      shown.has(session) || lies > 0,
      () => `${pc} is said to have come up after ${session}, and nothing showed it`,
    );
  }

  /** The server is up and has heard of a PC's own system. */
  hasShown(pc: Pc): void {
    const { server } = this.lab;
    if (!server.isUp) return;
    for (const session of server.stillAwaiting(pc.id))
      must(false, () => `${pc.id} has come up, and ${session} goes on waiting for it`);
  }

  private ended(stored: JournalSession, fact: Ended, attempt: number, before: unknown): void {
    const { pc, result, cause } = fact;
    const session = idOf(stored.number);
    const key = keyOf(pc, session, attempt);
    const earlier = this.endings.get(key);
    must(
      earlier === undefined || isLateness(earlier.cause) || !isOfAgent(fact),
      () => `attempt ${attempt} of ${pc} in ${session} ended ${earlier?.result}, then ${result}`,
    );
    this.endings.set(key, fact);
    const ends = this.lab.pc(pc).ends.get(`${session} ${attempt}`) ?? [];
    const came = (...outcomes: End["outcome"][]): void =>
      must(
        ends.some(({ outcome }) => outcomes.includes(outcome)),
        () =>
          `${pc} is ${result} by ${cause?.code ?? "its word"} at attempt ${attempt} of ` +
          `${session}, but its agent came to ${ends.map((each) => each.outcome).join() || "no end"}`,
      );
    if (result === "verified") {
      this.verified.add(`${pc} ${session}`);
      this.isTrue(stored, pc, before, came);
    }
    if (cause?.code === "agent") came("failed", "done");
    if (cause?.code === "refused") came("refused");
    if (cause?.code === "root-hash") came("verified");
  }

  /** `verified` is what the disk, or the store, holds at this moment. */
  private isTrue(
    stored: JournalSession,
    id: PcId,
    before: unknown,
    came: (...outcomes: End["outcome"][]) => void,
  ): void {
    const { lab } = this;
    const { disk } = lab.pc(id);
    const session = idOf(stored.number);
    switch (stored.kind) {
      case "wipe":
        came("done");
        return must(
          disk.isWiped || disk.hasLied,
          () => `${id} is said to be wiped, and its disk holds ${disk.rootHash}`,
        );
      case "capture":
        return must(
          lab.cellsOf((before as CaptureState).image ?? "") !== null,
          () => `${session} is said to have captured, and the store has no image`,
        );
      case "restore":
      case "cast": {
        came("verified");
        const { verify } = (before as RestoreState).spec;
        const cells =
          stored.kind === "restore"
            ? lab.cellsOf((before as RestoreState).image.id)
            : (lab.liveImages.get(session) ?? null);
        const isRight = isDeepStrictEqual(cells, disk.cells);
        return must(
          isRight || (verify === "written" && disk.hasLied),
          () => `${id} is verified in ${session}, and its disk holds ${disk.rootHash}`,
        );
      }
    }
  }

  /** What the engine acts on is what the journal has. */
  durable({ number, id, durable }: Session): void {
    must(
      this.likeness.isSame(this.lab.journal.stateOf(number), durable),
      () => `the engine has another state of ${id} than its journal`,
    );
  }

  // --- what is sent

  sends(pc: PcId, message: ServerMessage): void {
    const { lab } = this;
    lab.tally.happened.messages++;
    const wanted = this.wanted.get(pc);
    const isWanted = (work: { readonly session: string; readonly attempt: number }): boolean =>
      isDeepStrictEqual(wanted, workOf(work));
    switch (message.type) {
      case "restore":
      case "capture":
      case "cast":
      case "wipe":
        must(
          isWanted(message),
          () =>
            `${pc} is sent attempt ${message.attempt} of ${message.session}, which the journal does not want`,
        );
        must(
          !this.halted.has(`${pc} ${message.session}`),
          () => `${pc} is sent an order of ${message.session}, where an operator has stopped it`,
        );
        return must(
          this.givenTo.get(pc) === message.session,
          () =>
            `${pc} is ordered by ${message.session}, after it was given to ${this.givenTo.get(pc)}`,
        );
      case "cancel":
        return must(
          !isWanted(message) || this.halted.has(`${pc} ${message.session}`),
          () =>
            `attempt ${message.attempt} of ${message.session} at ${pc} is cancelled, and the journal wants it`,
        );
      case "finish":
        return must(
          lab.journal.wantedOf(Number(message.session.slice(1)))?.finish === pc,
          () => `${pc} is told to finish ${message.session}, which the journal does not say`,
        );
    }
  }

  // --- what operators are told

  /** What is done is in the journal: said again, it leads to nothing. */
  toldDone(id: string, input: Input): void {
    const number = Number(id.slice(1));
    const state = this.lab.journal.stateOf(number);
    const kind = this.lab.journal.kindOf(number);
    must(state !== undefined && kind !== undefined, () => `${id} is not in the journal`);
    if (kind === undefined) return;
    const facts = kind.decide(state, input, millis(this.lab.now), newGauges());
    must(
      facts.length === 0,
      () => `${input.type} of ${id} is said to be done, and the journal does not have it`,
    );
  }

  toldBegun(number: number): void {
    must(
      this.lab.journal.stateOf(number) !== undefined,
      () => `${idOf(number)} is said to be begun, and the journal does not have it`,
    );
  }

  notDone(id: string, isAsBefore: boolean): void {
    must(isAsBefore, () => `an operator is told that nothing of ${id} has changed, and it has`);
  }

  notBegun(engine: Engine, id: string): void {
    must(engine.get(id) === undefined, () => `${id} is said not to be begun, and it is there`);
  }

  /** It is not written, and whose work it ends is to hear of it. */
  toldToStop({ id, kind, state }: Session, before: unknown): void {
    const { orders } = kind.wanted(state);
    for (const [pc] of kind.wanted(before).orders)
      if (orders.get(pc) === undefined) this.halted.add(`${pc} ${id}`);
  }

  // --- who is who

  /** A record of one of the lab's PCs is that PC, whoever says so. */
  comesIn(link: Link, record: PcId): void {
    must(link.pc === record || !this.lab.isPc(record), () => `${link.pc} is taken for ${record}`);
  }

  /** Whoever is no PC of the lab is let in at most to wait. */
  rogueHears(message: DownMessage): void {
    must(
      message.type === "sim-challenge" || message.type === "welcome",
      () => `a rogue is sent ${message.type}`,
    );
  }

  // --- what people at PCs ask for

  saidYes(asked: Asked): void {
    must(
      !this.answered.has(asked),
      () => `${asked.link.pc} has a yes to ${asked.want.action} twice`,
    );
    this.answered.add(asked);
    this.yes.add(asked);
  }

  rightPin(link: Link, right: Right): void {
    this.typed.set(link, { right, at: this.lab.now });
  }

  wrongPin(pc: PcId, room: string): void {
    const { now } = this.lab;
    const lately = [...(this.wrongPins.get(room) ?? []), now].filter((at) => at > now - hourMs);
    this.wrongPins.set(room, lately);
    must(
      lately.length <= wrongPinsAnHour,
      () => `${pc} was let try wrong PIN ${lately.length} of its room's hour`,
    );
  }

  /** It has forgotten how many wrong PINs there were. */
  serverDied(): void {
    this.wrongPins.clear();
    this.halted.clear();
  }

  /** What is asked for is done: an operator has said yes to just that, or a PIN that was typed there allows it. */
  asked(asked: Asked): void {
    const { lab } = this;
    const { want, link } = asked;
    const { ask, hasPin } = lab.settings;
    must(
      lab.server.linkOf(link.pc) === link,
      () => `${want.action} is done for a connection of ${link.pc} that is gone`,
    );
    if (this.yes.delete(asked)) return;
    const typed = this.typed.get(link);
    const holds = typed !== undefined && lab.now < typed.at + pinHoldsMs;
    const isOwnDisk = want.action === "restore" || want.action === "wipe";
    const isFree = ask === "free" && (holds || !hasPin);
    must(
      isFree || (holds && (isOwnDisk || typed.right === "instructor")),
      () => `${link.pc} has ${want.action} done, and neither a PIN nor a yes for it`,
    );
  }

  /** No grant outlives its attempt: what is served is what the journal wants of that PC now. */
  serves(pc: PcId, work: Work): void {
    must(
      isDeepStrictEqual(this.wanted.get(pc), workOf(work)),
      () => `${pc} is served for attempt ${work.attempt} of ${work.session}, which is over`,
    );
  }

  // --- what agents do

  begins(pc: Pc, order: Order, isNew: boolean): void {
    must(
      this.ordered.has(keyOf(pc.id, order.session, order.attempt)),
      () => `${pc.id} begins attempt ${order.attempt} of ${order.session}, which the journal lacks`,
    );
    must(isNew, () => `${pc.id} begins attempt ${order.attempt} of ${order.session} once more`);
  }

  writes(pc: Pc, order: Order): void {
    const { session, attempt } = order;
    this.lab.tally.happened.writes++;
    must(
      this.ordered.has(keyOf(pc.id, session, attempt)) &&
        (order.type === "restore" || order.type === "wipe"),
      () => `${pc.id} writes its disk on attempt ${attempt} of ${session}, which the journal lacks`,
    );
    must(
      pc.order?.session === session && pc.order.attempt === attempt,
      () => `${pc.id} writes its disk for ${session}, and is at ${pc.order?.session}`,
    );
  }

  // --- what is there

  /** What a session casts is what its image is, for as long as it runs. */
  reads(session: string, image: string, index: number, cell: string | null): void {
    const { lab } = this;
    must(
      cell === lab.cellsOf(image)?.[index],
      () => `${session} casts ${image}, and the store has ${cell} for its cell ${index}`,
    );
  }

  /** Asked after each event: what it finds does not go by itself, so that a look now and then is enough. */
  always(): void {
    const { lab } = this;
    if (lab.now < this.looksAt || !lab.server.isUp) return;
    this.looksAt = lab.now + looksMs;
    lab.schedules.always();
    for (const session of lab.server.running.all()) {
      must(
        session.gauges.members.size <= lab.pcs.length,
        () => `${session.id} keeps gauges of ${session.gauges.members.size} PCs`,
      );
    }
  }

  /** Whoever is late and there again is let in again, unless somebody else has it. */
  nobodyIsLeftOut(): void {
    const { lab } = this;
    const engine = lab.server.running;
    for (const session of engine.all()) {
      const { receivers } = session.durable as { receivers?: Receivers };
      if (receivers === undefined || hasEnded(receivers)) continue;
      for (const [pc, { phase }] of receivers.members) {
        if (!isLate(phase) || this.givenTo.get(pc) !== session.id) continue;
        must(
          engine.reportOf(pc) === undefined || engine.of(pc) !== undefined,
          () => `${pc} is there again, and ${session.id} has it as failed`,
        );
      }
    }
  }
}

/** The attempt ended as the agent said, not as an operator wanted or because it never came. */
const isOfAgent = ({ result, cause }: Ended): boolean =>
  result === "verified" || ["agent", "refused", "root-hash"].includes(cause?.code ?? "");

/** It was given up because it did not answer. One that answers and is not ready is another matter. */
const isLate = (phase: MemberPhase): boolean =>
  phase.name === "ended" && isLateness(phase.cause) && phase.cause?.code !== "unready";

/** Nobody is let in any more. */
const hasEnded = ({ phase }: Receivers): boolean => phase === "over" || phase === "proving";
