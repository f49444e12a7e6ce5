import { RoomcastError } from "../../core/errors.ts";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveSpec, LiveState } from "../../core/session/live-state.ts";
import { castHasNoCanary } from "../../core/session/no-canary.ts";
import type { FitMode } from "../../core/wire/fit-size.ts";
import { type HostSystem, systemsOn } from "../../core/wire/host-names.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { WipeMethod } from "../../core/wire/wipe.ts";
import type { PcRecord } from "../state/records.ts";
import { type Admissions, type Fault, type OrderedBy, refusedFor } from "./admissions.ts";
import type { Announcer } from "./announcer.ts";
import { chooseCanaries } from "./canaries.ts";
import type { FitOrders } from "./fit-orders.ts";
import type { ImageOrders } from "./image-orders.ts";
import type { Inventory } from "./inventory.ts";
import { meantIn } from "./meant-disks.ts";
import type { PcOrders } from "./pc-orders.ts";
import type { Personals } from "./personals.ts";
import type { Presence } from "./presence.ts";
import type { CastRequest, RestoreRequest } from "./receivers-request.ts";
import type { RoomOwners } from "./room-owners.ts";
import type { Sessions } from "./sessions.ts";
import { unwritten } from "./unwritten.ts";

/** A restore as an operator words it: an image by reference, and a room or PCs by reference. */
export interface NamedRestore extends Omit<RestoreRequest, "image" | "pcs" | "canary" | "fitTo"> {
  readonly image: string;
  /** The PC that is first, or how many; null: all are alike. */
  readonly canary: string | number | null;
  readonly pcs: readonly string[] | null;
}

/** A wipe as an operator words it. */
export interface NamedWipe {
  readonly pc: string;
  readonly method: WipeMethod;
  /** Who ordered it, where no operator did. */
  readonly orderedBy?: string;
  readonly disk: string | null;
  /** As in `TargetRule`. */
  readonly failingDisks: readonly string[];
}

/** A live cast as an operator words it. */
export interface NamedCast extends Omit<CastRequest, "sender" | "pcs"> {
  readonly sender: string;
  /** As of a restore; a live cast is refused with it. */
  readonly canary: string | number | null;
  /** A live cast is refused with `auto`. */
  readonly fit: FitMode;
  readonly pcs: readonly string[] | null;
}

export interface SessionOrdersPorts {
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly images: Pick<ImageOrders, "find" | "systemsOf" | "view">;
  readonly fitOrders: Pick<FitOrders, "versionFor">;
  readonly pcs: Pick<PcOrders, "requireOnline">;
  readonly personals: Pick<Personals, "faults" | "requireOwn">;
  readonly presence: Pick<Presence, "networkOf" | "hasPlace">;
  readonly sessions: Sessions;
  readonly owners: Pick<RoomOwners, "requireOwn">;
  isConnected(pc: string): boolean;
}

/** The sessions that operators order, and whoever is at a PC: for which PCs, and whether they may have them. */
export class SessionOrders {
  private readonly ports: SessionOrdersPorts;

  constructor(ports: SessionOrdersPorts) {
    this.ports = ports;
  }

  /**
   * The PCs that a restore of this room, or of these PCs, would overwrite. Of a room, those that may
   * not have this order are left out; one that is named is refused.
   */
  targets(
    request: { readonly room: string | null; readonly pcs: readonly string[] | null },
    by: OrderedBy | null,
  ): PcRecord[] {
    const { inventory, admissions } = this.ports;
    const { room, pcs } = request;
    if ((room === null) === (pcs === null)) {
      throw new RoomcastError("usage", "name a room or PCs, one of the two", "see --room and --pc");
    }
    if (pcs !== null) {
      const named = [...new Set(pcs.map((reference) => inventory.find(reference)))];
      this.requireOwn(named);
      admissions.requireOrder(named, by);
      return named;
    }
    const { name } = inventory.room(room ?? "");
    this.ports.owners.requireOwn(name);
    const all = inventory.pcsOf(name);
    const found = all.filter((pc) => admissions.orderFault(pc, by) === null);
    if (found.length > 0) return found;
    if (all.length > 0) throw refusedFor(all.flatMap((pc) => admissions.orderFault(pc, by) ?? []));
    throw new RoomcastError(
      "refused",
      `room ${name} has no PCs`,
      "boot its PCs from the network, then place them with `roomcast pc set PC --room`",
    );
  }

