/** Operators who do anything that the API lets them do, at random. */
import type { ReceiversSpec } from "../../core/session/kinds/restore.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import type { AskedAction } from "../../core/trust/asks.ts";
import type { Session } from "../../server/lab/session.ts";
import { rootHashOf } from "./disk.ts";
import type { Lab } from "./lab.ts";
import type { Pc } from "./pc.ts";
import { count } from "./tally.ts";

/** Some more often than others. */
const acts = [
  ...(["restore", "restore", "restore", "restore", "cast", "cast", "capture", "wipe"] as const),
  ...(["wipe", "stop", "drop", "admit", "admit", "start", "retry", "switch-on"] as const),
  ...(["switch-on", "delete", "delete", "schedule"] as const),
] as const;

/** A room is switched on within this time, in milliseconds. */
const switchesOnMs = 60_000;

type Act = (typeof acts)[number];

export class Operator {
  private readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  act(act: Act = this.lab.pick(acts)): void {
    const { lab } = this;
    if (act === "switch-on") return this.switchOn();
    if (!lab.server.isUp) return;
    count(lab.tally.acts, act);
    switch (act) {
      case "restore":
        return void this.restore(this.some(this.here()));
      case "cast":
        return this.cast();
      case "capture":
      case "wipe":
        return this.alone(act);
      case "stop":
        return this.toSession(({ id }) => lab.server.halt(id, { type: "stop" }));
      case "start":
        return this.toSession(({ id }) => lab.server.order(id, { type: "start" }));
      case "drop":
        return this.toMember(({ id }, pc) =>
          lab.server.halt(id, { type: "drop", pc, by: "operator" }),
        );
      case "admit":
        return this.toMember((session) => this.admit(session));
      case "retry":
        return this.toMember((session) => this.retry(session));
      case "delete":
        return this.delete();
      case "schedule":
        return lab.schedules.add();
    }
  }

  /** Says yes or no to what somebody at a PC asks for. */
  answer(isYes: boolean): void {
    const { lab } = this;
    if (!lab.server.isUp) return;
    count(lab.tally.acts, isYes ? "yes" : "no");
    lab.server.desks.answer(isYes);
  }

  /** What somebody at this PC asked for, and may have: the same orders. */
  askedFor(pc: string, action: AskedAction): void {
    switch (action) {
      case "restore":
        return void this.restore([pc]);
      case "cast":
        return this.cast(pc);
      case "capture":
      case "wipe":
        return this.alone(action, pc);
    }
  }

  /** So many rooms are restored whole, at once; people switch on what is off in them, in their own time. */
  beginLesson(rooms: number): void {
    const { lab } = this;
    for (let each = 0; each < rooms; each++) {
      const { pcs } = lab.pickRoom();
      for (const pc of pcs)
        lab.after(lab.random() * switchesOnMs, () => {
          if (pc.power === "off" || pc.power === "own disk") pc.start();
        });
      if (lab.server.isUp) this.restore(pcs.map(({ id }) => id));
    }
  }

  /** The PCs of the room in which the operator is. */
  private here(): string[] {
    return this.lab.pickRoom().pcs.map(({ id }) => id);
  }

  private roomOf(pc: string): string[] {
    const { rooms } = this.lab;
    return rooms.flatMap(({ name, pcs }) =>
      name === this.lab.pc(pc).room ? pcs.map(({ id }) => id) : [],
    );
  }

  private some(pcs: readonly string[]): readonly string[] {
    const { lab } = this;
    const { onePc } = lab.settings;
    if (onePc > 0 && lab.random() < onePc) return [lab.pick(pcs)];
    return pcs.filter(() => lab.random() < 0.7);
  }

  private switchOn(): void {
    const off = this.lab.pcs.filter(({ power }) => power === "off" || power === "own disk");
    if (off.length > 0) this.lab.pick(off).start();
  }

  private free(pcs: readonly string[]): string[] {
    return pcs.filter((pc) => this.lab.server.running.of(pc) === undefined);
  }

  private spec(pcs: readonly string[]): ReceiversSpec {
    const { lab } = this;
    return {
      ...{
        room: lab.pc(pcs[0] ?? "").room,
        pcs,
        disk: null,
        failingDisks: [],
        delta: lab.random() < 0.3,
      },
      verify: lab.random() < 0.8 ? "read-back" : "written",
      afterwards: lab.pick(["stay", "stay", "reboot", "poweroff"] as const),
      start: lab.pick(["now", "now", "all", Math.max(1, pcs.length - 1), pcs.length] as const),
      personalise: "auto",
      proveBootMs: lab.pickOwn([null, null, 60_000, 300_000] as const),
      startTimeoutMs: lab.random() < 0.5 ? null : Math.round(lab.random() * 60_000),
      cast: { tag: 1, group: "239.77.1.1", port: 7400 },
    };
  }

