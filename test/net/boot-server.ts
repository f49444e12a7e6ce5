/**
 * The boot services alone, for a network namespace: DHCP on an interface, TFTP on its address. Leases
 * are kept in a file. Says `ready` and then each fact as a line of JSON.
 * `boot-server.ts INTERFACE ADDRESS FOLDER LEASES.json [LEASE-SECONDS]`
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { BootUuids } from "../../core/boot/boot-uuids.ts";
import type { Lease } from "../../core/boot/lease-pool.ts";
import { startDhcpListener } from "../../server/gate/boot/dhcp-listener.ts";
import { dhcpSettings } from "../../server/gate/boot/dhcp-settings.ts";
import { startTftpListener } from "../../server/gate/boot/tftp-listener.ts";
import { interfaceMtu } from "../../server/host/interface-mtu.ts";
import { noSeats, shimFirst } from "../core/boot/loaders.ts";

const [interfaceName = "", address = "", folder = "", leaseFile = "", leaseSeconds = "600"] =
  process.argv.slice(2);

const say = (fields: object): void => void process.stdout.write(`${JSON.stringify(fields)}\n`);
const onError = (error: Error): void => say({ error: error.message });

const stored = new Map<string, Lease>();
if (existsSync(leaseFile)) {
  for (const lease of JSON.parse(readFileSync(leaseFile, "utf8")) as Lease[])
    stored.set(lease.mac, lease);
}
const keep = (): void => writeFileSync(leaseFile, JSON.stringify([...stored.values()]));

const own = {
  address,
  netmask: "255.255.255.0",
  serverUrl: `http://${address}:8080`,
  uefiLoaders: shimFirst,
  bootUuids: new BootUuids(),
  seats: noSeats,
};
const dhcp = await startDhcpListener({
  ...dhcpSettings(own, { leaseSeconds: Number(leaseSeconds), router: address, dns: [address] }),
  interfaceName,
  leases: {
    load: () => [...stored.values()],
    async save(lease) {
      stored.set(lease.mac, lease);
      keep();
    },
    remove(mac) {
      stored.delete(mac);
      keep();
    },
  },
  relayed: [],
  onFact: say,
  onClient() {},
  onError,
});
const tftp = await startTftpListener({
  ...{ address, port: 69, folder, onFact: say, onError },
  mtu: () => interfaceMtu(interfaceName),
  macAt: () => null,
  onRequest() {},
});

/** On request: what was counted. */
process.on("SIGUSR2", () =>
  say({
    counters: {
      dhcpTaken: dhcp.packetsTaken,
      dhcpIgnored: dhcp.packetsIgnored,
      tftpIgnored: tftp.packetsIgnored,
    },
  }),
);
process.on("SIGTERM", async () => {
  await dhcp[Symbol.asyncDispose]();
  await tftp[Symbol.asyncDispose]();
});
say({ ready: true });
