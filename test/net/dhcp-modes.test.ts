/**
 * `roomcast serve --dhcp …` as it runs in a lab, beside another DHCP server (Debian's dnsmasq) and with
 * clients that are not ours (udhcpc, dhclient, dhcpcd). What it sends is captured by tcpdump.
 */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { DoctorView, StatusView } from "../../core/wire/api.ts";
import { addressOption, dhcpType, messageType } from "../../core/wire/dhcp/packet.ts";
import { bytesOf, decoded, goldenRequests, hexOf } from "../core/boot/golden.ts";
import { openNetwork, type RoomNetwork, serverAddress, serverInterface } from "../room/network.ts";
import { run } from "../room/run.ts";
import { dhcpOf, udpFrames } from "./pcap.ts";
import { endPrograms, Program } from "./program.ts";

const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
const main = join(import.meta.dirname, "..", "..", "bin", "roomcast.js");
const otherAddress = "10.77.0.9";

let folder: string;
let network: RoomNetwork;
/** Namespaces: the other DHCP server's, and those of PCs without an address. */
let other: string;
const pcs: string[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-modes-"));
  const boot = join(folder, "boot");
  await mkdir(join(boot, "grub"), { recursive: true });
  for (const name of ["vmlinuz", "initrd.img", "undionly.kpxe", "snponly.efi"])
    await writeFile(join(boot, name), name);
  for (const name of ["shimx64.efi", "grubx64.efi", "grub/grub.cfg"])
    await writeFile(join(boot, name), name);
  await writeFile(join(folder, "config.toml"), `[boot]\nfolder = "${boot}"\n`);
  await writeFile(join(folder, "script"), '#!/bin/sh\necho "$1 ip=$ip server=$serverid"\n');
  await chmod(join(folder, "script"), 0o755);
  // dhclient's own script would write the host's resolv.conf.
  await writeFile(
    join(folder, "set-address"),
    '#!/bin/sh\n[ "$reason" != BOUND ] || ip address add "$new_ip_address/24" dev "$interface"\n',
  );
  await chmod(join(folder, "set-address"), 0o755);
  network = await openNetwork();
  for (const number of [1, 2, 3, 4]) {
    const { namespace } = await network.addHost(number);
    await run(["ip", "-n", namespace, "address", "flush", "dev", "eth0"]);
    pcs.push(namespace);
  }
  other = pcs.pop() as string;
  await run(["ip", "-n", other, "address", "add", `${otherAddress}/24`, "dev", "eth0"]);
});

after(async () => {
  await endPrograms();
  network?.remove();
  await rm(folder, { recursive: true, force: true });
});

interface Served {
  readonly program: Program;
  status(): Promise<StatusView>;
  doctor(): Promise<DoctorView>;
  end(): Promise<void>;
}

let servers = 0;
async function serve(...words: string[]): Promise<Served> {
  const data = join(folder, `data${++servers}`);
  const config = ["--config", join(folder, "config.toml")];
  const program = new Program(network.serverNamespace, [
    ...[...node, main, "--data", data, "serve", "--interface", serverInterface],
    ...[...config, ...words],
  ]);
  await program.line(/^roomcast ready/, 0, 60);
  const ask = async (command: string) => {
    const { stdout } = await run([...node, main, "--data", data, "--json", command], {
      accept: [0, 1],
    });
    return JSON.parse(stdout);
  };
  return {
    program,
    status: () => ask("status"),
    doctor: () => ask("doctor"),
    async end() {
      program.child.kill("SIGTERM");
      assert.equal(await program.ended, 0);
    },
  };
}

/** Debian's dnsmasq as the DHCP server that was there before; or as another one, in a PC's namespace. */
async function startOther(namespace = other, ...words: string[]): Promise<Program> {
  const program = new Program(namespace, [
    ...["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--log-dhcp", "--no-ping"],
    ...["--interface=eth0", "--bind-interfaces", "--dhcp-authoritative", "--user=root"],
    ...[
      "--dhcp-range=10.77.0.50,10.77.0.99,5m",
      `--dhcp-leasefile=${join(folder, `${namespace}.leases`)}`,
    ],
    `--pid-file=${join(folder, `${namespace}.pid`)}`,
    ...words,
  ]);
  await program.line(/IP range/);
  return program;
}

