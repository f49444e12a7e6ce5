/**
 * The room's wire, all of it in network namespaces: the server on one end of a veth pair, a bridge,
 * and a tap for each PC. Nothing of it is seen outside, and several rooms can stand side by side.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { run } from "./run.ts";

/** The lab's side of the server, in the server's namespace. */
export const serverInterface = "lab0";
/** The other end of it: the port of the first wire's bridge. */
export const serverPort = "server0";
export const serverAddress = "10.77.0.1";

export interface RoomNetwork {
  /** Where the lab server runs. */
  readonly serverNamespace: string;
  /** Where the bridge is and the PCs run. */
  readonly wireNamespace: string;
  /** For the PCs' sockets: their paths may have 107 characters, and a checkout can lie deeper. */
  readonly socketFolder: string;
  /** Makes a tap on the bridge and answers its name. */
  addPort(name: string): Promise<string>;
  /** A further wire, with a bridge of its own: the server is `10.(77 + wire).0.1` on it, by the interface `lab<wire>`. */
  addWire(wire: number): Promise<string>;
  /**
   * A further wire that is VLAN `id` of the first one's bridge and comes to the server by the same cable, with its tag:
   * there by the interface `lab0.<id>`, otherwise as with `addWire`. Needs a kernel with 802.1Q.
   */
  addVlan(wire: number, id: number): Promise<string>;
  /** Adds a host to a wire, the first unless it is said: a namespace of its own behind a port of the bridge, as `10.77.0.1NN`. */
  addHost(
    number: number,
    wire?: number,
  ): Promise<{ readonly namespace: string; readonly address: string }>;
  /** Kills what runs in the namespaces and removes them. Synchronous, so that it serves at exit. */
  remove(): void;
}

/**
 * Builds the wire. Leftovers of rooms whose process is dead are swept first. The room is removed when
 * the process ends, however it ends short of SIGKILL; after that, by the next room.
 */
