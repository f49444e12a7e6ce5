import type { Hello } from "../../../core/wire/hello.ts";
import type { Login } from "../../../server/lab/agents.ts";
import type { Inventory } from "../../../server/lab/inventory.ts";
import type { PcRecord } from "../../../server/state/records.ts";

/** What the agent of a PC says of which nothing else is known than this. */
export const helloOf = (mac: string, more: Partial<Hello> = {}): Hello => ({
  type: "hello",
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

/** A PC that an older server knew: in the inventory, and with no key yet. */
export function register(inventory: Inventory, said: Hello): PcRecord {
  const pc = inventory.create(said, "t", null);
  delete pc.unplaced;
  inventory.save(pc);
  return pc;
}

/** What the gate tells the lab of a PC that has proven the key that is called so. */
export const loginOf = (
  said: Hello,
  more: Partial<Omit<Login, "hello" | "key">> & {
    readonly key?: string;
    readonly kind?: Login["key"]["kind"];
  } = {},
): Login => {
  const { key = `key of ${said.mac}`, kind = "memory", ...rest } = more;
  return {
    hello: said,
    key: { fingerprint: `sha256:${key}`, kind, spki: key },
    address: "10.0.0.1",
    cameTo: "10.77.0.1",
    code: "123456",
    pcrDigest: null,
    ...rest,
  };
};
