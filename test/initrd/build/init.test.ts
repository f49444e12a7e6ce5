/** The scripts of the initrd, run by the shell that runs them there, with folders of ours for /proc and /sys. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { laneCountOf } from "../../../imaging/disk/lanes.ts";

const scripts = join(import.meta.dirname, "..", "..", "..", "initrd", "init");
const busybox = "/bin/busybox";

let root = "";
before(() => {
  root = mkdtempSync(join(tmpdir(), "init-"));
});
after(() => rmSync(root, { recursive: true }));

/** Runs `commands` after the functions of `script`, on a PC as `pc` says. */
function run(script: string, commands: string, pc: Pc = {}): string {
  const place = mkdtempSync(join(root, "pc-"));
  const write = (path: string, text: string): void => {
    mkdirSync(join(place, path, ".."), { recursive: true });
    writeFileSync(join(place, path), text);
  };
  write("proc/cmdline", `${pc.bootLine ?? ""}\n`);
  write("proc/uptime", `${pc.uptime ?? 5}.25 3.00\n`);
  mkdirSync(join(place, "run/roomcast"), { recursive: true });
  for (const [path, text] of Object.entries(pc.files ?? {})) write(path, text);
  for (const [name, [kind, vendor, device]] of Object.entries(pc.pciDevices ?? {})) {
    write(`sys/bus/pci/devices/${name}/class`, `${kind}\n`);
    write(`sys/bus/pci/devices/${name}/vendor`, `${vendor}\n`);
    write(`sys/bus/pci/devices/${name}/device`, `${device}\n`);
  }
  for (const [name, { mac, carrier, device }] of Object.entries(pc.interfaces ?? {})) {
    write(`sys/class/net/${name}/address`, `${mac}\n`);
    write(`sys/class/net/${name}/type`, name === "lo" ? "772\n" : "1\n");
    write(`sys/class/net/${name}/carrier`, `${carrier}\n`);
    if (device !== false) write(`sys/class/net/${name}/device/x`, "");
  }
  const text = ["common.sh", "trouble.sh", script]
    .map((name) => readFileSync(join(scripts, name), "utf8"))
    .join("\n")
    .replaceAll(/(?<![\w/])\/(proc|sys|run|dev\/ttyS0)\b/g, `${place}/$1`);
  const ran = spawnSync(busybox, ["sh"], {
    input: `${text}\n${commands}\n`,
    encoding: "utf8",
  });
  assert.equal(ran.stderr, "");
  return ran.stdout;
}

