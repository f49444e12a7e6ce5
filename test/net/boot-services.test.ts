/** DHCP and TFTP on a wire of network namespaces, with clients that are not ours. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lease } from "../../core/boot/lease-pool.ts";
import { addressOption, dhcpType, messageType } from "../../core/wire/dhcp/packet.ts";
import { bytesOf, decoded, goldenRequests, hexOf } from "../core/boot/golden.ts";
import { openNetwork, type RoomNetwork, serverAddress, serverInterface } from "../room/network.ts";
import { run } from "../room/run.ts";
import { endPrograms, Program } from "./program.ts";

const leaseSeconds = 600;
const loader = Buffer.from(Array.from({ length: 90_001 }, (_, index) => (index * 11) & 255));

let folder: string;
let network: RoomNetwork;
let server: Program;
/** Network namespaces of hosts without an address of their own. */
const hosts: string[] = [];

const source = (name: string): string => join(import.meta.dirname, name);
const node = [process.execPath, "--disable-warning=ExperimentalWarning"];

async function startServer(): Promise<Program> {
  const program = new Program(network.serverNamespace, [
    ...[...node, source("boot-server.ts"), serverInterface, serverAddress],
    ...[join(folder, "boot"), join(folder, "leases.json"), String(leaseSeconds)],
  ]);
  await program.line(/"ready":true/);
  return program;
}

const leases = async (): Promise<Lease[]> =>
  JSON.parse(await readFile(join(folder, "leases.json"), "utf8"));

const macOf = async (namespace: string): Promise<string> =>
  (await run(["cat", "/sys/class/net/eth0/address"], { namespace })).stdout.trim();

/** busybox's client: says what its script is told. */
const udhcpc = (namespace: string, ...words: string[]): Program =>
  new Program(namespace, [
    ...["busybox", "udhcpc", "-f", "-i", "eth0", "-s", join(folder, "script")],
    ...["-T", "1", "-t", "5", "-A", "1", ...words],
  ]);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-boot-net-"));
  await mkdir(join(folder, "boot"));
  await writeFile(join(folder, "boot/undionly.kpxe"), loader);
  await writeFile(
    join(folder, "script"),
    '#!/bin/sh\necho "$1 ip=$ip mask=$mask router=$router dns=$dns lease=$lease server=$serverid file=$boot_file"\n',
  );
  await chmod(join(folder, "script"), 0o755);
  network = await openNetwork();
  for (const number of [1, 2, 3]) {
    const { namespace } = await network.addHost(number);
    await run(["ip", "-n", namespace, "address", "flush", "dev", "eth0"]);
    hosts.push(namespace);
  }
  server = await startServer();
});

after(async () => {
  await endPrograms();
  network?.remove();
  await rm(folder, { recursive: true, force: true });
});

const host = (index: number): string => hosts[index] as string;

test("udhcpc: leased, renewed, released", async () => {
  const client = udhcpc(host(0), "-R");
  const bound = await client.line(/^bound /);
  assert.equal(
    bound,
    `bound ip=10.77.0.128 mask=24 router=10.77.0.1 dns=10.77.0.1 lease=${leaseSeconds} server=10.77.0.1 file=`,
  );
  const [lease] = await leases();
  assert.equal(lease?.mac, await macOf(host(0)));
  assert.equal(lease?.address, "10.77.0.128");
  assert(Math.abs((lease?.expiresAt ?? 0) - Date.now() - leaseSeconds * 1000) < 10_000);

  // It renews with its address set, by unicast.
  await run(["ip", "-n", host(0), "address", "add", "10.77.0.128/24", "dev", "eth0"]);
  client.child.kill("SIGUSR1");
  await client.line(/^renew ip=10\.77\.0\.128 /);
  const { mac } = lease as Lease;
  assert(await server.line(new RegExp(`"kind":"leased","mac":"${mac}".*"renewed 10`)));
  assert(((await leases())[0]?.expiresAt ?? 0) > (lease?.expiresAt ?? 0));

  client.child.kill("SIGTERM");
  await client.ended;
  await server.line(/"kind":"released".*10\.77\.0\.128/);
  assert.deepEqual(await leases(), []);
  await run(["ip", "-n", host(0), "address", "flush", "dev", "eth0"]);
});

test("a server that was killed goes on with the leases that it had", async () => {
  const first = udhcpc(host(1), "-q");
  await first.line(/^bound ip=10\.77\.0\.128 /);
  server.child.kill("SIGKILL");
  await server.ended;
  server = await startServer();
  const second = udhcpc(host(2), "-q");
  await second.line(/^bound ip=10\.77\.0\.129 /);
  const again = udhcpc(host(1), "-q");
  await again.line(/^bound ip=10\.77\.0\.128 /);
});

