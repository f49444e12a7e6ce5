/** What the person at a PC asks for in its menu: the one place where it is decided. */

import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { diskIdentity, diskLine } from "../../core/screen/disk.ts";
import { foreseenTarget, sectorsOfLive } from "../../core/screen/target.ts";
import { chooseSource, diskReference } from "../../core/session/target.ts";
import { type AskedAction, isAllowed } from "../../core/trust/asks.ts";
import { isAtLeast, type Level } from "../../core/trust/level.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Right } from "../../core/wire/trust.ts";
import type { DiskView, PcView } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { Admissions } from "./admissions.ts";
import type { Announcer } from "./announcer.ts";
import type { ImageOrders } from "./image-orders.ts";
import type { Inventory } from "./inventory.ts";
import type { Menus } from "./menus.ts";
import type { PcOrders } from "./pc-orders.ts";
import type { Asked, Requests } from "./requests.ts";
import type { RoomOrders } from "./room-orders.ts";
import type { NamedCast, SessionOrders } from "./session-orders.ts";
import type { Sessions } from "./sessions.ts";

export type PcRequest = Extract<AgentMessage, { type: "ask" }>["want"];
type Decided = Extract<PcRequest, { action: AskedAction }>;

/** What the menu does not ask about. */
const usual = {
  disk: null,
  failingDisks: [],
  start: "now",
  startTimeoutSeconds: null,
  delta: false,
  verify: "read-back",
  afterwards: "stay",
  personalise: "auto",
  proveBootSeconds: null,
  canary: null,
} as const satisfies Partial<NamedCast>;

/** What a PC has to be for what is asked for there. */
const levelFor: Readonly<Record<PcRequest["action"], Level>> = {
  "take-seat": "waiting",
  withdraw: "waiting",
  "boot-disk": "unproven",
  stop: "unproven",
  restore: "unproven",
  capture: "unproven",
  wipe: "unproven",
  cast: "unproven",
};

export interface PcRequestsPorts {
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly images: Pick<ImageOrders, "find">;
  readonly menus: Menus;
  readonly orders: SessionOrders;
  readonly pcs: Pick<PcOrders, "startFromDisk">;
  readonly requests: Requests;
  readonly rooms: Pick<RoomOrders, "takeSeat" | "view">;
  readonly sessions: Pick<Sessions, "requireFree" | "stoppedAtPc">;
  pcView(pc: PcRecord): PcView;
  send(pc: string, message: ServerMessage): void;
}

/** What the people at PCs do there; an error is told there, too. */
export class PcRequests {
  private readonly ports: PcRequestsPorts;

  constructor(ports: PcRequestsPorts) {
    this.ports = ports;
  }

  /**
   * Does what the person at this PC asks for and has confirmed there, or has an operator asked first;
   * refuses as the operator's order does. Whoever is at a PC may always stop its work.
   */
  take(id: string, request: PcRequest): void {
    this.atMenu(id, levelFor[request.action], () => this.meet(id, request));
  }

  /** Somebody has typed a PIN there. */
  unlock(id: string, pin: string): void {
    const { menus, inventory } = this.ports;
    this.atMenu(id, "unproven", () => menus.unlock(inventory.find(id), pin));
  }

  /** Does what a PC of this level may. */
  private atMenu(id: string, needed: Level, act: () => void): void {
    const { admissions, send } = this.ports;
    try {
      requireLevel(admissions.standing(id).level, needed);
      act();
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      send(id, { type: "notice", text: `${error.message}: ${error.next}` });
    }
  }

  private meet(id: string, request: PcRequest): void {
    const { inventory, requests, rooms, sessions, pcs } = this.ports;
    switch (request.action) {
      case "stop":
        return sessions.stoppedAtPc(id, request.session);
      case "boot-disk":
        return pcs.startFromDisk(id);
      case "take-seat":
        return rooms.takeSeat(inventory.find(id));
      case "withdraw":
        return requests.withdraw(id);
      default:
        return this.decide(inventory.find(id), request);
    }
  }

  private decide(pc: PcRecord, request: Decided): void {
    const { sessions, menus, admissions, requests, announcer } = this.ports;
    sessions.requireFree(pc);
    const asked = this.askedOf(pc, request);
    const right = menus.rightOf(pc);
    menus.used(pc);
    // From a PC whose key does not last nobody reaches others without an operator's yes.
    const reachesTooFar =
      request.action === "cast" && !isAtLeast(admissions.standing(pc.id).level, "placed");
    if (reachesTooFar || !isAllowed(request.action, menus.rulesOf(pc), right))
      return requests.ask(pc, asked);
    asked.perform(`whoever was at ${pc.name}`);
    announcer.note({ pc: pc.id }, `was asked at its menu, ${byText(right)}, to ${asked.what}`);
  }

