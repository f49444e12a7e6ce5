import { controlProtocol, type Hello } from "../../../core/wire/control.ts";

/** What the agent of a PC says of which nothing else is known than this. */
export const helloOf = (mac: string, more: Partial<Hello> = {}): Hello => ({
  type: "hello",
  protocol: controlProtocol,
  agentVersion: "1",
  instance: "i",
  name: null,
  identity: { uuid: null, serials: [], macs: [] },
  mac,
  ip: null,
  firmware: null,
  secureBoot: null,
  nic: { driver: null, speedMbps: null },
  disks: [],
  memoryBytes: null,
  state: "idle",
  report: null,
  ...more,
});

/** The same with what tells PCs apart. */
export const hello = (mac: string, uuid: string | null = null, name: string | null = null): Hello =>
  helloOf(mac, { name, identity: { uuid, serials: [], macs: [mac] } });
