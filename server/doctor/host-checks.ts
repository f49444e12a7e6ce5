/** What `doctor` checks on the host itself. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { sizeText } from "../../core/screen/format.ts";
import { ipv4ToText, subnetHosts } from "../../core/units/ipv4.ts";
import type { DhcpStatus, Finding } from "../../core/wire/api.ts";
import { type PortKind, portOwners } from "../host/port-owner.ts";
import { vlanOf } from "../host/vlan.ts";
import { inputRuleSets } from "./firewall.ts";
import { interfaceTowards } from "./routes.ts";

export const ok = (check: string, text: string): Finding => ({
  ...{ check, level: "ok", text, mend: null },
});
export const warning = (check: string, text: string, mend: string): Finding => ({
  ...{ check, level: "warning", text, mend },
});
export const problem = (check: string, text: string, mend: string): Finding => ({
  ...{ check, level: "problem", text, mend },
});

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // The file does not exist, or the driver does not know.
  }
};

/** In Mbit/s: a room of fifty PCs needs a gigabit link. */
const goodMbps = 1000;

/** `kernel`: where the kernel shows the host's interfaces. */
export function interfaceChecks(name: string, kernel = "/sys/class/net"): Finding[] {
  const check = "interface";
  const folder = join(kernel, name);
  const isUp = (each: string): boolean => (Number(read(join(kernel, each, "flags"))) & 1) === 1;
  if (!existsSync(folder))
    return [problem(check, `there is no interface ${name}`, mendLack(name, kernel))];
  if (!isUp(name)) {
    const under = vlanOf(name, kernel);
    // The kernel sets a VLAN's down with the one below it, and up again with that, and does not set it up alone.
    return under !== null && !isUp(under)
      ? [
          problem(
            check,
            `${name} is down, since ${under} is, which it is a VLAN of`,
            `ip link set ${under} up`,
          ),
        ]
      : [problem(check, `${name} is down`, `ip link set ${name} up`)];
  }
  const findings: Finding[] = [];
  if (read(join(folder, "carrier")) !== "1")
    findings.push(problem(check, `${name} has no link`, "check the cable and the switch port"));
  const own = networkInterfaces()[name]?.find(({ family }) => family === "IPv4");
  findings.push(
    own === undefined
      ? problem(check, `${name} has no IPv4 address`, `ip addr add 10.77.0.1/24 dev ${name}`)
      : ok(check, `${name} is up with ${own.cidr}`),
  );
  if (existsSync(join(folder, "wireless")))
    findings.push(
      warning(check, `${name} is wireless, where multicast is slow`, "use a wired interface"),
    );
  const speed = Number(read(join(folder, "speed")));
  if (speed > 0 && speed < goodMbps)
    findings.push(
      warning(
        "link speed",
        `${name} runs at ${speed} Mbit/s`,
        "check the cable and the switch port: 1000 Mbit/s is usual",
      ),
    );
  if (read(join(folder, "duplex")) === "half")
    findings.push(
      problem("link speed", `${name} runs half duplex`, "check the cable and the switch port"),
    );
  return findings;
}

/** What to do about an interface that does not exist: `eth1.20` says by its name how it would be made. */
function mendLack(name: string, kernel: string): string {
  const [, under = "", id] = /^(.+)\.(\d+)$/.exec(name) ?? [];
  if (under !== "" && existsSync(join(kernel, under)))
    return `ip link add link ${under} name ${name} type vlan id ${id}`;
  const all = Object.keys(networkInterfaces()).filter((each) => each !== "lo");
  return `use one of these: ${all.join(", ")}`;
}

export interface PortWanted {
  readonly kind: PortKind;
  readonly port: number;
  readonly use: string;
}

export const portsWanted = (
  modes: readonly DhcpStatus["mode"][] | null,
  { httpPort, httpsPort }: { readonly httpPort: number; readonly httpsPort: number },
): PortWanted[] => [
  ...(modes === null || modes.some((mode) => mode !== "off")
    ? [{ kind: "udp", port: 67, use: "DHCP" } as const]
    : []),
  ...(modes === null || modes.includes("proxy")
    ? [{ kind: "udp", port: 4011, use: "proxyDHCP" } as const]
    : []),
  { kind: "udp", port: 69, use: "TFTP" },
  { kind: "tcp", port: httpPort, use: "HTTP" },
  { kind: "tcp", port: httpsPort, use: "HTTPS" },
];

/** `serverPid` is the process of the lab server, which owns these ports; null if none is running. */
export function portChecks(wanted: readonly PortWanted[], serverPid: number | null): Finding[] {
  return wanted.map(({ kind, port, use }) => {
    const owners = portOwners(kind, port);
    const [owner] = owners;
    const name = `${kind.toUpperCase()} port ${port} (${use})`;
    if (owner === undefined && serverPid === null) return ok("ports", `${name} is free`);
    if (owner === undefined)
      return problem(
        "ports",
        `nothing listens on ${name}`,
        "see the server's log, and start it again",
      );
    if (owners.some((each) => each !== null && each.pid === serverPid))
      return ok("ports", `the server listens on ${name}`);
    if (owner === null)
      return problem(
        "ports",
        `${name} is in use by a program of another user`,
        "`ss -lnp`, as root, names it: stop it, unless it is this server",
      );
    return problem(
      "ports",
      `${name} is in use by ${owner.name} (process ${owner.pid})`,
      `stop it: systemctl stop ${owner.name}, or kill ${owner.pid}`,
    );
  });
}

