/**
 * How far the network boot of each PC has come, by what DHCP, TFTP and HTTP see of it, and what it means
 * where one does not go on: such a PC shows next to nothing itself.
 */

import type { MacAddress } from "../units/mac.ts";
import { makeRoom } from "../units/make-room.ts";
import { type Millis, millis } from "../units/units.ts";
import type { DhcpMode } from "../wire/api.ts";
import { type DhcpPacket, dhcpType, messageType } from "../wire/dhcp/packet.ts";
import { AddressClaims } from "./address-claims.ts";
import type { DhcpFact, Loads } from "./dhcp-action.ts";
import { isLook } from "./dhcp-watch.ts";
import { whoAsks } from "./who-asks.ts";

/**
 * So often, and for so long, a PC asks that takes no offer. PXE 2.1 section 2.2.4 has firmware ask again after 4, 8
 * and 16 s; who takes an offer does so within the first of them.
 */
const asksWithoutTaking = 3;
const askingMs = 10_000;
/** Firmware and loaders ask for what they were told within a second or two. */
const fetchingMs = 20_000;
/** What a loader, and what a script does next takes longer: a link that comes up anew, a person who reads the menu. */
const goingOnMs = 60_000;
/** What has not been heard of for so long says nothing of now. */
const courseMs = 15 * 60_000;
/** MACs and relays cost nothing to invent: the one that was silent for longest is forgotten. */
const coursesLimit = 1024;
const relaysLimit = 16;

interface Course {
  heardAt: Millis;
  /** Its DISCOVERs since it last took an address; null: it has taken one. */
  asking: { readonly firstAt: Millis; lastAt: Millis; count: number } | null;
  /** The last offer that it got, with what it is to load; null: none since it asks. */
  offer: { readonly loads: Loads | null } | null;
  /** Why it got none. */
  refusal: string | null;
  /** What it is to do, and has not done yet. */
  next: Next | null;
  address: string | null;
  /** Why it cannot boot here, or why a transfer ended. */
  fault: string | null;
}

type Next = { readonly at: Millis } & (
  | { readonly name: "fetch-told" | "fetch-kernel"; readonly loads: Loads }
  /** To ask for an address or a file, by the loader that it has got. */
  | { readonly name: "go-on"; readonly file: string }
);

export class BootCourses {
  private readonly mode: DhcpMode;
  private readonly courses = new Map<MacAddress, Course>();
  private readonly relays = new Map<string, Millis>();
  /** Of its addresses. */
  readonly claims = new AddressClaims();

  /** `off`: others answer, and what they say is not heard; what PCs ask is. */
  constructor(mode: DhcpMode) {
    this.mode = mode;
  }

  /** A client's message, for whatever server. */
  asked(packet: DhcpPacket, now: Millis): void {
    const asked = whoAsks(packet);
    if (asked === null || isLook(packet)) return;
    // The boot image or a system runs: the boot went well, or led elsewhere.
    if (asked.asker.kind !== "loader") return void this.courses.delete(packet.mac);
    const type = messageType(packet);
    if (type === dhcpType.discover) {
      const course = this.course(packet.mac, now);
      if (course.asking === null) {
        course.asking = { firstAt: now, lastAt: now, count: 1 };
        course.offer = null;
      } else {
        course.asking.count++;
        course.asking.lastAt = now;
      }
      // A loader goes on, or the PC was started anew.
      if (course.next?.name !== "fetch-told") course.next = null;
    }
    // Beside another server it is seen what the PC takes by its request, which goes to all.
    if (this.mode !== "server" && type === dhcpType.request && packet.options.has(54)) {
      const loads = this.courses.get(packet.mac)?.offer?.loads ?? null;
      this.took(packet.mac, asked.address, loads, now);
    }
  }

  /** What the DHCP server or proxy made of it. */
  answered(fact: DhcpFact, now: Millis): void {
    const { kind, mac, address, text, loads } = fact;
    this.claims.answered(fact, now);
    switch (kind) {
      case "offered": {
        const course = this.course(mac, now);
        course.offer = { loads };
        course.refusal = null;
        // A proxy's offer with an address is its last word, on its own port.
        if (this.mode === "proxy" && address !== null) this.took(mac, address, loads, now);
        return;
      }
      case "leased":
        return this.took(mac, address, loads, now);
      case "elsewhere":
        return void this.courses.delete(mac);
      case "exhausted":
      case "occupied":
        this.course(mac, now).refusal = text;
        return;
      case "unsupported":
        this.course(mac, now).fault = `cannot boot from here: ${text}`;
        return;
      case "relayed":
        // Of another network: what becomes of its PCs is not seen here.
        this.courses.delete(mac);
        return this.relayed(address ?? "", now);
      default:
        return;
    }
  }

  /** Whoever has this address has asked for a file, by TFTP or HTTP. */
  fetches(address: string, file: string, now: Millis): void {
    const mac = this.macAt(address);
    const course = mac === null ? undefined : this.courses.get(mac);
    if (course === undefined) return;
    course.fault = null;
    const loader = loaders.exec(file)?.[1];
    course.next = loader === undefined ? null : { name: "go-on", at: now, file: loader };
  }

  /** The PC with this MAC has got what says what it is to start; null: no kernel from here. */
  gotScript(mac: MacAddress, kernel: Loads | null, now: Millis): void {
    const course = this.courses.get(mac);
    if (course === undefined) return;
    course.fault = null;
    // Who asks for the kernel is known by the address alone.
    const isSeen = kernel !== null && course.address !== null;
    course.next = isSeen ? { name: "fetch-kernel", at: now, loads: kernel } : null;
  }