test("who comes from another network gets a NAK and then an address of here", async () => {
  const client = new Program(host(1), [...node, source("boot-client.ts"), "eth0"]);
  await client.line(/^ready$/);
  const golden = goldenRequests.find(({ type }) => type === "REQUEST");
  assert(golden);
  const bytes = bytesOf(golden);
  const moved = decoded(bytes);
  // As if rebooted: option 54 (server) is blotted out by pad bytes, 50 names 10.1.2.3.
  const text = hexOf(bytes).replace("36040a4d0001", "000000000000");
  const hex = text.replace("32040a4d009a", "32040a010203");
  assert.notEqual(hex, text);
  client.tell({ hex, to: "255.255.255.255", port: 67 });
  const answer = decoded(Buffer.from(await client.line(/^02/), "hex"));
  assert.equal(messageType(answer), dhcpType.nak);
  assert.equal(answer.xid, moved.xid);
  client.child.stdin?.end();
  await client.ended;
});

test("firmware's packets, as they were, get their loader", async () => {
  const client = new Program(host(1), [...node, source("boot-client.ts"), "eth0"]);
  await client.line(/^ready$/);
  const discovers = goldenRequests.filter(({ type }) => type === "DISCOVER");
  const files = new Map<string, number>();
  // A BIOS whose ROM is no iPXE: option 77 (user class) is blotted out by pad bytes.
  const plain = discovers
    .filter(({ arch }) => arch === 0)
    .map((golden) => ({ ...golden, hex: golden.hex.replace("4d0469505845", "000000000000") }));
  assert(plain.every(({ hex }) => !decoded(bytesOf({ hex })).options.has(77)));
  for (const golden of [...discovers, ...plain]) {
    const since = client.lines.length;
    client.tell({ hex: golden.hex, to: "255.255.255.255", port: 67 });
    const offer = decoded(Buffer.from(await client.line(/^02/, since), "hex"));
    assert.equal(messageType(offer), dhcpType.offer);
    assert.equal(offer.xid, decoded(bytesOf(golden)).xid);
    assert.equal(addressOption(offer, 54), serverAddress);
    files.set(offer.file, (files.get(offer.file) ?? 0) + 1);
  }
  assert.deepEqual([...files.keys()].sort(), [
    "",
    "http://10.77.0.1:8080/boot/ipxe/52-54-00-7e-00-01",
    "http://10.77.0.1:8080/boot/snponly.efi",
    "shimx64.efi",
    "undionly.kpxe",
  ]);
  client.child.stdin?.end();
  await client.ended;
});

test("a PC in iPXE hears at once that there is no IPv6 router to wait for", async (t) => {
  if (!existsSync("/proc/net/if_inet6")) return t.skip("this host has no IPv6");
  const heard = async (): Promise<number> => {
    const { stdout } = await run(["cat", "/proc/net/snmp6"], { namespace: host(1) });
    return Number(/^Icmp6InRouterAdvertisements\s+(\d+)/m.exec(stdout)?.[1]);
  };
  const golden = goldenRequests.find(({ options }) => options["175"] !== undefined);
  const { mac } = decoded(bytesOf(golden as never));
  const link = (...words: string[]) => run(["ip", "-n", host(1), "link", "set", "eth0", ...words]);
  const usual = await macOf(host(1));
  await link("down");
  await link("address", mac, "up");
  const before = await heard();
  const client = new Program(host(1), [...node, source("boot-client.ts"), "eth0"]);
  await client.line(/^ready$/);
  // Its address is not its own before it has looked for others with it.
  const deadline = performance.now() + 10_000;
  while ((await heard()) === before && performance.now() < deadline) {
    client.tell({ hex: golden?.hex, to: "255.255.255.255", port: 67 });
    await sleep(250);
  }
  assert((await heard()) > before, "no advertisement came");
  const { stdout } = await run(["ip", "-6", "-n", host(1), "route", "show"]);
  assert.doesNotMatch(stdout, /default/, "it is no router");
  client.child.stdin?.end();
  await client.ended;
  await link("down");
  await link("address", usual, "up");
});

