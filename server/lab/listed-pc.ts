import type { PcFields } from "../../core/wire/views.ts";
import { defaultRoom, type PcRecord } from "../state/records.ts";

/** One PC of a list, and what it is to be. */
export interface ListedPc {
  readonly pc: PcRecord | null;
  /** Of one that is not known yet. */
  readonly mac: string;
  readonly uuid: string | null;
  readonly place: {
    readonly name: string;
    readonly room: string;
    readonly seat: string | null;
    readonly address: string | null;
    readonly fields: PcFields;
  };
}

/** A PC that was never here: all that is known of it is what a list says. */
export const expectedPc = (id: string, mac: string, uuid: string | null): PcRecord => ({
  ...{ id, name: "", room: defaultRoom, seat: null, macs: [mac], lastSeen: null },
  hello: {
    ...{ agentVersion: "", instance: "", name: null, mac, ip: null },
    identity: { uuid, serials: [], macs: [mac] },
    ...{ firmware: null, secureBoot: null, disks: [], memoryBytes: null },
    nic: { driver: null, speedMbps: null },
  },
  nextBoot: "room",
});