const udhcpc = (namespace: string): Program =>
  new Program(namespace, [
    ...["busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", join(folder, "script")],
    ...["-T", "2", "-t", "5"],
  ]);

/** A booting PC's question, which is to be answered to all, or to it alone. */
const discoverOfUefi = (broadcast: boolean): string => {
  const found = goldenRequests.find(
    ({ type, hex, options }) =>
      type === "DISCOVER" &&
      options["93"] === "0007" &&
      decoded(Buffer.from(hex, "hex")).broadcast === broadcast,
  );
  assert(found !== undefined);
  return found.hex;
};

/** What a program of ours in a PC's namespace hears on its port 68. */
async function bootClient(namespace: string) {
  const client = new Program(namespace, [
    ...[...node, join(import.meta.dirname, "boot-client.ts"), "eth0"],
  ]);
  await client.line(/^ready$/);
  return client;
}

async function capture(namespace: string, interfaceName: string, filter: string) {
  const path = join(folder, `capture-${interfaceName}.pcap`);
  const program = new Program(namespace, [
    ...["tcpdump", "-Z", "root", "-U", "-p", "-i", interfaceName, "-w", path, filter],
  ]);
  await program.line(/listening on/);
  return async () => {
    await sleep(300);
    program.child.kill("SIGTERM");
    await program.ended;
    return dhcpOf(udpFrames(await readFile(path)));
  };
}

test("auto, beside another server: a proxy that hands out no address, on the wire", async () => {
  const dnsmasq = await startOther();
  const office = ["type", "veth", "peer", "name", "office1"];
  await run(["ip", "-n", network.serverNamespace, "link", "add", "office0", ...office]);
  for (const [name, address] of [
    ["office0", "10.99.0.1/24"],
    ["office1", "10.99.0.2/24"],
  ] as const) {
    await run(["ip", "-n", network.serverNamespace, "address", "add", address, "dev", name]);
    await run(["ip", "-n", network.serverNamespace, "link", "set", name, "up"]);
  }
  const served = await serve("--dhcp", "auto");
  const { networks, listeners, warnings } = await served.status();
  const [{ dhcp } = {}] = networks;
  assert(dhcp);
  assert.equal(dhcp.mode, "proxy");
  assert.equal(dhcp.why, `auto: ${otherAddress} gives addresses on ${serverInterface}`);
  assert.deepEqual(dhcp.otherServers, [otherAddress]);
  assert.deepEqual(warnings, []);
  assert(listeners.includes(`proxyDHCP ${serverInterface}`));

  const sentHere = await capture(
    network.serverNamespace,
    serverInterface,
    `udp and src host ${serverAddress} and (src port 67 or src port 4011)`,
  );
  const sentOffice = await capture(
    network.serverNamespace,
    "office0",
    "udp and src host 10.99.0.1",
  );

  // PCs that are not booting: the other server's affair alone.
  await udhcpc(pcs[0] as string).line(
    new RegExp(`^bound ip=10\\.77\\.0\\.\\d+ server=${otherAddress}`),
  );
  // PCs that boot: firmware's own packets.
  const client = await bootClient(pcs[1] as string);
  const discovers = goldenRequests.filter(
    ({ type, options }) => type === "DISCOVER" && /^(505845|485454)/.test(options["60"] ?? ""),
  );
  for (const golden of discovers) {
    client.tell({ hex: golden.hex, to: "255.255.255.255", port: 67 });
    await sleep(20);
  }
  // Then one that has its address asks on port 4011, as PXE 2.1 section 2.2.5 lets it.
  await run(["ip", "-n", pcs[1] as string, "address", "add", "10.77.0.77/24", "dev", "eth0"]);
  const request = bytesOf(discovers[0] as never).slice();
  const type = hexOf(request).indexOf("350101") / 2;
  request[type + 2] = dhcpType.request;
  client.tell({ hex: hexOf(request), to: serverAddress, port: 4011 });
  const acks = () =>
    client.lines
      .filter((line) => line.startsWith("02"))
      .map((line) => decoded(Buffer.from(line, "hex")))
      .filter((packet) => messageType(packet) === dhcpType.ack);
  for (let tries = 0; acks().length === 0 && tries < 100; tries++) await sleep(50);
  // On the other interface nobody is heard: a question there gets no answer.
  await run([...node, "-e", officeQuestion, hexOf(bytesOf(discovers[0] as never))], {
    namespace: network.serverNamespace,
  });

  const here = await sentHere();
  assert(here.length >= discovers.length, `${here.length} answers for ${discovers.length}`);
  for (const { frame, packet } of here) {
    assert.equal(packet.op, 2);
    assert.equal(packet.yiaddr, "0.0.0.0", "an address was offered");
    for (const code of [1, 3, 50, 51, 58, 59])
      assert(!packet.options.has(code), `option ${code} was sent`);
    assert.equal(addressOption(packet, 54), serverAddress);
    assert(packet.file !== "", "an answer that says nothing about booting");
    assert([67, 4011].includes(frame.sourcePort));
  }
  assert(
    here.some(({ frame }) => frame.sourcePort === 4011),
    "none from port 4011",
  );
  assert.equal(acks().length, 1);
  assert.deepEqual(await sentOffice(), []);
  client.child.stdin?.end();
  await client.ended;
  await run(["ip", "-n", pcs[1] as string, "address", "flush", "dev", "eth0"]);
  await served.end();
  dnsmasq.child.kill("SIGKILL");
  await dnsmasq.ended;
});

