/**
 * A restored PC is seen to come up: its agent ends, and a client of Debian's asks for an address with its
 * MAC, or something answers at its SSH port. The server gives the addresses, or dnsmasq beside it.
 */
import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ApiClient } from "../../client/api/client.ts";
import type { BootView, SessionView } from "../../core/wire/views.ts";
import { run } from "../room/run.ts";
import { checksum, fillDisk, type Host, type HostRoom, mib, openHostRoom } from "./hosts.ts";
import { endPrograms, Program } from "./program.ts";

const diskBytes = 4 * mib;
let room: HostRoom;
let api: ApiClient;
let config: string;

before(async () => {
  room = await openHostRoom();
  const boot = join(room.folder, "boot");
  await mkdir(join(boot, "grub"), { recursive: true });
  for (const name of ["vmlinuz", "initrd.img", "undionly.kpxe", "snponly.efi"])
    await writeFile(join(boot, name), name);
  for (const name of ["shimx64.efi", "grubx64.efi", "grub/grub.cfg"])
    await writeFile(join(boot, name), name);
  config = join(room.folder, "config.toml");
  await writeFile(config, `[boot]\nfolder = "${boot}"\n`);
  // dhclient's own script would write the host's resolv.conf.
  await writeFile(join(room.folder, "nothing"), "#!/bin/sh\n");
  await chmod(join(room.folder, "nothing"), 0o755);
  await room.startServer("--dhcp", "server", "--config", config);
  api = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  const master = await room.addHost(1, diskBytes);
  await fillDisk(master.disk, diskBytes, 7);
  await online(master);
  const captured = await room.roomcast("capture", master.name, "base", "--wait");
  assert.equal(captured.status, 0, captured.stderr);
});

after(async () => {
  await endPrograms();
  await room?.close();
});

const online = (host: Host) =>
  room.until(
    () => room.pcs(),
    (pcs) => pcs.some(({ name, state }) => name === host.name && state === "idle"),
    30,
  );

const sessionOf = (id: string): Promise<SessionView> => api.get(`/sessions/${id}`);

const bootOf = ({ members }: SessionView): BootView | null | undefined => members[0]?.boot;

/** The host's agent has done its part and is gone; the session waits for its system. Its card is the agent's. */
async function restored(number: number, proveBoot: number): Promise<[Host, string]> {
  const host = await room.addHost(number, diskBytes, "--once");
  await online(host);
  const { id } = await api.post<SessionView>("/sessions", {
    ...{ kind: "restore", image: "base", pcs: [host.name], overwrite: host.name, proveBoot },
  });
  assert.equal(await host.exitStatus(), 0);
  const { namespace, mac } = host;
  await run(["ip", "-n", namespace, "link", "set", "eth0", "address", mac]);
  const session = await sessionOf(id);
  assert.equal(session.members[0]?.result, "verified");
  assert.equal(session.endedAt, null);
  assert.equal(bootOf(session)?.state, "pending");
  return [host, id];
}

const over = (id: string): Promise<SessionView> =>
  room.until(
    () => sessionOf(id),
    ({ endedAt }) => endedAt !== null,
    60,
  );