export async function openNetwork(): Promise<RoomNetwork> {
  requirePrivileges();
  sweepDeadRooms();
  const serverNamespace = `${namespacePrefix}${process.pid}-${nextRoom}-server`;
  const wireNamespace = `${namespacePrefix}${process.pid}-${nextRoom}-wire`;
  const socketFolder = join("/run", `${namespacePrefix}${process.pid}-${nextRoom}-sockets`);
  const hostNamespaces: string[] = [];
  const hostNamespace = `${namespacePrefix}${process.pid}-${nextRoom}-host`;
  nextRoom += 1;
  const remove = (): void => {
    process.off("exit", remove);
    hostNamespaces.forEach(removeNamespace);
    removeNamespace(serverNamespace);
    removeNamespace(wireNamespace);
    rmSync(socketFolder, { recursive: true, force: true });
  };
  process.on("exit", remove);
  const wire = (...args: string[]) => run(["ip", "-n", wireNamespace, ...args]);
  const server = (...args: string[]) => run(["ip", "-n", serverNamespace, ...args]);
  const vlan = (...args: string[]) => run(["bridge", "-n", wireNamespace, "vlan", ...args]);

  mkdirSync(socketFolder, { mode: 0o700 });
  await run(["ip", "netns", "add", serverNamespace]);
  await run(["ip", "netns", "add", wireNamespace]);
  for (const ip of [wire, server]) await ip("link", "set", "lo", "up");
  await letBridgePassFirewall(wireNamespace);
  const addWire = async (number: number): Promise<string> => {
    const [bridge, port, name] = [`br${number}`, `server${number}`, `lab${number}`];
    // Nobody on this wire asks for memberships, so a snooping bridge would in the end forget them.
    await wire("link", "add", bridge, "type", "bridge", "stp_state", "0", "mcast_snooping", "0");
    await wire("link", "set", bridge, "up");
    await wire("link", "add", port, "type", "veth", "peer", "name", name, "netns", serverNamespace);
    await wire("link", "set", port, "master", bridge, "up");
    await server("address", "add", `10.${77 + number}.0.1/24`, "brd", "+", "dev", name);
    await server("link", "set", name, "up");
    return name;
  };
  await addWire(0);
  /** By wire. */
  const vlans = new Map<number, number>();

  return {
    serverNamespace,
    wireNamespace,
    socketFolder,
    async addPort(name) {
      // A PC that was switched off has left its own behind.
      await run(["ip", "link", "delete", name], { namespace: wireNamespace, accept: [0, 1] });
      await run(["ip", "tuntap", "add", "dev", name, "mode", "tap"], { namespace: wireNamespace });
      await wire("link", "set", name, "master", "br0", "up", "txqueuelen", "10000");
      return name;
    },
    addWire,
    async addVlan(number, id) {
      const name = `${serverInterface}.${id}`;
      vlans.set(number, id);
      await wire("link", "set", "br0", "type", "bridge", "vlan_filtering", "1");
      await vlan("add", "dev", serverPort, "vid", String(id));
      const kind = ["type", "vlan", "id", String(id)];
      await server("link", "add", "link", serverInterface, "name", name, ...kind);
      await server("address", "add", `10.${77 + number}.0.1/24`, "brd", "+", "dev", name);
      await server("link", "set", name, "up");
      return name;
    },
    async addHost(number, onWire = 0) {
      const namespace = `${hostNamespace}${number}`;
      const port = `host${number}`;
      const address = `10.${77 + onWire}.0.${100 + number}`;
      hostNamespaces.push(namespace);
      await run(["ip", "netns", "add", namespace]);
      await wire("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace);
      const id = vlans.get(onWire);
      await wire("link", "set", port, "master", `br${id === undefined ? onWire : 0}`, "up");
      if (id !== undefined) {
        await vlan("delete", "dev", port, "vid", "1");
        await vlan("add", "dev", port, "vid", String(id), "pvid", "untagged");
      }
      const host = (...args: string[]) => run(["ip", "-n", namespace, ...args]);
      await host("link", "set", "lo", "up");
      await host("address", "add", `${address}/24`, "brd", "+", "dev", "eth0");
      await host("link", "set", "eth0", "up");
      return { namespace, address };
    },
    remove,
  };
}

const namespacePrefix = "roomcast-";
let nextRoom = 1;

/** With br_netfilter loaded, bridged frames run through the host's firewall unless told otherwise. */
async function letBridgePassFirewall(namespace: string): Promise<void> {
  for (const family of ["iptables", "ip6tables", "arptables"]) {
    const path = `/proc/sys/net/bridge/bridge-nf-call-${family}`;
    // The file is there for each namespace where the module is loaded, and nowhere otherwise.
    await run(["sh", "-c", `test ! -e ${path} || echo 0 >${path}`], { namespace });
  }
}

function requirePrivileges(): void {
  if (process.getuid?.() !== 0) {
    throw new RoomcastError(
      "refused",
      "the virtual room needs root: it makes network namespaces and taps",
      "run it again as root (sudo)",
    );
  }
  if (!existsSync("/dev/net/tun")) {
    throw new RoomcastError(
      "failed",
      "the virtual room needs /dev/net/tun, and there is none",
      "load it with `modprobe tun`, or give the container the device",
    );
  }
}

function sweepDeadRooms(): void {
  const isDead = (name: string): boolean => {
    const owner = new RegExp(`^${namespacePrefix}(\\d+)-\\d+-(server|wire|sockets|host\\d+)$`).exec(
      name,
    )?.[1];
    return owner !== undefined && !isNodeProcess(owner);
  };
  if (existsSync("/run/netns")) readdirSync("/run/netns").filter(isDead).forEach(removeNamespace);
  for (const name of readdirSync("/run").filter(isDead)) {
    rmSync(join("/run", name), { recursive: true, force: true });
  }
}

/** A pid can come round again: what is not a Node process is not a room. */
function isNodeProcess(pid: string): boolean {
  try {
    return /node|MainThread/.test(readFileSync(`/proc/${pid}/comm`, "utf8"));
  } catch {
    return false;
  }
}

function removeNamespace(name: string): void {
  const { stdout } = spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" });
  for (const pid of (stdout ?? "").split("\n").filter((line) => line !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
  }
  spawnSync("ip", ["netns", "delete", name]);
}