/** A booting PC's DISCOVER into the office's network. */
const officeQuestion = `
  const socket = require("node:dgram").createSocket("udp4");
  socket.bind(68, "10.99.0.2", () => {
    socket.setBroadcast(true);
    socket.send(Buffer.from(process.argv[1], "hex"), 67, "10.99.0.255", () =>
      setTimeout(() => socket.close(), 500));
  });`;

test("auto, alone on the wire: a server; a rival that comes later is reported", async () => {
  const served = await serve("--dhcp", "auto");
  const dhcp = (await served.status()).networks[0]?.dhcp;
  assert(dhcp);
  assert.equal(dhcp.mode, "server");
  assert.equal(dhcp.why, `auto: no other DHCP server answered on ${serverInterface}`);
  await udhcpc(pcs[0] as string).line(/^bound ip=10\.77\.0\.128 server=10\.77\.0\.1$/);

  const dnsmasq = await startOther();
  // A PC that takes the rival's address says so to everybody.
  await udhcpc(pcs[1] as string).line(new RegExp(`^bound .*server=${otherAddress}$`));
  await served.program.line(/another DHCP server, 10\.77\.0\.9, gives addresses/);
  const after = await served.status();
  assert.deepEqual(after.networks[0]?.dhcp?.otherServers, [otherAddress]);
  assert.match(after.warnings[0] ?? "", /10\.77\.0\.9, gives addresses.*--dhcp proxy/);
  const { findings, isServing, isWell } = await served.doctor();
  assert.deepEqual([isServing, isWell], [true, false]);
  const bad = findings.filter(({ level }) => level === "problem");
  assert.deepEqual(
    bad.map(({ check, text }) => ({ check, text })),
    [{ check: "DHCP", text: after.warnings[0] }],
    "the ports are the server's own, the boot files are there",
  );
  await served.end();
  dnsmasq.child.kill("SIGKILL");
  await dnsmasq.ended;
});

test("proxy: a second DHCP server that also names a boot file is told of while the server runs", async () => {
  const dnsmasq = await startOther();
  const served = await serve("--dhcp", "proxy");
  for (
    let tries = 0;
    (await served.status()).networks[0]?.dhcp?.otherServers.length === 0;
    tries++
  ) {
    assert(tries < 20, "the lab's own server is seen");
    await sleep(300);
  }
  assert.deepEqual((await served.status()).warnings, []);
  const rogue = pcs[2] as string;
  await run(["ip", "-n", rogue, "address", "add", "10.77.0.66/24", "dev", "eth0"]);
  const second = await startOther(rogue, "--dhcp-boot=evil.efi,,10.77.0.67");
  // It answers the PC alone, which the server does not hear: it looks again when a PC boots.
  const client = await bootClient(pcs[1] as string);
  client.tell({ hex: discoverOfUefi(false), to: "255.255.255.255", port: 67 });
  await served.program.line(/10\.77\.0\.66 also tells PCs what to boot.* 10\.77\.0\.67/, 0, 15);
  await served.program.line(/10\.77\.0\.9 and 10\.77\.0\.66 both give addresses/, 0, 15);
  const { warnings } = await served.status();
  assert.equal(warnings.length, 2);
  const { findings, isWell } = await served.doctor();
  const bad = findings.filter(({ level }) => level === "problem").map(({ text }) => text);
  assert.deepEqual([bad, isWell], [warnings, false]);
  await served.end();
  for (const { child, ended } of [dnsmasq, second, client]) {
    child.kill("SIGKILL");
    await ended;
  }
  await run(["ip", "-n", rogue, "address", "flush", "dev", "eth0"]);
});

