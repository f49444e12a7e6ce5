/**
 * What `roomcast serve --dhcp server` gives PCs by their seats, to clients that are not ours (udhcpc,
 * dhclient).
 */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { RoomImport } from "../../core/wire/api.ts";
import { openNetwork, type RoomNetwork, serverInterface } from "../room/network.ts";
import { run } from "../room/run.ts";
import { endPrograms, Program } from "./program.ts";

const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
const main = join(import.meta.dirname, "..", "..", "bin", "roomcast.js");

let folder: string;
let network: RoomNetwork;
let server: Program;
/** PCs without an address: a namespace each, and the MAC in it. */
const pcs: { namespace: string; mac: string }[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-seats-"));
  const boot = join(folder, "boot");
  await mkdir(boot);
  for (const name of ["vmlinuz", "initrd.img", "undionly.kpxe", "snponly.efi"])
    await writeFile(join(boot, name), name);
  const dhcp = `[dhcp]\nrouter = "10.77.0.254"\ndns = ["10.77.0.2"]\n`;
  await writeFile(join(folder, "config.toml"), `${dhcp}[boot]\nfolder = "${boot}"\n`);
  const said = 'echo "$1 ip=$ip name=$hostname domain=$domain"';
  await writeFile(join(folder, "udhcpc"), `#!/bin/sh\n${said}\n`);
  // dhclient's own script would write the host's resolv.conf.
  await writeFile(
    join(folder, "dhclient"),
    '#!/bin/sh\necho "$reason ip=$new_ip_address name=$new_host_name domain=$new_domain_name"\n',
  );
  for (const name of ["udhcpc", "dhclient"]) await chmod(join(folder, name), 0o755);
  network = await openNetwork();
  for (const number of [1, 2, 3]) {
    const { namespace } = await network.addHost(number);
    await run(["ip", "-n", namespace, "address", "flush", "dev", "eth0"]);
    const { stdout } = await run(["ip", "-n", namespace, "-br", "link", "show", "dev", "eth0"]);
    pcs.push({ namespace, mac: /([0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(stdout)?.[0] ?? "" });
  }
  server = new Program(network.serverNamespace, [
    ...[...node, main, "--data", join(folder, "data"), "serve", "--interface", serverInterface],
    ...["--config", join(folder, "config.toml"), "--dhcp", "server"],
  ]);
  await server.line(/^roomcast ready/, 0, 60);
});

after(async () => {
  await endPrograms();
  network?.remove();
  await rm(folder, { recursive: true, force: true });
});

const roomcast = async (...words: string[]): Promise<string> =>
  (await run([...node, main, "--data", join(folder, "data"), ...words])).stdout;

/** Asks for one address and ends; the line that its script says. */
async function asked(client: "udhcpc" | "dhclient", number: number): Promise<string> {
  const { namespace } = pcs[number] as { namespace: string };
  const script = join(folder, client);
  const program = new Program(
    namespace,
    client === "udhcpc"
      ? ["busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", script, "-T", "2", "-t", "5"]
      : [
          ...["dhclient", "-4", "-1", "-d", "-sf", script, "-cf", "/dev/null", "eth0"],
          ...["-lf", join(folder, `${namespace}.leases`), "-pf", join(folder, `${namespace}.pid`)],
        ],
  );
  const line = await program.line(client === "udhcpc" ? /^bound / : /^BOUND /, 0, 30);
  program.child.kill("SIGKILL");
  await program.ended;
  return line;
}

test("a PC that a list names comes up with its address, its name and its domain; no other has that address", async () => {
  await roomcast("room", "create", "lab1");
  await roomcast("room", "set", "lab1", "--address", "reserved", "--domain", "lab.example.org");
  const list = pcs
    .slice(0, 2)
    .map(({ mac }, at) => `lab1-a${at + 1},a${at + 1},${mac},10.77.0.${at === 0 ? 31 : 128}`);
  await writeFile(join(folder, "lab1.csv"), ["name,seat,mac,address", ...list, ""].join("\r\n"));
  const text = await roomcast("--json", "room", "import", "lab1", join(folder, "lab1.csv"));
  const done: RoomImport = JSON.parse(text);
  assert.deepEqual(
    done.pcs.map(({ result }) => result),
    ["expected", "expected"],
  );

  // 10.77.0.128 is the first of the range, and kept for the second PC.
  assert.equal(await asked("udhcpc", 2), "bound ip=10.77.0.129 name= domain=");
  assert.equal(await asked("udhcpc", 0), "bound ip=10.77.0.31 name=lab1-a1 domain=lab.example.org");
  assert.equal(
    await asked("dhclient", 1),
    "BOUND ip=10.77.0.128 name=lab1-a2 domain=lab.example.org",
  );

  await roomcast("pc", "set", "lab1-a1", "--address", "10.77.0.41", "--name", "lab1-b1");
  assert.equal(await asked("udhcpc", 0), "bound ip=10.77.0.41 name=lab1-b1 domain=lab.example.org");
});

test("an address that is leased to somebody is no other PC's own", async () => {
  const refused = await run(
    [
      ...node,
      main,
      "--data",
      join(folder, "data"),
      "pc",
      "set",
      "lab1-b1",
      "--address",
      "10.77.0.129",
    ],
    { accept: [4] },
  );
  const { mac } = pcs[2] as { mac: string };
  assert(refused.stderr.includes(`10.77.0.129/24: it is leased to ${mac} now`), refused.stderr);
});

test("export and import on the command line: the same file, and nothing changes", async () => {
  const [first, second] = ["one.csv", "two.csv"].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  await roomcast("pc", "set", "lab1-b1", "--field", "asset=4711", "--field", "note==x, y");
  await roomcast("room", "export", "lab1", first);
  assert.match(await roomcast("room", "import", "lab1", first), /^0 changed, 2 were so already/);
  await roomcast("room", "export", "lab1", second);
  assert.equal((await run(["cmp", first, second])).stdout, "");
});
