/** `roomcast doctor` on a host where things are wrong: a network namespace with real faults. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { DoctorView, Finding } from "../../core/wire/api.ts";
import { openNetwork, type RoomNetwork, serverAddress, serverInterface } from "../room/network.ts";
import { run } from "../room/run.ts";
import { endPrograms, Program } from "./program.ts";

const main = join(import.meta.dirname, "..", "..", "bin", "roomcast.js");
const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
let folder: string;
let network: RoomNetwork;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-doctor-"));
  network = await openNetwork();
});
after(async () => {
  await endPrograms();
  network?.remove();
  await rm(folder, { recursive: true, force: true });
});

const here = (...words: string[]) => run(words, { namespace: network.serverNamespace });

async function doctor(...words: string[]): Promise<DoctorView & { status: number }> {
  const { status, stdout } = await run(
    [...node, main, "--data", join(folder, "data"), "--json", "doctor", ...words],
    { namespace: network.serverNamespace, accept: [0, 1] },
  );
  return { ...JSON.parse(stdout), status };
}
const found = ({ findings }: DoctorView, check: string): Finding[] =>
  findings.filter((finding) => finding.check === check && finding.level !== "ok");

/** Whether a TCP connection from the namespace gets to a port of the server's, where somebody listens. */
async function reaches(namespace: string, port: number): Promise<boolean> {
  const listener = new Program(network.serverNamespace, [
    ...[process.execPath, "-e"],
    `require("node:net").createServer().listen(${port}, () => console.log("bound"))`,
  ]);
  await listener.line(/^bound$/);
  const { status } = await run(
    [
      ...[process.execPath, "-e"],
      `require("node:net").connect(${port}, "${serverAddress}", () => process.exit(0)).on("error", () => process.exit(1));
       setTimeout(() => process.exit(1), 1500)`,
    ],
    { namespace, accept: [0, 1] },
  );
  listener.child.kill("SIGKILL");
  await listener.ended;
  return status === 0;
}

test("a host in order: nothing to mend but the boot files that this checkout may lack", async () => {
  const view = await doctor();
  assert.deepEqual(view.interfaces, [serverInterface], "the only one with an address");
  assert.equal(view.isServing, false);
  for (const check of ["interface", "ports", "firewall", "route", "free space", "DHCP"])
    assert.deepEqual(found(view, check), [], check);
  assert.equal(view.status, view.isWell ? 0 : 1);
});

test("a port that is taken, a firewall, another DHCP server, a second way to the same subnet", async () => {
  const { namespace } = await network.addHost(9);
  const dnsmasq = new Program(namespace, [
    ...["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--no-ping", "--user=root"],
    ...["--interface=eth0", "--dhcp-range=10.77.0.50,10.77.0.99,5m"],
    ...[`--dhcp-leasefile=${join(folder, "leases")}`, `--pid-file=${join(folder, "pid")}`],
  ]);
  await dnsmasq.line(/IP range/);
  const holder = new Program(network.serverNamespace, [
    ...[process.execPath, "-e"],
    'require("node:dgram").createSocket("udp4").bind(69, () => console.log("bound"))',
  ]);
  await holder.line(/^bound$/);
  await here("nft", "add", "table", "inet", "wall");
  const chain = "{ type filter hook input priority 0; policy drop; }";
  await here("nft", "add", "chain", "inet", "wall", "input", chain);
  await here("nft", "add", "rule", "inet", "wall", "input", "udp", "dport", "{ 67, 69 }", "accept");
  await here("ip", "link", "add", "other0", "type", "veth", "peer", "name", "other1");
  for (const name of ["other0", "other1"]) await here("ip", "link", "set", name, "up");
  await here("ip", "route", "add", "10.77.0.128/25", "dev", "other0");

  const view = await doctor("--interface", serverInterface);
  assert.equal(view.isWell, false);
  assert.equal(view.status, 1);
  const [port] = found(view, "ports");
  assert.match(port?.text ?? "", /^UDP port 69 \(TFTP\) is in use by node \(process \d+\)$/);
  const walls = found(view, "firewall");
  assert.deepEqual(
    walls.map(({ level, text }) => [level, text]),
    [
      [
        "warning",
        `nftables inet wall input (policy drop): it may drop what PCs send to ${serverInterface}`,
      ],
    ],
  );
  assert.equal(await reaches(namespace, 8080), false);
  await here("sh", "-c", /: (nft insert .*)$/.exec(walls[0]?.mend ?? "")?.[1] ?? "false");
  assert.equal(await reaches(namespace, 8080), true, "the command that is named opens the port");
  assert.match(found(view, "route")[0]?.text ?? "", /10\.77\.0\.254 leave by other0, not by lab0/);
  assert.match(found(view, "DHCP")[0]?.text ?? "", /10\.77\.0\.109 leases addresses on lab0/);
  for (const finding of view.findings)
    if (finding.level !== "ok") assert.notEqual(finding.mend, null, finding.text);
});

test("an interface that is down, has no link, or is not there", async () => {
  const text = async (name: string) =>
    found(await doctor("--interface", name), "interface").map((finding) => finding.text);
  assert.match((await text("eth9"))[0] ?? "", /there is no interface eth9/);
  await here("ip", "link", "add", "lone0", "type", "veth", "peer", "name", "lone1");
  assert.deepEqual(await text("lone0"), ["lone0 is down"]);
  await here("ip", "link", "set", "lone0", "up");
  assert.deepEqual(await text("lone0"), ["lone0 has no link", "lone0 has no IPv4 address"]);
});
