/** What the page knows: the sum of the server's events, in signals, so that a change draws anew only what shows it. */
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { isLatest, type Part } from "../../core/screen/pc-state.ts";
import type { LiveEvent } from "../../core/wire/api.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { RequestView } from "../../core/wire/trust.ts";
import type { ImageView, MemberView, PcView, SessionView } from "../../core/wire/views.ts";

/** All things of one kind by their keys: a signal for each, and one for which there are. */
export class Collection<T> {
  private readonly signals = new Map<string, Signal<T | undefined>>();
  private readonly present = signal<ReadonlySet<string>>(new Set());

  /** The keys, in the order in which they came; changes when one comes or goes. */
  get keys(): ReadonlySet<string> {
    return this.present.value;
  }

  /** Also of what is not there (yet): undefined. */
  of(key: string): ReadonlySignal<T | undefined> {
    return this.signalOf(key);
  }

  get(key: string): T | undefined {
    return this.signalOf(key).value;
  }

  /** All of them; whoever reads this is told of every change. */
  all(): T[] {
    return [...this.keys].flatMap((key) => this.get(key) ?? []);
  }

  peek(key: string): T | undefined {
    return this.signals.get(key)?.peek();
  }

  set(key: string, value: T): void {
    this.signalOf(key).value = value;
    const before = this.present.peek();
    if (!before.has(key)) this.present.value = new Set([...before, key]);
  }

  delete(key: string): void {
    const before = this.present.peek();
    if (!before.has(key)) return;
    this.signalOf(key).value = undefined;
    this.present.value = new Set([...before].filter((each) => each !== key));
  }

  /** Drops all that is not among these. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.present.peek()) if (!keys.has(key)) this.delete(key);
  }

  private signalOf(key: string): Signal<T | undefined> {
    const known = this.signals.get(key);
    if (known !== undefined) return known;
    const made = signal<T | undefined>(undefined);
    this.signals.set(key, made);
    return made;
  }
}

type Kind = "pcs" | "rooms" | "images" | "sessions" | "requests";
const kinds: readonly Kind[] = ["pcs", "rooms", "images", "sessions", "requests"];

export class Store {
  readonly pcs = new Collection<PcView>();
  readonly rooms = new Collection<RoomView>();
  readonly images = new Collection<ImageView>();
  readonly sessions = new Collection<SessionView>();
  readonly requests = new Collection<RequestView>();
  /** By PC: its part in the latest session. Its `session` is as it was when the PC's part last changed. */
  readonly parts = new Collection<Part>();
  readonly warnings = signal<readonly string[]>([]);
  readonly note = signal<{ readonly time: string; readonly text: string } | null>(null);
  /** Whether the whole state has come once. */
  readonly isComplete = signal(false);
  /** Parts that have come and are not shown yet. */
  private readonly due = new Map<string, Part>();
  /** While the whole state comes: the keys that have come, by kind. What is missing at `ready` is no more. */
  private said: Record<Kind, Set<string>> | null = freshlySaid();

  /** Takes events as one change; what they say of PCs in sessions is shown by `settle`. */
  take(events: Iterable<LiveEvent>): void {
    batch(() => {
      for (const event of events) this.takeOne(event);
    });
  }

  /** Shows what is due of at most so many PCs that differ, as one change; answers whether there is more. */
  settle(limit = Number.POSITIVE_INFINITY): boolean {
    let left = limit;
    batch(() => {
      for (const [pc, { session, member }] of this.due) {
        if (left <= 0) return;
        this.due.delete(pc);
        const known = this.parts.peek(pc);
        if (known !== undefined && isSamePart(known, session, member)) continue;
        this.parts.set(pc, { session, member });
        left--;
      }
    });
    return this.due.size > 0;
  }