/** As the boot image's init asks. */
const asAgent = ({ namespace }: Host) =>
  run(
    [
      ...["busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "2", "-T", "1", "-V", "roomcast"],
      ...["-s", "/bin/true"],
    ],
    { namespace },
  );

const asDebian = ({ namespace, name }: Host) =>
  run(
    [
      ...["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec dhclient "$@"', name],
      ...["-1", "-q", "-sf", join(room.folder, "nothing"), "-lf", join(room.folder, name)],
      ...["-pf", join(room.folder, `${name}.pid`), "eth0"],
    ],
    { namespace },
  );

test("the server gives the address: the boot image's question is no proof, the system's is", async () => {
  const [host, id] = await restored(2, 60);
  await asAgent(host);
  assert.equal(bootOf(await sessionOf(id))?.state, "pending");
  await asDebian(host);
  const session = await over(id);
  const { seconds, ...boot } = bootOf(session) ?? {};
  assert.deepEqual(boot, {
    ...{ state: "up", name: host.name, system: "Debian" },
    evidence: "it asked for an address by DHCP",
  });
  assert(typeof seconds === "number" && seconds > 0 && seconds < 60);
  assert.equal(session.state, "done");
});

test("a system with an address of its own is seen by its SSH server", async () => {
  const [host, id] = await restored(3, 60);
  const { namespace } = host;
  const banner = "SSH-2.0-OpenSSH_9.2p1 Debian-2";
  const server = `require("net").createServer((s) => s.end("${banner}\\r\\n")).listen(22, () => console.log("up"))`;
  await new Program(namespace, [process.execPath, "-e", server]).line(/up/);
  // Any word of its own makes its address known.
  await run(["busybox", "ping", "-c", "1", "10.77.0.1"], { namespace });
  const boot = bootOf(await over(id));
  assert.equal(boot?.state, "up");
  assert.equal(boot.system, "Debian");
  assert.equal(boot.evidence, `SSH at 10.77.0.103: ${banner}`);
});

test("whoever shows nothing is missing, verified all the same, and the session's line says what to look at", async () => {
  const [host, id] = await restored(4, 3);
  const session = await over(id);
  assert.equal(bootOf(session)?.state, "missing");
  assert.equal(session.state, "done");
  const text = `${host.name} did not come up within 3 s: power, firmware order, or look at its screen`;
  assert.deepEqual(session.notices, [text]);
  const shown = await room.roomcast("session", "watch", id);
  assert.equal(shown.status, 0, "a PC that is verified is verified");
});

test("beside another server's addresses the question is heard, too, also by one that answers no DHCP", async () => {
  const { namespace } = await room.addHost(9, diskBytes, "--once");
  const other = new Program(namespace, [
    ...["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--no-ping", "--user=root"],
    ...["--interface=eth0", "--bind-interfaces", "--dhcp-range=10.77.0.50,10.77.0.99,5m"],
    `--dhcp-leasefile=${join(room.folder, "other.leases")}`,
  ]);
  await other.line(/IP range/);
  for (const [mode, number] of [
    ["proxy", 5],
    ["off", 8],
  ] as const) {
    await room.endServer("SIGTERM");
    await room.startServer("--dhcp", mode, "--config", config);
    const [host, id] = await restored(number, 60);
    await asAgent(host);
    assert.equal(bootOf(await sessionOf(id))?.state, "pending");
    await asDebian(host);
    const { seconds, ...boot } = bootOf(await over(id)) ?? {};
    assert.deepEqual(boot, {
      ...{ state: "up", name: host.name, system: "Debian" },
      evidence: "it asked for an address by DHCP",
    });
  }
});

test("the others are cast to once the canary is verified; one that does not come up leaves their disks alone", async () => {
  const hosts = [await room.addHost(6, diskBytes), await room.addHost(7, diskBytes)] as const;
  const [canary, other] = hosts;
  for (const host of hosts) await online(host);
  const pcs = hosts.map(({ name }) => name);
  const restore = (more: object) =>
    api.post<SessionView>("/sessions", {
      ...{ kind: "restore", image: "base", pcs, overwrite: pcs.join(","), canary: canary.name },
      ...more,
    });
  const before = await checksum(other.disk);
  // It stays in its agent, so it cannot come up.
  const failed = await over((await restore({ proveBoot: 2 })).id);
  assert.deepEqual(
    [failed.state, ...failed.members.map(({ result }) => result)],
    ["failed", "verified", "stopped"],
  );
  assert.match(failed.members[1]?.reason ?? "", /^the canary host6 did not come up/);
  assert.equal(await checksum(other.disk), before);

  const done = await over((await restore({})).id);
  const [first, second] = done.members;
  assert.deepEqual([done.state, first?.result, second?.result], ["done", "verified", "verified"]);
  assert((first?.endedAt ?? "z") <= (second?.startedAt ?? ""), "one after the other");
  assert.equal(await checksum(other.disk), await checksum(canary.disk));
});