test("proxy: option 60 of another server, a relay, a Raspberry Pi and firmware that takes no offer are each told in words", async () => {
  const dnsmasq = await startOther(other, "--dhcp-option-force=60,PXEClient");
  const served = await serve("--dhcp", "proxy");
  const client = await bootClient(pcs[1] as string);
  const tell = (hex: string) => client.tell({ hex, to: "255.255.255.255", port: 67 });
  /** At offsets 24 and 28 of the packet: giaddr and the MAC. */
  const changed = (hex: string, giaddr: string, mac: string) =>
    `${hex.slice(0, 48)}${giaddr}${mac}${hex.slice(68)}`;
  const bios = goldenRequests.find(({ type, arch }) => type === "DISCOVER" && arch === 0);
  const firmware = (bios?.hex ?? "").replace("4d0469505845", "000000000000");
  tell(changed(firmware, "0a090001", "525400000099"));
  tell(changed(firmware, "00000000", "dca632010203"));
  const stubborn = changed(firmware, "00000000", "525400000042");
  for (const pause of [0, 4000, 7000]) {
    await sleep(pause);
    tell(stubborn);
  }
  await served.program.line(
    /52:54:00:00:00:42 has asked 3 times in 11 s and takes no address/,
    0,
    15,
  );
  await served.program.line(/dc:a6:32:01:02:03 cannot boot from here: it is a Raspberry Pi/);
  const { warnings } = await served.status();
  const { findings } = await served.doctor();
  const said = (check: string, level: string) =>
    findings.filter((each) => each.check === check && each.level === level).map(({ text }) => text);
  const network = said("DHCP", "problem");
  assert.match(network.join("\n"), /10\.77\.0\.9 sends option 60 "PXEClient".*Take option 60 out/);
  assert.match(network.join("\n"), /the relay 10\.9\.0\.1 brings/);
  assert.doesNotMatch(network.join("\n"), /options 66 and 67/);
  const boots = said("network boot", "warning");
  assert.equal(boots.length, 2);
  assert.deepEqual(warnings, [...network, ...boots]);
  await served.end();
  for (const { child, ended } of [dnsmasq, client]) {
    child.kill("SIGKILL");
    await ended;
  }
});

test("off: a server that sends PCs elsewhere is told of, and firmware that takes no address; one that sends them here is not", async () => {
  const served = await serve("--dhcp", "off");
  const here = await startOther(other, `--dhcp-boot=shimx64.efi,,${serverAddress}`);
  const client = await bootClient(pcs[1] as string);
  const ask = () => client.tell({ hex: discoverOfUefi(true), to: "255.255.255.255", port: 67 });
  const askedAt = performance.now();
  ask();
  await served.program.line(new RegExp(`the DHCP server ${otherAddress}.* appeared`), 0, 15);
  assert.deepEqual((await served.status()).warnings, []);
  here.child.kill("SIGKILL");
  await here.ended;
  const elsewhere = await startOther(other, "--dhcp-boot=evil.efi,,10.77.0.67");
  ask();
  await served.program.line(
    /tells PCs to boot from 10\.77\.0\.67, and not from this server/,
    0,
    60,
  );
  assert.equal((await served.status()).warnings.length, 1);
  await sleep(askedAt + 11_000 - performance.now());
  ask();
  await served.program.line(/has asked 3 times in \d+ s and takes no address/, 0, 15);
  const sockets = await run(["ss", "-Hlun", "sport", "=", ":67"], {
    namespace: network.serverNamespace,
  });
  assert.equal(sockets.stdout, "", "it is heard without the port");
  await served.end();
  for (const { child, ended } of [elsewhere, client]) {
    child.kill("SIGKILL");
    await ended;
  }
});