  private takeOne(event: LiveEvent): void {
    switch (event.type) {
      case "reset":
        // What is shown stays until the new state is whole: a screen that goes blank says less.
        this.said = freshlySaid();
        return;
      case "ready":
        this.forgetUnsaid();
        this.isComplete.value = true;
        return;
      case "pc":
        return this.put("pcs", event.pc.id, event.pc);
      case "pc-gone":
        return this.pcs.delete(event.id);
      case "room":
        return this.put("rooms", event.room.name, event.room);
      case "room-gone":
        return this.rooms.delete(event.name);
      case "image":
        return this.put("images", event.image.id, event.image);
      case "image-gone":
        return this.images.delete(event.id);
      case "session":
        this.takeParts(event.session);
        return this.put("sessions", event.session.id, event.session);
      case "request":
        return this.put("requests", event.request.id, event.request);
      case "request-gone":
        return this.requests.delete(event.id);
      case "warnings":
        this.warnings.value = event.texts;
        return;
      case "note":
        this.note.value = { time: event.time, text: event.text };
        return;
    }
  }

  private put<K extends Kind>(kind: K, key: string, value: unknown): void {
    (this[kind] as Collection<unknown>).set(key, value);
    this.said?.[kind].add(key);
  }

  private takeParts(session: SessionView): void {
    for (const member of session.members) {
      const known = this.due.get(member.pc) ?? this.parts.peek(member.pc);
      if (isLatest(session, known?.session)) this.due.set(member.pc, { session, member });
    }
  }

  private forgetUnsaid(): void {
    const { said } = this;
    if (said === null) return;
    this.said = null;
    for (const kind of kinds) this[kind].keep(said[kind]);
    const isGone = (part: Part | undefined): boolean =>
      part === undefined || this.sessions.peek(part.session.id) === undefined;
    for (const pc of this.parts.keys) if (isGone(this.parts.peek(pc))) this.parts.delete(pc);
    for (const [pc, part] of this.due) if (isGone(part)) this.due.delete(pc);
  }
}

const freshlySaid = (): Record<Kind, Set<string>> => ({
  ...{ pcs: new Set<string>(), rooms: new Set<string>(), images: new Set<string>() },
  ...{ sessions: new Set<string>(), requests: new Set<string>() },
});

/** Whether a cell would show the same: then it is not drawn again. */
function isSamePart({ session, member }: Part, next: SessionView, nextMember: MemberView): boolean {
  return (
    session.id === next.id &&
    session.state === next.state &&
    session.endedAt === next.endedAt &&
    session.image === next.image &&
    isSameMember(member, nextMember)
  );
}

function isSameMember(one: MemberView, other: MemberView): boolean {
  for (const key of Object.keys(other) as (keyof MemberView)[]) {
    const [before, after] = [one[key], other[key]];
    if (before === after) continue;
    if (typeof after !== "object" || after === null) return false;
    if (JSON.stringify(before) !== JSON.stringify(after)) return false;
  }
  return true;
}

/** Events that wait for the next frame. Of one thing only the last word counts, so that the queue cannot outgrow the state. */
export class EventQueue {
  private readonly waiting = new Map<string, LiveEvent>();

  push(event: LiveEvent): void {
    if (event.type === "reset") this.waiting.clear();
    const key = keyOf(event);
    // At its end, so that `ready` stays behind what it is about.
    this.waiting.delete(key);
    this.waiting.set(key, event);
  }

  drain(): LiveEvent[] {
    const events = [...this.waiting.values()];
    this.waiting.clear();
    return events;
  }
}

function keyOf(event: LiveEvent): string {
  switch (event.type) {
    case "pc":
      return `pc ${event.pc.id}`;
    case "pc-gone":
      return `pc ${event.id}`;
    case "room":
      return `room ${event.room.name}`;
    case "room-gone":
      return `room ${event.name}`;
    case "image":
      return `image ${event.image.id}`;
    case "image-gone":
      return `image ${event.id}`;
    case "session":
      return `session ${event.session.id}`;
    case "request":
      return `request ${event.request.id}`;
    case "request-gone":
      return `request ${event.id}`;
    default:
      return event.type;
  }
}