interface Pc {
  readonly bootLine?: string;
  readonly uptime?: number;
  /** Address → class, vendor, device, as sysfs has them. */
  readonly pciDevices?: Readonly<Record<string, readonly [string, string, string]>>;
  /** Path below the root → text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly interfaces?: Readonly<
    Record<string, { readonly mac: string; readonly carrier: 0 | 1; readonly device?: boolean }>
  >;
}

test("every script is one for busybox's shell", () => {
  for (const name of readdirSync(scripts)) {
    const checked = spawnSync(busybox, ["sh", "-n", join(scripts, name)], {
      encoding: "utf8",
    });
    assert.equal(checked.stderr, "", name);
  }
});

test("the boot line: a value, a flag, and what only looks like them", () => {
  const bootLine =
    "BOOT_IMAGE=vmlinuz xroomcast.server=no roomcast.server=http://10.0.0.1:8080/a=b roomcast.serial";
  const said = run(
    "network.sh",
    `argument roomcast.server; argument roomcast; argument serial
     flagged roomcast.serial && echo serial; flagged roomcast.seria || echo none`,
    { bootLine },
  );
  assert.equal(said, "http://10.0.0.1:8080/a=b\nserial\nnone\n");
});

test("two threads of the agent's pool are left when a disk hangs, on any number of cores", () => {
  const threads = readFileSync(join(scripts, "session"), "utf8").match(/^.*\bthreads=.*$/gm) ?? [];
  assert.equal(threads.length, 2);
  for (const cores of [1, 2, 4, 12, 64]) {
    const count = `grep() { echo ${cores}; }\n${threads.join("\n")}\necho $threads`;
    const said = run("common.sh", count);
    assert.equal(Number(said) - laneCountOf(cores), 2, `${cores} cores`);
  }
});

test("all keys of the boot line, one a line", () => {
  const bootLine = "roomcast.key=sha256:a+/= quiet roomcast.keys=no roomcast.key=sha256:b=";
  const said = run("common.sh", "arguments roomcast.key; arguments roomcast.gate", { bootLine });
  assert.equal(said, "sha256:a+/=\nsha256:b=\n");
});

const interfaces = {
  lo: { mac: "00:00:00:00:00:00", carrier: 1, device: false },
  br0: { mac: "52:54:00:00:00:09", carrier: 1, device: false },
  eth0: { mac: "52:54:00:00:00:01", carrier: 1 },
  eth1: { mac: "52:54:00:ab:00:02", carrier: 0 },
} as const;

test("interfaces are those with a device behind them; a link is a link", () => {
  const said = run(
    "network.sh",
    "ethernet_interfaces; for name in eth0 eth1 eth9; do has_link $name && echo link $name; done",
    { interfaces },
  );
  assert.equal(said, "eth0\neth1\nlink eth0\n");
});

test("the interface booted from alone for a minute, then first; any when it is not there", {}, () => {
  const ask = (bootMac: string, uptime: number): string =>
    run("network.sh", `boot_mac=${bootMac} since=10; preferred eth0 eth1`, { interfaces, uptime });
  assert.equal(ask("52:54:00:ab:00:02", 69), "eth1\n");
  assert.equal(ask("52:54:00:ab:00:02", 70), "eth1\neth0\n");
  assert.equal(ask("52:54:00:ff:ff:ff", 11), "eth0\neth1\n");
  assert.equal(ask("", 11), "eth0\neth1\n");
});

test("the network as a whole: BOOTIF in the loader's spelling, an address, the milestone", {}, () => {
  const said = run(
    "network.sh",
    `ip() { :; }
     ask_for_address() { echo "asked $1"; echo ip=10.0.0.7 >"\${boot_log%/*}/net"; }
     bring_up_network; echo "$interface $mac"; cut -d ' ' -f 2- "$boot_log"`,
    {
      bootLine: "BOOTIF=01-52-54-00-AB-00-02",
      interfaces: { ...interfaces, eth1: { ...interfaces.eth1, carrier: 1 } },
    },
  );
  assert.equal(said, "asked eth1\neth1 52:54:00:ab:00:02\nnetwork eth1 10.0.0.7\n");
});

test("of two live interfaces the one that leads to the server is taken, or after two minutes any", () => {
  const both = { ...interfaces, eth1: { ...interfaces.eth1, carrier: 1 } } as const;
  const take = (behind: string, live: Pc["interfaces"] = both, bootLine = ""): string =>
    run(
      "network.sh",
      `server=http://10.77.0.1:8080 now=5
       seconds_up() { echo $now; }
       ip() { echo "ip $*" >&3; }
       udhcpc() { now=$((now + 10)); at=$2; echo ip=10.0.0.7 >"\${boot_log%/*}/net"; }
       timeout() { echo "$2 $5 $6 through $at" >&3; [ $at = "${behind}" ] && echo "HTTP/1.1 200 OK"; }
       retry_key() { now=120; return 1; }
       exec 3>&1
       bring_up_network >/dev/null; echo "$interface"`,
      { interfaces: live, bootLine },
    );
  const asked = (name: string) => `nc 10.77.0.1 8080 through ${name}\n`;
  const letGo = (name: string) => `${asked(name)}ip -4 addr flush dev ${name}\n`;
  const up = "ip link set eth0 up\nip link set eth1 up\n";
  assert.equal(take("eth0"), `${up}${asked("eth0")}eth0\n`);
  assert.equal(take("eth1"), `${up}${letGo("eth0")}${asked("eth1")}eth1\n`);
  assert.equal(take("none"), `${up}${letGo("eth0")}${letGo("eth1")}${up}eth0\n`);
  assert.equal(take("none", { eth0: both.eth0 }), "ip link set eth0 up\neth0\n");
  assert.equal(take("none", both, "BOOTIF=01-52-54-00-ab-00-02"), `${up}eth1\n`);
});

test("beside the agent an adapter that came back is brought up, and one that is up is left alone", () => {
  const said = run(
    "network.sh",
    `turn=0; sleep() { turn=$((turn + 1)); [ $turn -lt 5 ]; }
     ip() {
       case "$*" in
         *" addr show "*) [ $turn = 2 ] && [ "$5" = eth0 ] || [ -e "\${boot_log%/*}/net" ] && echo "  inet 10.0.0.7/24" ;;
         *) echo "$turn: ip $*" ;;
       esac
     }
     udhcpc() { echo "$turn: udhcpc $1 $2" >&3; [ $turn = 4 ] && echo ip=10.0.0.7 >"\${boot_log%/*}/net"; }
     exec 3>&1
     interface=eth9; keep_network_up; turn=1
     interface=eth0; keep_network_up; cut -d ' ' -f 2- "$boot_log"`,
    { interfaces },
  );
  const up = (turn: number) => `${turn}: ip link set eth0 up\n${turn}: udhcpc -i eth0\n`;
  assert.equal(said, `${up(3)}${up(4)}network eth0 is back\n`);
});

test("screens fit 80 columns", () => {
  const said = run(
    "network.sh",
    "since=0; no_link eth0 eth1; no_answer eth0; no_adapter; server=http://192.168.100.200:8080 no_server eth0",
    {
      interfaces,
      uptime: 999,
      files: { "run/roomcast/net": "ip=192.168.100.201\n" },
      pciDevices: { "0000:00:02.0": ["0x020000", "0x8086", "0x10d3"] },
    },
  );
  assert.match(said, /the cable, at both ends/);
  assert.match(said, /edge port/);
  assert.match(said, /does not answer through eth0 \(52:54:00:00:00:01\)/);
  assert.match(said, /0000:00:02\.0 {2}8086:10d3 {2}driver NONE/);
  assert.match(said, /R: try again {3}S: a shell/);
  assertFits(said);
});

test("memory: enough is passed over, drivers that did not fit are noted, too little is said until R", () => {
  const check = (availableKib: number, drivers = ""): string =>
    run(
      "memory.sh",
      `retry_key() { return 0; }; mount() { echo "mount $*"; }; drivers_lack() { ${drivers || "false"}; }
       check_memory; cat "$boot_log" 2>/dev/null; echo went on`,
      {
        files: {
          "proc/meminfo": `MemTotal:   402432 kB\nMemAvailable:   ${availableKib} kB\n`,
        },
      },
    );
  assert.equal(check(300_000), "went on\n");
  const noted = check(300_000, "true");
  assert.match(noted, /^mount -o remount,size=90% \/$/m);
  assert.match(noted, /393 MiB of memory: the further drivers did not fit\nwent on\n$/);
  assert.doesNotMatch(noted, /Not enough/);
  const said = check(100_000);
  assert.match(said, /Not enough memory: this PC has 393 MiB/);
  assert.match(said, /and 97 MiB are free/);
  assert.match(said, /went on\n$/);
  assertFits(said);
});

/** A console has 80 columns; what makes letters bold takes none. */
function assertFits(said: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences are made of them
  for (const line of said.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "").split("\n"))
    assert(line.length < 80, line);
}