  /** What would be done, bound to the image, the disk and the PCs as they are now. */
  private askedOf(pc: PcRecord, request: Decided): Asked {
    const { orders, images } = this.ports;
    const { action } = request;
    const disk = diskOf(pc, request.disk);
    const named = diskReference(disk, pc.hello.disks);
    const own = { overwrites: [`${pc.name}  ${diskLine(disk)}`], word: pc.name };
    switch (action) {
      case "wipe": {
        const { method } = request;
        const how = method === "zero" ? "with zeros" : `by ${method.replace("-", " ")}`;
        return {
          ...{ action, ...own, what: `erase its disk ${diskIdentity(disk)} ${how}` },
          perform: (orderedBy) =>
            orders.wipe({ pc: pc.id, method, disk: named, failingDisks: [], orderedBy }, null),
        };
      }
      case "restore": {
        const image = images.find(request.image);
        const order = {
          ...{ ...usual, image: image.id, room: null, pcs: [pc.id], disk: named },
          fit: "auto" as const,
        };
        return {
          ...{
            action,
            ...own,
            what: `restore ${imageName(image)} to its disk ${diskIdentity(disk)}`,
          },
          perform: (orderedBy) => orders.restore({ ...order, orderedBy }, null),
        };
      }
      case "capture": {
        const order = { pc: pc.id, name: request.name, disk: named, raw: false };
        return {
          ...{ action, overwrites: [], word: null },
          what: `store its disk ${diskIdentity(disk)} as image ${request.name}`,
          perform: () => orders.capture(order, null),
        };
      }
      case "cast":
        return this.castOf(pc, request, disk);
    }
  }

  /** To its own room and no other: the person has typed the name that the PC was told. */
  private castOf(
    pc: PcRecord,
    { room: typed, saveAs }: Extract<Decided, { action: "cast" }>,
    disk: DiskView,
  ): Asked {
    const { orders, rooms, pcView } = this.ports;
    const { room } = pc;
    const sourceDisk = diskReference(disk, pc.hello.disks);
    if (room !== typed) {
      const next = "look at the room's name on this screen, and try again";
      throw new RoomcastError("conflict", `this PC is in room ${room} now`, next);
    }
    const others = (): PcRecord[] =>
      orders.targets({ room, pcs: null }, null).filter(({ id }) => id !== pc.id);
    const idsOf = (pcs: readonly PcRecord[]): string =>
      pcs
        .map(({ id }) => id)
        .sort()
        .join();
    const shown = others();
    const view = rooms.view(room);
    const usualDisk = { named: null, failingDisks: [], sectors: sectorsOfLive(disk.logicalSector) };
    const count = shown.length === 1 ? "1 PC" : `${shown.length} PCs`;
    const stored = saveAs === null ? "" : `, stored as image ${saveAs}`;
    return {
      action: "cast",
      what: `cast its disk ${diskIdentity(disk)} to ${room} (${count})${stored}`,
      overwrites: shown.map(
        (each) => `${each.name}  ${foreseenTarget(pcView(each), [view], usualDisk).text}`,
      ),
      word: room,
      perform(orderedBy) {
        if (pc.room !== room || idsOf(others()) !== idsOf(shown)) {
          const next = "ask again at the PC, and see the disks that are overwritten now";
          throw new RoomcastError("conflict", `the PCs of room ${room} are others by now`, next);
        }
        const order = { ...usual, room, pcs: null, sender: pc.id, saveAs, sourceDisk, raw: false };
        return orders.cast({ ...order, fit: "never", orderedBy }, null);
      },
    };
  }
}

/** By what it needs no operator, for the history. */
function byText(right: Right | null): string {
  if (right === null) return "where nobody has to say yes";
  return right === "menu" ? "with the room's PIN" : "with the instructor's PIN";
}

/** Throws `refused` for one that its agent does not show. */
function diskOf(pc: PcRecord, named: string): DiskView {
  const candidates = pc.hello.disks.map((disk) => ({ disk, inUse: null }));
  const found = chooseSource(candidates, named);
  if (found.kind === "disk") return found.disk;
  throw new RoomcastError("refused", found.reason, found.next);
}

/** Throws `refused` at a PC that nobody has placed. */
function requireLevel(level: Level, needed: Level): void {
  if (isAtLeast(level, needed)) return;
  throw new RoomcastError(
    "refused",
    "nobody has placed this PC yet",
    "tell an operator the code on this screen",
  );
}