test("server: dhclient and dhcpcd get addresses of their own, past one that a stranger sits on", async () => {
  await run(["ip", "-n", other, "address", "add", "10.77.0.128/24", "dev", "eth0"]);
  const served = await serve("--dhcp", "server");
  const [first, second, third] = pcs as [string, string, string];
  await udhcpc(first).line(/^bound ip=10\.77\.0\.129 /);
  await served.program.line(/10\.77\.0\.128 is in use by/);

  const leaseFile = join(folder, "dhclient.leases");
  const dhclient = (...words: string[]) =>
    run(
      [
        ...["dhclient", "-4", "-v", "-1", "-sf", join(folder, "set-address"), "-lf", leaseFile],
        ...["-pf", join(folder, "dhclient.pid"), ...words, "eth0"],
      ],
      { namespace: second },
    );
  await dhclient();
  assert.match(await readFile(leaseFile, "utf8"), /fixed-address 10\.77\.0\.130;/);
  await served.program.line(/leased 10\.77\.0\.130/);
  await dhclient("-r");
  await served.program.line(/released 10\.77\.0\.130/);

  await run(
    [
      "dhcpcd",
      "--ipv4only",
      "--oneshot",
      "--waitip",
      "--noarp",
      "--timeout",
      "20",
      "--script",
      "/bin/true",
      "eth0",
    ],
    { namespace: third, env: { PATH: process.env.PATH ?? "" } },
  );
  const { stdout } = await run(["ip", "-n", third, "-4", "address", "show", "eth0"]);
  assert.match(stdout, /inet 10\.77\.0\.(129|13\d)\/24/);
  await served.program.line(/leased 10\.77\.0\.13\d.*/);
  await served.end();
  await run(["ip", "-n", other, "address", "delete", "10.77.0.128/24", "dev", "eth0"]);
});

test("server: a host that answers for every address keeps no PC from booting, and is told by its MAC", async () => {
  // What it takes for a kernel to answer for all of them, an RFC 5227 probe too.
  const everything = ["local", "10.77.0.128/25", "dev", "lo"];
  await run(["ip", "-n", other, "route", "add", ...everything]);
  const { stdout } = await run(["cat", "/sys/class/net/eth0/address"], { namespace: other });
  const mac = stdout.trim();
  const [first, second, printer] = pcs as [string, string, string];
  const own = ["address", "add", "10.77.0.145/24", "dev", "eth0"];
  await run(["ip", "-n", printer, ...own]);
  const served = await serve("--dhcp", "server");
  await udhcpc(first).line(/^bound ip=10\.77\.0\.144 /);
  await udhcpc(second).line(/^bound ip=10\.77\.0\.146 /);
  const told = new RegExp(`^the MAC ${mac} answers ARP for 1[89] addresses`);
  await served.program.line(new RegExp(`DHCP: ${mac} answers for 10\\.77\\.0\\.144`));
  while (!(await served.status()).warnings.some((text) => told.test(text))) await sleep(200);
  const { findings } = await served.doctor();
  const found = findings.filter(({ text }) => told.test(text));
  assert.deepEqual(
    found.map(({ check, level }) => [check, level]),
    [["DHCP", "problem"]],
  );
  await served.end();
  await run(["ip", "-n", other, "route", "delete", ...everything]);
  await run(["ip", "-n", printer, "address", "delete", ...own.slice(2)]);
});

test("an interface that is not there, has no address, or a port that is taken: one line that says so", async () => {
  const refused = async (...words: string[]) => {
    const { status, stderr } = await run(
      [...node, main, "--data", join(folder, `data${++servers}`), "serve", ...words],
      { namespace: network.serverNamespace, accept: [1, 2, 4] },
    );
    const line = stderr.split("\n").find((each) => each.startsWith("roomcast: ")) ?? stderr;
    return { status, line };
  };
  assert.match((await refused("--interface", "eth9")).line, /eth9 .*does not exist.*ip/);
  const holder = new Program(network.serverNamespace, [
    ...[process.execPath, "-e"],
    'require("node:dgram").createSocket("udp4").bind(67, () => console.log("bound"))',
  ]);
  await holder.line(/^bound$/);
  const config = ["--config", join(folder, "config.toml")];
  const taken = await refused("--interface", serverInterface, "--dhcp", "server", ...config);
  assert.equal(taken.status, 1);
  assert.match(taken.line, /UDP port 67 is in use by node \(process \d+\); end it/);
});