  restore(request: NamedRestore, by: OrderedBy | null): SessionView {
    const { images, personals, inventory, isConnected, fitOrders, sessions } = this.ports;
    const asked = images.find(request.image);
    const room = this.roomNameOf(request);
    const pcs = this.targets(request, by);
    if (request.personalise === "auto") personals.requireOwn(pcs, systemsOn(asked.partitions));
    requireProvable(request);
    const canary =
      request.canary === null
        ? []
        : chooseCanaries(request.canary, pcs, {
            find: (reference) => inventory.find(reference),
            isConnected: (pc) => isConnected(pc),
            seatsOf: (name) => inventory.room(name).seats.map((seat) => seat.name),
          });
    const version = fitOrders.versionFor(asked, pcs, request);
    // As it is stored now: so much goes over the wire.
    const { storedBytes } = images.view(version.image);
    const image = { ...version.image, storedBytes };
    const order = { ...request, ...orderer(by), room, pcs, canary, ...version, image };
    const session = sessions.restore(order);
    this.begun(session, pcs, by);
    return session;
  }

  /** The order stands: it places whom it names, and says whom of the room it left out. */
  private begun(session: SessionView, pcs: readonly PcRecord[], by: OrderedBy | null): void {
    const { admissions, inventory, announcer } = this.ports;
    this.place(session, pcs, by);
    const all = session.room === null ? [] : inventory.pcsOf(session.room);
    for (const pc of all) {
      const fault = pcs.includes(pc) ? null : admissions.orderFault(pc, by);
      if (fault !== null)
        announcer.note({ session: session.id, pc: pc.id }, `left out: ${fault.what}`);
    }
    if (session.room !== null) announcer.room(session.room);
  }

  /** Who is in a session that an operator ordered is placed by that. The disk may take the session and not this. */
  private place({ id }: SessionView, pcs: readonly PcRecord[], by: OrderedBy | null): void {
    if (by === null) return;
    for (const pc of pcs)
      try {
        this.ports.admissions.place(pc, by.operator);
      } catch (error) {
        throw unwritten(`that ${pc.name} is placed`, error, {
          stands: `session ${id} has it all the same, and waits for it`,
          afterwards: `then \`roomcast pc admit ${pc.name}\``,
        });
      }
  }

  /** A room that another server of the campus has begins no session here. */
  private requireOwn(pcs: readonly PcRecord[]): void {
    for (const room of new Set(pcs.map((pc) => pc.room))) this.ports.owners.requireOwn(room);
  }

  /** The room of a request as its record spells it. */
  private roomNameOf({ room }: { readonly room: string | null }): string | null {
    return room === null ? null : this.ports.inventory.room(room).name;
  }

  /** A PC casts its own disk to the room; it is left out of those that receive. */
  cast(request: NamedCast, by: OrderedBy | null): SessionView {
    const { inventory, admissions, personals, sessions } = this.ports;
    if (request.canary !== null) throw castHasNoCanary();
    if (request.fit === "auto") {
      throw new RoomcastError(
        "usage",
        "a live cast is not fitted to smaller disks: its PC sends its disk as it is",
        "capture the disk, then restore the image, which is fitted first",
      );
    }
    const sender = inventory.find(request.sender);
    this.requireOwn([sender]);
    this.ports.pcs.requireOnline(sender);
    admissions.requireOrder([sender], by);
    const pcs = this.targets(request, by).filter(({ id }) => id !== sender.id);
    if (pcs.length === 0) {
      const what = `there is nobody to cast to but ${sender.name} itself`;
      throw new RoomcastError(
        "refused",
        what,
        "place other PCs in the room, or name some with --pc",
      );
    }
    this.requireOneNetwork(sender, pcs);
    if (request.personalise === "auto") personals.requireOwn(pcs, ["any system"]);
    requireProvable(request);
    const room = this.roomNameOf(request);
    const session = sessions.cast({ ...request, ...orderer(by), room, sender, pcs });
    this.begun(session, [sender, ...pcs], by);
    return session;
  }

  /** A PC's multicast stays on its network. Of a PC that was never here it is not known where it will come. */
  private requireOneNetwork(sender: PcRecord, pcs: readonly PcRecord[]): void {
    const { presence } = this.ports;
    const own = presence.networkOf(sender.id);
    const elsewhere = pcs.filter(
      ({ id }) => presence.hasPlace(id) && presence.networkOf(id) !== own,
    );
    const [first] = elsewhere;
    if (first === undefined) return;
    throw new RoomcastError(
      "refused",
      `${sender.name} is on ${own}, and ${elsewhere.map(({ name }) => name).join(", ")} on ${presence.networkOf(first.id)}: a live cast does not leave its network`,
      "capture the disk, then restore the image: the server casts it on each network",
    );
  }

  /** The PCs of a restore that are not verified and not at work; throws `conflict` when there are none. */
  retryable(session: string): PcRecord[] {
    const { sessions, inventory } = this.ports;
    const pcs = sessions
      .unverified(session)
      .map((id) => inventory.get(id))
      .filter((pc) => pc !== undefined);
    if (pcs.length > 0) return pcs;
    throw new RoomcastError(
      "conflict",
      `session ${session} has no PC that failed or was stopped and is still known`,
      `see \`roomcast session show ${session}\``,
    );
  }

