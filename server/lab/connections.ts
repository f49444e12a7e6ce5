import type { AgentMessage } from "../../core/wire/agent-message.ts";
import { type BulkFrame, bulkKind } from "../../core/wire/bulk.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import { defaultRoom } from "../state/records.ts";
import type { Admissions } from "./admissions.ts";
import type { AgentEvents, Login } from "./agents.ts";
import type { Announcer } from "./announcer.ts";
import type { LabGrants } from "./grants.ts";
import type { Inventory } from "./inventory.ts";
import type { Looks } from "./looks.ts";
import type { Menus } from "./menus.ts";
import type { PcRequests } from "./pc-requests.ts";
import type { Presence } from "./presence.ts";
import { RareLines, usualLines } from "./rare-line.ts";
import type { Requests } from "./requests.ts";
import type { RoomChecks } from "./room-checks.ts";
import type { RoomOrders } from "./room-orders.ts";
import type { ServedPcs } from "./served-pcs.ts";
import type { SessionRunner } from "./session-runner.ts";
import type { Shells } from "./shells.ts";
import type { StartingPcs } from "./starting-pcs.ts";
import type { LabTimers } from "./timers.ts";

/** How often the PCs that nobody placed and that are gone are looked for, in milliseconds. */
const sweepEvery = 60_000;

export interface ConnectionsPorts {
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly presence: Presence;
  readonly runner: SessionRunner;
  readonly served: ServedPcs;
  readonly starting: Pick<StartingPcs, "boots">;
  readonly rooms: Pick<RoomOrders, "tell">;
  readonly menus: Menus;
  readonly requests: Requests;
  readonly pcRequests: PcRequests;
  readonly shells: Shells;
  readonly grants: LabGrants;
  readonly looks: Looks;
  readonly roomChecks: RoomChecks;
  readonly timers: Pick<LabTimers, "every" | "now">;
  readonly serverVersion: string;
  /** What is said on the screen of a PC whose room is at another server; null: nothing. */
  noticeFor(login: Login): string | null;
  isoTime(): string;
  send(pc: string, message: ServerMessage): void;
  log(fields: Record<string, unknown>, text: string): void;
}

/** The connections of the PCs' agents: each word of an agent comes here first, and goes to whom it concerns. */
export class Connections implements AgentEvents {
  private readonly ports: ConnectionsPorts;
  /** For the log: anybody can connect, again and again. */
  private readonly lines: RareLines;

  constructor(ports: ConnectionsPorts) {
    this.ports = ports;
    this.lines = new RareLines(() => ports.timers.now(), usualLines);
    ports.timers.every(sweepEvery, () => this.sweep());
  }

  login(login: Login): { pc: string; welcome: ServerMessage } {
    const { admissions, starting, serverVersion, isoTime, log } = this.ports;
    const { hello, address, key } = login;
    const pc = admissions.arrive(login);
    if (pc.unplaced === undefined) starting.boots.arrived(pc);
    const standing = admissions.standing(pc.id, login);
    const { level } = standing;
    const about = { pc: pc.name, mac: hello.mac, address, key: key.fingerprint, level };
    const line = this.lines.take("connected", "PC connected");
    if (line !== null) log(about, line);
    const { id, name, room } = pc;
    const place = { pc: id, name, room, time: isoTime() };
    return { pc: id, welcome: { type: "welcome", serverVersion, ...place, ...standing } };
  }

  connected(id: string, login: Login): void {
    const { inventory, admissions, announcer, presence, served, rooms, send } = this.ports;
    admissions.arrived(id, login);
    presence.connected(id, login);
    const pc = inventory.get(id);
    if (pc !== undefined) {
      served.placeIfOrdered(pc);
      served.sync(id);
      rooms.tell(pc);
      if (pc.doubt !== undefined) {
        // Whom it resembles is for the console alone: it may be a stranger that tries marks out.
        const text = "WHICH PC IS THIS? It may be one that is known: an operator has to say";
        send(id, { type: "notice", text });
      }
      const notice = pc.unplaced === undefined ? null : this.ports.noticeFor(login);
      if (notice !== null) send(id, { type: "notice", text: notice });
      served.placed(pc);
      announcer.room(pc.room);
    }
    announcer.pc(id);
  }

  lost(id: string, reason: string): void {
    const { inventory, admissions, announcer, presence, isoTime, log } = this.ports;
    presence.lost(id);
    const pc = inventory.get(id);
    if (pc !== undefined) {
      admissions.lost(pc);
      pc.lastSeen = isoTime();
      inventory.save(pc, "soon");
      const line = this.lines.take("lost", "PC lost");
      if (line !== null) log({ pc: pc.name, reason }, line);
      announcer.room(pc.room);
    }
    const { menus, requests, served, shells } = this.ports;
    menus.lost(id);
    requests.lost(id);
    served.lost(id, reason);
    shells.lost(id, reason);
    announcer.pc(id);
  }

  message(id: string, message: AgentMessage): void {
    const { runner, served, pcRequests, shells, grants, looks, roomChecks, send } = this.ports;
    switch (message.type) {
      case "alive":
        return this.alive(id, message);
      case "ask":
        return pcRequests.take(id, message.want);
      case "unlock":
        return pcRequests.unlock(id, message.pin);
      case "grant-request":
        return send(id, grants.answer(id, message.view));
      case "shell-ended":
        return shells.ended(id, message);
      case "seen":
        return looks.seen(id, message);
      case "heard":
        return roomChecks.take(id, message);
      case "ready":
      case "progress":
      case "delivery":
      case "cast-stats":
        if (served.has(id)) runner.message(id, message);
        return;
    }
  }

  bulk(id: string, frame: BulkFrame): void {
    const { runner, served, shells } = this.ports;
    if (frame.kind === bulkKind.shell) shells.shown(id, frame.tag, frame.payload);
    else if (served.has(id)) runner.equipment.takeFrame(id, frame);
  }

  private alive(id: string, { state, report }: Extract<AgentMessage, { type: "alive" }>): void {
    const { runner, served, presence, announcer } = this.ports;
    const hasChanged = presence.alive(id, state, report);
    if (served.has(id)) runner.reported(id, report);
    if (hasChanged) announcer.pc(id);
  }

  /** PCs that nobody placed are not remembered for long. */
  private sweep(): void {
    const { inventory, admissions, announcer, presence } = this.ports;
    const gone = admissions.sweep();
    presence.keep((id) => inventory.get(id) !== undefined);
    for (const id of gone) announcer.pc(id);
    if (gone.length > 0) announcer.room(defaultRoom);
  }
}