/** Checks that packets to the PCs leave by the interface that the PCs are on. */
export function routeChecks(name: string, pcAddresses: readonly string[]): Finding[] {
  const own = networkInterfaces()[name]?.find(({ family }) => family === "IPv4");
  if (own === undefined) return [];
  const table = read("/proc/net/route");
  const { first, last } = subnetHosts(own.address, own.netmask);
  const wrong = new Map<string, string | null>();
  for (const address of [ipv4ToText(first), ipv4ToText(last), ...pcAddresses]) {
    const way = interfaceTowards(table, address);
    if (way !== name) wrong.set(address, way);
  }
  const [found] = wrong;
  if (found === undefined) return [ok("route", `packets to ${own.cidr} leave by ${name}`)];
  const [address, way] = found;
  return [
    problem(
      "route",
      way === null
        ? `there is no route to ${address}`
        : `packets to ${address} leave by ${way}, not by ${name}`,
      `give ${name} a subnet of its own, or run: ip route add ${address}/32 dev ${name}`,
    ),
  ];
}

const execute = promisify(execFile);
/** By absolute path: an ordinary user's PATH has no /usr/sbin. */
const said = async (command: string, words: readonly string[]): Promise<string | null> => {
  try {
    return (await execute(command, words, { maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch {
    return null; // The program is not installed, or not allowed.
  }
};

export async function firewallChecks(
  interfaceName: string,
  ports: readonly PortWanted[],
): Promise<Finding[]> {
  const check = "firewall";
  const [nft, iptables] = await Promise.all([
    said("/usr/sbin/nft", ["-j", "list", "ruleset"]),
    said("/usr/sbin/iptables", ["-S", "INPUT"]),
  ]);
  if (nft === null && iptables === null)
    return [ok(check, "neither nft nor iptables is there, or may be read: no rules are known")];
  const found = inputRuleSets({ nft, iptables }, { interfaceName, ports });
  if (found.length === 0) return [ok(check, `no rules stand before ${interfaceName}`)];
  const names = found.map(({ name }) => name).join(", ");
  return [
    warning(
      check,
      `${names}: it may drop what PCs send to ${interfaceName}`,
      `if PCs get no answer: ${found.map(({ open }) => open).join("; ")}`,
    ),
  ];
}

/** In bytes: an image of a lab PC has some 10 GB. Below 1 GB, not even the state is safe. */
const fewBytes = 20e9;
const tooFewBytes = 1e9;

export async function spaceCheck(dataFolder: string): Promise<Finding> {
  // Before the first start the folder does not exist yet; `serve` creates it.
  let folder = resolve(dataFolder);
  while (!existsSync(folder)) folder = dirname(folder);
  const found = await statfs(folder);
  const check = "free space";
  const free = found.bavail * found.bsize;
  const text = `${sizeText(free)} are free in ${dataFolder}`;
  const mend = "delete images (`roomcast image delete`), or move the data to a larger disk";
  if (free < tooFewBytes) return problem(check, text, mend);
  return free < fewBytes ? warning(check, text, mend) : ok(check, text);
}

export function bootFileChecks(
  folder: string,
  files: { readonly needed: readonly string[]; readonly signed: readonly string[] },
): Finding[] {
  const check = "boot files";
  const lacking = (names: readonly string[]): string =>
    names.filter((name) => !existsSync(join(folder, name))).join(", ");
  const mend = "build them with `make initrd`";
  const needed = lacking(files.needed);
  if (needed !== "") return [problem(check, `no PC can boot: ${folder} lacks ${needed}`, mend)];
  const signed = lacking(files.signed);
  if (signed !== "")
    return [warning(check, `no PC with Secure Boot can boot: ${folder} lacks ${signed}`, mend)];
  return [ok(check, `${folder} has all of them`)];
}

/** Checks the clock: an installed program cannot be from the future. */
export async function clockCheck(now: Date): Promise<Finding> {
  const check = "clock";
  const mend =
    "set the clock (timedatectl set-time …), or have it kept right: apt-get install systemd-timesyncd";
  const newest = await stat(import.meta.filename).catch(() => null);
  const text = `the clock says ${now.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  if (newest !== null && now.getTime() < newest.mtimeMs - 86_400_000)
    return problem(check, `${text}, which is before this program was installed`, mend);
  const isSet = await said("/usr/bin/timedatectl", [
    "show",
    "--property=NTPSynchronized",
    "--value",
  ]);
  if (isSet?.trim() === "no")
    return warning(check, `${text}, but no time service keeps it right`, mend);
  return ok(check, text);
}