test("an independent client takes the offer apart as we meant it", async () => {
  // npm's dhcp: its REQUEST names no address, so it goes no further than the offer.
  const words = `
    const client = require(${JSON.stringify(join(import.meta.dirname, "../../node_modules/dhcp"))})
      .createClient({ mac: "02:00:00:00:00:77" });
    client.on("message", (packet) => console.log(JSON.stringify(packet)));
    client.on("error", () => {});
    client.listen(undefined, undefined, () => client.sendDiscover());`;
  // A socket of Node's has no interface to broadcast by but the one of the default route.
  await run(["ip", "-n", host(1), "address", "add", "10.77.0.250/24", "dev", "eth0"]);
  await run(["ip", "-n", host(1), "route", "add", "default", "dev", "eth0"]);
  const client = new Program(host(1), [process.execPath, "-e", words]);
  const offer = JSON.parse(await client.line(/^\{/));
  assert.equal(offer.options[53], dhcpType.offer);
  assert.equal(offer.chaddr.toLowerCase().replaceAll("-", ":"), "02:00:00:00:00:77");
  assert.match(offer.yiaddr, /^10\.77\.0\.1\d\d$/);
  assert.deepEqual(
    [1, 28, 51, 54].map((code) => offer.options[code]),
    ["255.255.255.0", "10.77.0.255", leaseSeconds, "10.77.0.1"],
  );
  client.child.kill("SIGKILL");
  await client.ended;
  await run(["ip", "-n", host(1), "address", "flush", "dev", "eth0"]);
});

test("another interface of the same host is not heard", async () => {
  const { serverNamespace } = network;
  const other = host(2);
  const veth = ["type", "veth", "peer", "name", "eth1", "netns", other];
  await run(["ip", "-n", serverNamespace, "link", "add", "office0", ...veth]);
  await run(["ip", "-n", serverNamespace, "address", "add", "10.99.0.1/24", "dev", "office0"]);
  await run(["ip", "-n", serverNamespace, "link", "set", "office0", "up"]);
  await run(["ip", "-n", other, "link", "set", "eth1", "up"]);
  const since = server.lines.length;
  const there = new Program(other, [
    ...["busybox", "udhcpc", "-f", "-n", "-q", "-i", "eth1", "-s", join(folder, "script")],
    ...["-T", "1", "-t", "3"],
  ]);
  assert.equal(await there.ended, 1, "no lease there");
  await udhcpc(other, "-q").line(/^bound ip=10\.77\.0\.129 /);
  const heard = server.lines.slice(since).filter((line) => line.includes('"kind"'));
  assert.equal(heard.length, 2, "the offer and the lease of the other client alone");
});

test("curl fetches a loader from port 69", async () => {
  await run(["ip", "-n", host(0), "address", "add", "10.77.0.20/24", "dev", "eth0"]);
  const output = join(folder, "got");
  const url = `tftp://${serverAddress}/undionly.kpxe`;
  await run(["curl", "-sS", "--max-time", "20", "-o", output, url], { namespace: host(0) });
  assert.deepEqual(await readFile(output), loader);
  await server.line(/"file":"undionly.kpxe","outcome":"sent","bytes":90001/);
});

test("a server whose interface has an MTU of 1400 grants no larger blocks than fit, and the file arrives", async () => {
  const mtu = (bytes: string) =>
    run([...["ip", "-n", network.serverNamespace, "link", "set"], serverInterface, "mtu", bytes]);
  await mtu("1400");
  const output = join(folder, "got");
  const { stderr } = await run(
    [
      ...["curl", "-v", "--max-time", "20", "--tftp-blksize", "1468", "-o", output],
      `tftp://${serverAddress}/undionly.kpxe`,
    ],
    { namespace: host(0) },
  );
  assert.match(stderr, /blksize parsed from OACK \(1368\) requested \(1468\)/);
  assert.deepEqual(await readFile(output), loader);
  await mtu("1500");
});

test("damaged packets, and some from port 0: counted; the next client is served", async () => {
  const client = new Program(host(0), [...node, source("boot-client.ts"), "eth0"]);
  await client.line(/^ready$/);
  let state = 20261123;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (let round = 0; round < 400; round++) {
    const golden = goldenRequests[random(goldenRequests.length)];
    const bytes = round % 4 === 0 ? new Uint8Array(random(400)) : bytesOf(golden as never).slice();
    for (let change = random(30); change > 0; change--) bytes[random(bytes.length)] = random(256);
    const hex = hexOf(bytes.subarray(0, round % 3 === 0 ? random(bytes.length) : bytes.length));
    client.tell({ hex, to: "255.255.255.255", port: 67 });
    if (round % 20 === 0) await sleep(10);
  }
  const rrq = Buffer.from("\0\x01undionly.kpxe\0octet\0").toString("hex");
  const wrq = Buffer.from("\0\x02undionly.kpxe\0octet\0").toString("hex");
  for (const hex of [rrq, wrq, "00", "0001"]) {
    client.tell({ hex, to: serverAddress, port: 69, from: 0 });
    client.tell({ hex, to: serverAddress, port: 67, from: 0 });
  }
  await server.line(/"error":.*[pP]ort/);
  const since = server.lines.length;
  server.child.kill("SIGUSR2");
  const { counters } = JSON.parse(await server.line(/"counters"/, since));
  assert(counters.dhcpTaken > 100 && counters.dhcpIgnored > 50, JSON.stringify(counters));
  assert(counters.tftpIgnored >= 1, JSON.stringify(counters));
  client.child.stdin?.end();
  assert.equal(await client.ended, 0);
  await udhcpc(host(2), "-q").line(/^bound ip=10\.77\.0\.129 /);
});

test("SIGTERM closes everything: the process ends by itself", async () => {
  server.child.kill("SIGTERM");
  assert.equal(await server.ended, 0);
});