  /**
   * Tries again with the PCs that are not verified: in the same session while that is under way, else
   * in a new one of just these PCs. They hash their disks first, so what is there is not sent again, and
   * they take no other disk than before.
   */
  retry(id: string, by: OrderedBy): SessionView {
    const { sessions } = this.ports;
    const pcs = this.retryable(id);
    const session = sessions.session(id);
    if (session.endedAt === null && sessions.isServing(id)) {
      return this.admit(id, pcs, by);
    }
    const { spec, receivers } = session.state as RestoreState | LiveState;
    const { disk, verify, afterwards, personalise, failingDisks, proveBootMs } = spec;
    const proveBootSeconds = proveBootMs === null ? null : proveBootMs / 1000;
    const request = {
      ...{ disk, failingDisks, verify, afterwards, personalise, proveBootSeconds, canary: null },
      meant: meantIn(receivers),
      ...{ room: null, pcs: pcs.map((pc) => pc.id), delta: true },
      ...{ start: "now" as const, startTimeoutSeconds: null },
    };
    if (session.kindName === "restore") {
      const { image: cast, spec } = session.state as RestoreState;
      return this.restore({ ...request, image: cast.id, fit: spec.fit }, by);
    }
    const { image } = session.state as LiveState;
    if (image !== null) return this.restore({ ...request, image: image.id, fit: "auto" }, by);
    // A live cast that left no image is cast again by the same PC.
    const { sender, saveAs, sourceDisk, sourceMeant, raw } = spec as LiveSpec;
    const source = { sender, sourceDisk, ...(sourceMeant === undefined ? {} : { sourceMeant }) };
    return this.cast({ ...request, ...source, saveAs, raw, fit: "never" }, by);
  }

  /** Lets PCs into a session that is under way, or back into it: all of them or none. */
  admit(session: string, pcs: readonly PcRecord[], by: OrderedBy): SessionView {
    const { admissions, sessions } = this.ports;
    admissions.requireOrder(pcs, by);
    const faults = this.ownFaults(session, pcs);
    if (faults.length > 0) throw refusedFor(faults);
    const view = sessions.admit(session, pcs);
    this.place(view, pcs, by);
    return view;
  }

  /** What keeps PCs that come late from being personalised in this session, beside those that are there. */
  ownFaults(id: string, pcs: readonly PcRecord[]): readonly Fault[] {
    const { sessions, images, inventory, personals } = this.ports;
    const { kindName, kind, state } = sessions.session(id);
    if (kindName !== "restore" && kindName !== "cast") return [];
    const { spec } = state as RestoreState | LiveState;
    if (spec.personalise !== "auto") return [];
    const systems: readonly HostSystem[] =
      "image" in spec ? images.systemsOf(spec.image.id) : ["any system"];
    const others = [...kind.pcs(state)].flatMap((other) => inventory.get(other) ?? []);
    return personals.faults([...new Set([...others, ...pcs])], systems);
  }

  capture(
    request: { pc: string; name: string; disk: string | null; raw: boolean },
    by: OrderedBy | null,
  ): SessionView {
    const { inventory, pcs, admissions, sessions } = this.ports;
    const pc = inventory.find(request.pc);
    this.requireOwn([pc]);
    pcs.requireOnline(pc);
    admissions.requireOrder([pc], by);
    const { name, disk, raw } = request;
    const session = sessions.capture(pc, { name, disk, raw });
    this.place(session, [pc], by);
    return session;
  }

  /** Empties a PC's disk; the session is one that a restart of the server does not end. */
  wipe(request: NamedWipe, by: OrderedBy | null): SessionView {
    const { inventory, pcs, admissions, sessions } = this.ports;
    const pc = inventory.find(request.pc);
    this.requireOwn([pc]);
    admissions.requireOrder([pc], by);
    pcs.requireOnline(pc);
    const { pc: _, ...order } = request;
    const session = sessions.wipe(pc, { ...order, ...orderer(by) });
    this.place(session, [pc], by);
    return session;
  }
}

/** Throws `usage` where nobody can be seen to come up. */
function requireProvable(request: Pick<RestoreRequest, "afterwards" | "proveBootSeconds">): void {
  if (request.proveBootSeconds === null || request.afterwards !== "poweroff") return;
  throw new RoomcastError(
    "usage",
    "a PC that goes off is not seen to come up",
    "leave --prove-boot out, or choose --then reboot or boot-disk",
  );
}

/** Whom the session remembers as the one who ordered it; without an operator it is as the request says. */
const orderer = (by: OrderedBy | null): { readonly orderedBy?: string } =>
  by === null ? {} : { orderedBy: by.operator };
