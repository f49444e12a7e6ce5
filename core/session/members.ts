/**
 * The members of a session, and what is known of many of them without a look at each: a fact about one of 2000 costs no
 * more than one about one of 50. A value as the state that it is a part of: `with` answers another, and leaves this as it is.
 * They stand in a tree by the order in which they were asked for; each of its nodes has the census of those below it.
 * As JSON it is an object by PC.
 */
import { deadlineOfProof, isProofPending } from "./boot-proof.ts";
import type { Levels, PcId } from "./kind.ts";
import { isServed, type Member, type MemberPhase, readyLimit } from "./member.ts";

/** How many are below one node: of a member that changes, so many beside it are looked at in each of three or four levels. */
const branches = 16;

/** Before and after every moment. */
const [never, always] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** What is known of one member, or of many together. */
export interface Census {
  readonly all: number;
  readonly absent: number;
  readonly ready: number;
  /** In the cast, or reading back. */
  readonly served: number;
  readonly ended: number;
  readonly verified: number;
  /** Verified, and not waited for to come up. */
  readonly unproven: number;
  /** Waited for to come up. */
  readonly pending: number;
  /** Those that have been in a cast. */
  readonly joined: number;
  /** The first moment at which something follows for one of them by time alone; infinite: none. */
  readonly dueAt: number;
  /** Until when the last of the absent is awaited; negative and infinite: none is. */
  readonly awaitedUntil: number;
}

interface Leaf {
  readonly pc: PcId;
  readonly member: Member;
  readonly census: Census;
}

interface Branch {
  readonly below: readonly Node[];
  readonly census: Census;
}

type Node = Leaf | Branch;

export class Members implements Iterable<readonly [PcId, Member]> {
  private readonly root: Branch;
  /** How many members the root has room for. */
  private readonly span: number;
  /** The place of each PC. Newer values of the same line share it, so that it may have places beyond the last of this one. */
  private readonly places: Map<PcId, number>;

  private constructor(root: Branch, span: number, places: Map<PcId, number>) {
    this.root = root;
    this.span = span;
    this.places = places;
  }

  static of(entries: Iterable<readonly [PcId, Member]>): Members {
    let level: readonly Node[] = [...entries].map(([pc, member]) => leafOf(pc, member));
    const places = new Map(level.map((leaf, place) => [(leaf as Leaf).pc, place]));
    let span = branches;
    for (; level.length > branches; span *= branches)
      level = Array.from({ length: Math.ceil(level.length / branches) }, (_, index) =>
        branchOf((level as Node[]).slice(index * branches, (index + 1) * branches)),
      );
    return new Members(branchOf(level), span, places);
  }

  /** Of all of them together. */
  get census(): Census {
    return this.root.census;
  }

  has(pc: PcId): boolean {
    return this.placeOf(pc) !== undefined;
  }

  get(pc: PcId): Member | undefined {
    const place = this.placeOf(pc);
    if (place === undefined) return undefined;
    let node: Node = this.root;
    for (let span = this.span / branches; "below" in node; span /= branches)
      node = node.below[Math.floor(place / span) % branches] as Node;
    return node.member;
  }

  /** The same with this member in its place, or as the last. */
  with(pc: PcId, member: Member): Members {
    const { root, span, places } = this;
    const count = root.census.all;
    const place = this.placeOf(pc);
    const leaf = leafOf(pc, member);
    if (place !== undefined) return new Members(put(root, span, place, leaf), span, places);
    // Of two values that were made of the same one, only one can go on with its places.
    const grown = places.size === count ? places : new Map([...places].slice(0, count));
    grown.set(pc, count);
    if (count < span) return new Members(put(root, span, count, leaf), span, grown);
    const above = branchOf([root]);
    return new Members(put(above, span * branches, count, leaf), span * branches, grown);
  }

  [Symbol.iterator](): Iterator<readonly [PcId, Member]> {
    return this.where(() => true)[Symbol.iterator]();
  }

  /** In their order those that this holds for, which must not hold for many together if it holds for none of them. */
  where(mayHold: (census: Census) => boolean): (readonly [PcId, Member])[] {
    const found: (readonly [PcId, Member])[] = [];
    collect(this.root, mayHold, found);
    return found;
  }

