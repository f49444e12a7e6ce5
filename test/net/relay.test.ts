/** PCs of another network, whose questions a relay (Debian's dnsmasq) brings to the server. */
import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ApiClient } from "../../client/api/client.ts";
import { neededFiles } from "../../core/boot/boot-files.ts";
import type { DoctorView, StatusView } from "../../core/wire/api.ts";
import { run } from "../room/run.ts";
import { type HostRoom, openHostRoom, program } from "./hosts.ts";
import { endPrograms, Program } from "./program.ts";

let room: HostRoom;
let client: ApiClient;
/** The relay's namespace, and by the third number of its network that of a PC. */
let relay: string;
const pcs = new Map<number, string>();

before(async () => {
  room = await openHostRoom();
  const { folder, network } = room;
  const boot = join(folder, "boot");
  await mkdir(boot);
  for (const file of neededFiles) await writeFile(join(boot, file), "as if");
  const script =
    '#!/bin/sh\necho "$1 ip=$ip mask=$mask router=$router server=$serverid file=$boot_file"\n';
  await writeFile(join(folder, "script"), script);
  await chmod(join(folder, "script"), 0o755);
  const found = await network.addHost(9);
  relay = found.namespace;
  await run(["sysctl", "-qw", "net.ipv4.ip_forward=1"], { namespace: relay });
  for (const third of [30, 31]) {
    const { namespace } = await network.addHost(third);
    pcs.set(third, namespace);
    await run(["ip", "-n", namespace, "link", "delete", "eth0"]);
    const veth = ["type", "veth", "peer", "name", "eth0", "netns", namespace];
    await run(["ip", "-n", relay, "link", "add", `pc${third}`, ...veth]);
    await run(["ip", "-n", relay, "address", "add", `10.${third}.0.1/24`, "dev", `pc${third}`]);
    await run(["ip", "-n", relay, "link", "set", `pc${third}`, "up"]);
    await run(["ip", "-n", namespace, "link", "set", "eth0", "up"]);
    const way = ["route", "add", `10.${third}.0.0/24`, "via", found.address];
    await run(["ip", "-n", network.serverNamespace, ...way]);
  }
  const config = join(folder, "roomcast.toml");
  const relayed = '[[relayed]]\nsubnet = "10.30.0.0/24"\nrange = "10.30.0.20-10.30.0.29"\n';
  await writeFile(config, `${relayed}[boot]\nfolder = "${boot}"\n`);
  const served = new Program(network.serverNamespace, [
    ...program,
    ...["--data", room.data, "serve", "--interface", "lab0", "--dhcp", "server"],
    ...["--config", config],
  ]);
  await served.line(/^roomcast ready/, 0, 60);
  client = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  const dnsmasq = new Program(relay, [
    ...["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--user=root"],
    ...["--dhcp-relay=10.30.0.1,10.77.0.1", "--dhcp-relay=10.31.0.1,10.77.0.1"],
    `--pid-file=${join(folder, "relay.pid")}`,
  ]);
  await dnsmasq.line(/DHCP relay from 10\.31\.0\.1/);
});

after(async () => {
  await endPrograms();
  await room?.close();
});

const udhcpc = (third: number): Program =>
  new Program(pcs.get(third) ?? "", [
    ...["busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", join(room.folder, "script")],
    ...["-T", "2", "-t", "4"],
  ]);

test("a PC behind the relay is leased an address of its own network, with the relay as its router", async () => {
  const said = await udhcpc(30).line(/^bound /, 0, 40);
  assert.equal(said, "bound ip=10.30.0.20 mask=24 router=10.30.0.1 server=10.77.0.1 file=");
});

test("of a network that nobody has named, no PC gets an answer, and the console and doctor say so", async () => {
  assert.equal(await udhcpc(31).ended, 1, "no lease");
  const isTold = (text: string): boolean =>
    /^the relay 10\.31\.0\.1 brings .*\[\[relayed\]\] subnet/.test(text);
  await room.until(
    () => client.get<StatusView>("/status"),
    ({ warnings }) => warnings.some(isTold) && !warnings.some((text) => text.includes("10.30.")),
    30,
  );
  const { findings } = await client.get<DoctorView>("/doctor");
  assert(findings.some(({ level, text }) => level === "problem" && isTold(text)));
});
