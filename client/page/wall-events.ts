/** What a wall is told has only what a whole room may read; here it gets the form that all else of the page knows. */

import type { LiveEvent } from "../../core/wire/api.ts";
import { roomDefaults } from "../../core/wire/rooms.ts";
import type { MemberView } from "../../core/wire/views.ts";
import type { WallEvent, WallMember } from "../../core/wire/wall.ts";

/** Nothing is known of what is left out. */
export function fromWall(event: WallEvent | { readonly type: "reset" }): LiveEvent {
  switch (event.type) {
    case "room": {
      const unsaid = { settings: roomDefaults, pin: false, instructorPin: false };
      return { type: "room", room: { ...unsaid, ...event.room } };
    }
    case "pc":
      return {
        type: "pc",
        pc: {
          ...{ mac: "", macs: [], ip: null, firmware: null, secureBoot: null, agentVersion: null },
          ...{ nic: { driver: null, speedMbps: null }, disks: [], memoryBytes: null, doubt: null },
          ...{ address: null, fields: {}, bootTrouble: null },
          ...event.pc,
        },
      };
    case "session": {
      const unsaid = { sender: null, disk: null, failingDisks: [], forgedPackets: 0, notices: [] };
      const members = event.session.members.map(memberOf);
      return { type: "session", session: { ...unsaid, ...event.session, members } };
    }
    default:
      return event;
  }
}

const memberOf = (member: WallMember): MemberView => ({
  ...{ reason: null, disk: null, forgedPackets: 0, rootHash: null, steps: [] },
  ...member,
  boot: member.boot === null ? null : { name: null, system: null, evidence: null, ...member.boot },
});