  /** The first moment after `now` at which something follows for one of them by time alone; infinite: there is none. */
  dueAfter(now: number): number {
    return dueAfter(this.root, now);
  }

  toJSON(): Record<PcId, Member> {
    return Object.fromEntries(this);
  }

  private placeOf(pc: PcId): number | undefined {
    const place = this.places.get(pc);
    return place !== undefined && place < this.root.census.all ? place : undefined;
  }
}

/** A number of each member that has one, of those for whom `mayHave` holds, as in `Members.where`. */
export const levelsOf = (
  members: Members,
  mayHave: (census: Census) => boolean,
  levelOf: (member: Member) => number | undefined,
): Levels => ({
  get(pc) {
    const member = members.get(pc);
    return member === undefined ? undefined : levelOf(member);
  },
  *[Symbol.iterator]() {
    for (const [pc, member] of members.where(mayHave)) {
      const level = levelOf(member);
      if (level !== undefined) yield [pc, level] as const;
    }
  },
});

const leafOf = (pc: PcId, member: Member): Leaf => ({ pc, member, census: censusOf(member) });

const branchOf = (below: readonly Node[]): Branch => ({ below, census: together(below) });

/** The branch, which has room for so many members, with this one at its place. */
function put(branch: Branch, span: number, place: number, leaf: Leaf): Branch {
  const spanBelow = span / branches;
  const index = Math.floor(place / spanBelow);
  const before = branch.below[index] ?? branchOf([]);
  const isLast = spanBelow === 1;
  const after = isLast ? leaf : put(before as Branch, spanBelow, place % spanBelow, leaf);
  const below = [...branch.below];
  below[index] = after;
  return branchOf(below);
}

function collect(
  node: Node,
  mayHold: (census: Census) => boolean,
  found: (readonly [PcId, Member])[],
): void {
  if (!mayHold(node.census)) return;
  if ("member" in node) found.push([node.pc, node.member]);
  else for (const each of node.below) collect(each, mayHold, found);
}

function dueAfter(node: Node, now: number): number {
  if (node.census.dueAt > now) return node.census.dueAt;
  if ("member" in node) return always;
  return Math.min(...node.below.map((each) => dueAfter(each, now)));
}

function censusOf({ phase, boot, joins }: Member): Census {
  const isVerified = phase.name === "ended" && phase.result === "verified";
  return {
    all: 1,
    absent: phase.name === "absent" ? 1 : 0,
    ready: phase.name === "ready" ? 1 : 0,
    served: isServed(phase) ? 1 : 0,
    ended: phase.name === "ended" ? 1 : 0,
    verified: isVerified ? 1 : 0,
    unproven: isVerified && boot === null ? 1 : 0,
    pending: isProofPending(boot) ? 1 : 0,
    joined: joins > 0 ? 1 : 0,
    dueAt: Math.min(dueOf(phase), deadlineOfProof(boot) ?? always),
    awaitedUntil: phase.name === "absent" ? (phase.until ?? never) : never,
  };
}

function dueOf(phase: MemberPhase): number {
  if (phase.name === "lost") return phase.until;
  return phase.name === "ordered" ? phase.heardAt + readyLimit : always;
}

function together(nodes: readonly Node[]): Census {
  const sum = {
    ...{ all: 0, absent: 0, ready: 0, served: 0, ended: 0, verified: 0 },
    ...{ unproven: 0, pending: 0, joined: 0, dueAt: always, awaitedUntil: never },
  };
  for (const { census } of nodes) {
    sum.all += census.all;
    sum.absent += census.absent;
    sum.ready += census.ready;
    sum.served += census.served;
    sum.ended += census.ended;
    sum.verified += census.verified;
    sum.unproven += census.unproven;
    sum.pending += census.pending;
    sum.joined += census.joined;
    sum.dueAt = Math.min(sum.dueAt, census.dueAt);
    sum.awaitedUntil = Math.max(sum.awaitedUntil, census.awaitedUntil);
  }
  return sum;
}