  /** A transfer to this address was given up: nothing of it was acknowledged any more. */
  stoodStill(address: string, file: string, now: Millis): void {
    const mac = this.macAt(address);
    if (mac === null) return;
    this.course(mac, now).fault =
      `asked for ${file} by TFTP, and then took no more of it: it was switched off, or packets do not reach it (a firewall on the way, or a smaller MTU)`;
  }

  /** Whose address this is, as far as it was given in a boot; null: nobody's. */
  macAt(address: string): MacAddress | null {
    // The latest is at the end.
    for (const [mac, course] of [...this.courses].reverse())
      if (course.address === address) return mac;
    return null;
  }

  /** Each PC that does not go on, and what that means, as the rest of a sentence about it. */
  troubles(now: Millis): ReadonlyMap<MacAddress, string> {
    const found = new Map<MacAddress, string>();
    for (const [mac, course] of this.courses) {
      if (now - course.heardAt > courseMs) {
        this.courses.delete(mac);
        continue;
      }
      const text = this.troubleOf(course, now);
      if (text !== null) found.set(mac, text);
    }
    return found;
  }

  /** What is wrong with the network itself, in words. */
  relayTexts(ownAddress: string, now: Millis): string[] {
    for (const [relay, at] of this.relays) if (now - at > courseMs) this.relays.delete(relay);
    const relays = [...this.relays.keys()];
    if (relays.length === 0) return [];
    const [who, whose] =
      relays.length === 1
        ? [`the relay ${relays[0]} brings`, "its"]
        : [`the relays ${relays.join(", ")} bring`, "their"];
    return [
      `${who} what PCs of another network ask, and ${ownAddress} is not set up for it: those PCs get nothing. Name ${whose} network in the configuration ([[relayed]] subnet), or take ${ownAddress} out of the relay's list of servers`,
    ];
  }

  private troubleOf(course: Course, now: Millis): string | null {
    const { asking, next, fault } = course;
    if (fault !== null) return fault;
    if (asking !== null) {
      const { count } = asking;
      const lastedMs = asking.lastAt - asking.firstAt;
      if (count >= asksWithoutTaking && lastedMs >= askingMs) {
        const times = `has asked ${count} times in ${Math.round(lastedMs / 1000)} s`;
        return `${times} and ${this.whyNotTaken(course)}`;
      }
    }
    const patienceMs = next?.name === "fetch-told" ? fetchingMs : goingOnMs;
    return next === null || now - next.at < patienceMs ? null : notDone(next, course);
  }

  private whyNotTaken({ offer, refusal }: Course): string {
    if (this.mode === "off")
      return "takes no address: the network's DHCP server does not answer it or tells it nothing to boot (next-server, options 66 and 67), or the answers do not reach the PC (VLAN, port security)";
    if (offer === null) return `is offered nothing${refusal === null ? "" : `: ${refusal}`}`;
    if (this.mode === "server")
      return "takes no offer: another DHCP server's answer comes first, or this server's answer does not reach the PC (VLAN, port security)";
    return "takes no address: the network's DHCP server does not answer it, or the answers do not reach the PC (VLAN, port security)";
  }

  private took(mac: MacAddress, address: string | null, loads: Loads | null, now: Millis): void {
    const course = this.course(mac, now);
    course.asking = null;
    // Of what cannot boot here, an address changes nothing.
    if (loads !== null) course.fault = null;
    if (address !== null) course.address = address;
    const { next } = course;
    if (loads === null) course.next = null;
    // Told the same again, it is as late as before.
    else if (next?.name !== "fetch-told" || next.loads.file !== loads.file)
      course.next = { name: "fetch-told", at: now, loads };
  }

  private relayed(relay: string, now: Millis): void {
    this.relays.delete(relay);
    makeRoom(this.relays, relaysLimit);
    this.relays.set(relay, now);
  }

  private course(mac: MacAddress, now: Millis): Course {
    const before = this.courses.get(mac);
    this.courses.delete(mac);
    makeRoom(this.courses, coursesLimit);
    const isOver = before === undefined || now - before.heardAt > courseMs;
    const course: Course = isOver ? newCourse(now) : before;
    course.heardAt = millis(now);
    this.courses.set(mac, course);
    return course;
  }
}

const newCourse = (now: Millis): Course => ({
  ...{ heardAt: now, asking: null, offer: null, refusal: null },
  ...{ next: null, address: null, fault: null },
});

/** What starts before there is a script. */
const loaders = /(?:^|\/)(undionly\.kpxe|snponly\.efi|shimx64\.efi|grubx64\.efi)$/;

function notDone(next: Next, { address }: Course): string {
  switch (next.name) {
    case "fetch-told": {
      const { by, file } = next.loads;
      const own = address === null ? "its address" : `its address ${address}`;
      return `has ${own} and was told to load ${file} by ${by}, and never asked for it: ${whyNotFetched[by]}`;
    }
    case "go-on":
      return `has asked for ${next.file}, and for nothing since: its firmware refuses that loader (Secure Boot), the loader hangs or has no driver for the network card, or the PC was switched off`;
    case "fetch-kernel": {
      const { by, file } = next.loads;
      return `has got its boot menu and was to load ${file} by ${by}, and never asked for it: somebody chose otherwise in the menu, the boot loader hangs, or the PC was switched off`;
    }
  }
}

const whyNotFetched: Readonly<Record<Loads["by"], string>> = {
  TFTP: "its packets to UDP port 69 of this server are lost (a firewall), another DHCP server told it something else, or it was switched off",
  HTTP: "it does not reach this server's HTTP port (a firewall), another DHCP server told it something else, or it was switched off",
};