  /** What a schedule orders of these PCs; answers the session, if there is one. */
  scheduled(pcs: readonly Pc[], orderedBy: string): string | null {
    return (
      this.restore(
        pcs.map(({ id }) => id),
        orderedBy,
      )?.id ?? null
    );
  }

  /** The store keeps at least one, so that there is something to restore. */
  private delete(): void {
    const { lab } = this;
    const { names } = lab.images;
    if (names.length > 1) lab.server.deleteImage(lab.pick(names));
  }

  private restore(wanted: readonly string[], orderedBy: string | null = null): Session | null {
    const { lab } = this;
    const pcs = this.free(wanted);
    const { names } = lab.images;
    const name = names.length === 0 ? "" : lab.pick(names);
    const cells = lab.cellsOf(name);
    if (pcs.length === 0 || cells === null) return null;
    const image = { id: name, name, rootHash: rootHashOf(cells), storedBytes: cells.length };
    const isFirst = pcs.length > 1 && lab.own() < lab.settings.canaries;
    const canary = isFirst ? pcs.slice(0, lab.own() < 0.3 ? pcs.length - 1 : 1) : [];
    const first = canary.map((pc) => ({ pc, name: `PC ${pc}` }));
    const by = orderedBy === null ? {} : { orderedBy };
    const isFitted = lab.fitting() < lab.settings.fits && !name.includes("-fit-");
    const fit = { fit: "auto", fitTo: isFitted ? 240 : null } as const;
    return this.begin("restore", { ...this.spec(pcs), ...by, image, canary: first, ...fit });
  }

  private cast(wanted: string | null = null): void {
    const { lab } = this;
    const free = this.free(wanted === null ? this.here() : this.roomOf(wanted));
    const sender = free.find(
      (pc) => lab.server.isConnected(pc) && (wanted === null || pc === wanted),
    );
    const pcs = free.filter((pc) => pc !== sender);
    if (sender === undefined || pcs.length === 0) return;
    const saveAs = lab.random() < 0.5 ? "live" : null;
    const spec = { sender, senderName: sender, saveAs, sourceDisk: null, raw: false };
    this.begin("cast", { ...this.spec(pcs), ...spec });
  }

  private alone(kind: "capture" | "wipe", wanted: string | null = null): void {
    const { lab } = this;
    const pcs = this.free(wanted === null ? this.here() : [wanted]).filter((pc) =>
      lab.server.isConnected(pc),
    );
    if (pcs.length === 0) return;
    const pc = lab.pick(pcs);
    const common = { pc, disk: null, source: null };
    this.begin(
      kind,
      kind === "wipe"
        ? { ...common, method: "zero", failingDisks: [] }
        : { ...common, name: "master", raw: false },
    );
  }

  private begin(kind: "restore" | "cast" | "capture" | "wipe", spec: unknown): Session | null {
    const { lab } = this;
    count(lab.tally.sessions, kind);
    return lab.server.begin(kind, spec);
  }

  private toSession(run: (session: Session) => void): void {
    const sessions = this.lab.server.running.all();
    if (sessions.length > 0) run(this.lab.pick(sessions));
  }

  private toMember(run: (session: Session, pc: string) => void): void {
    this.toSession((session) => {
      const { receivers } = session.state as { receivers?: Receivers };
      const pcs = [...(receivers?.members ?? [])].map(([pc]) => pc);
      if (pcs.length > 0) run(session, this.lab.pick(pcs));
    });
  }

  private admit(session: Session): void {
    const { lab } = this;
    const { receivers, spec } = session.state as {
      receivers: Receivers;
      spec: { sender?: string };
    };
    const pcs = this.free(this.here()).filter((pc) => pc !== spec.sender);
    if (pcs.length === 0 || receivers.phase === "over") return;
    const pc = lab.pick(pcs);
    const phase = receivers.members.get(pc)?.phase;
    if (phase?.name === "ended" && phase.result === "verified") return;
    lab.checks.admissions.add(`${pc} ${session.id}`);
    lab.server.order(session.id, { type: "admit", pc });
  }

  private retry({ state }: Session): void {
    const { receivers } = state as { receivers: Receivers };
    const pcs = [...receivers.members].flatMap(([pc, { phase }]) =>
      phase.name === "ended" && phase.result !== "verified" ? [pc] : [],
    );
    this.restore(pcs);
  }
}
