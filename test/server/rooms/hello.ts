import type { Hello } from "../../../core/wire/control.ts";

/** What the agent of a PC says of which nothing else is known. */
export const hello = (
  mac: string,
  uuid: string | null = null,
  name: string | null = null,
): Hello => ({
  type: "hello",
  protocol: 1,
  agentVersion: "1",
  instance: "i",
  name,
  identity: { uuid, serials: [], macs: [mac] },
  mac,
  ip: null,
  firmware: null,
  secureBoot: null,
  nic: { driver: null, speedMbps: null },
  disks: [],
  memoryBytes: null,
  state: "idle",
  task: null,
});
