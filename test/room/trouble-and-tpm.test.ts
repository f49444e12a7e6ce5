/**
 * One PC with a TPM. First it meets one trouble after the other, each mended while it waits: no cable, no DHCP
 * server, no disk, a clock years off, a server that goes away. It says on its screen what to check (pictures in
 * `build/room/trouble-screens`), on its serial line what the trouble is, and goes on by itself. Then it is known by
 * its TPM's key, which its agent made while it came up and makes again at its next start; no twin has it.
 */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { PcView } from "../../core/wire/views.ts";
import { bootLine, type Lab, repository } from "./lab.ts";
import { macOf, type Pc } from "./pc.ts";
import { openRoom, type Room, type RoomPc, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";

const screens = join(roomFolder, "trouble-screens");
/** Nine times what a quiet machine with two cores and no KVM takes. */
const limitMs = { step: 450_000, all: 1_500_000 };
const number = 1;
const registered = /roomcast: registered as pc1/;
const keyMade = /roomcast: the TPM's key is (sha256:\S{44}), ready after [\d.]+ s/;

let room: Room;
let pc: Pc;
let passed = 0;

before(async () => {
  await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
  await mkdir(screens, { recursive: true });
  room = await openRoom({ dhcp: "off" });
});
after(async () => {
  if (passed < 2)
    console.error(`logs of server and PCs are in ${room.folder}, pictures in ${screens}`);
  await room.close(passed < 2);
});

/** All that are switched on here have one MAC, UUID and serial number; by its name, each has a TPM of its own. */
function switchOn(name: string, more: Partial<RoomPc> = {}): Promise<Pc> {
  const boot = join(repository, "build", "boot");
  return room.start({
    ...{ name, number, firmware: "bios", nic: "e1000e", bus: "none", content: { fill: 0 } },
    tpm: true,
    kernel: {
      kernel: join(boot, "vmlinuz"),
      initrd: join(boot, "initrd.img"),
      append: bootLine(room.lab, macOf(number)),
    },
    ...more,
  });
}

test("a PC tells each trouble and goes on when it is over", { timeout: limitMs.all }, async () => {
  pc = await switchOn("pc1", { hasLink: false, clock: "2009-01-01T00:00:00" });
  let heard = 0;
  const hear = async (said: RegExp): Promise<void> => {
    heard = await pc.waitForSerial(said, limitMs.step, heard);
    await pc.screen(join(screens, `${said.source.replaceAll(/\W+/g, "-")}.png`));
  };
  await hear(/roomcast: no link/);
  await pc.setLink(true);
  await hear(/roomcast: no DHCP answer on eth0/);
  await room.restartServer({});
  await hear(/roomcast: network eth0 10\.77\.0\.\d+/);
  await hear(/roomcast: clock set, \d{9} s/);
  await hear(registered);
  const [view] = await room.lab.waitForPcs([pc.mac], ["idle"], 30_000);
  assert.deepEqual(view?.disks, [], "it has none");
  await room.lab.stop();
  await hear(/roomcast: not connected to https:\S+ (the|nothing|no) /);
  await room.restartServer({});
  await hear(registered);
  passed++;
});

test("a PC with a TPM is itself at every boot, and a twin of it is not", {
  timeout: limitMs.all,
}, async (t) => {
  const { lab } = room;
  const keyOf = async (of: Pc): Promise<string> => {
    await of.waitForSerial(keyMade, limitMs.step);
    const [said, key] = keyMade.exec(of.serial()) as RegExpExecArray;
    t.diagnostic(said);
    return key as string;
  };
  const key = await keyOf(pc);
  const [before] = await lab.waitForPcs([pc.mac], ["idle"], 30_000);
  assert.equal(before?.identity?.kind, "tpm", "it has logged in by a quote");
  await lab.command("pc", "admit", before.id);
  await pc.powerOff();

  const twin = await switchOn("twin");
  assert.notEqual(await keyOf(twin), key);
  const [one, other] = await twoPcs(lab);
  assert.equal(one?.id, before.id);
  assert.equal(one.state, "offline", "nobody has taken its place");
  assert.deepEqual(
    other?.doubt?.map(({ id }) => id),
    [before.id],
    "whose marks it shows",
  );
  assert.equal(other.identity?.level, "waiting");
  const refused = await lab.watch(["pc", "reboot", other.id], () => {});
  assert.equal(refused.status, 4, refused.stderr);
  await twin.powerOff();

  // For the TPM the same as a reset: each time QEMU starts it anew.
  const again = await switchOn("pc1");
  assert.equal(await keyOf(again), key, "at its next start");
  await again.waitForSerial(registered, limitMs.step);
  const pcs = await lab.command<PcView[]>("pc", "list");
  assert.equal(pcs.find(({ id }) => id === before.id)?.identity?.level, "attested");
  passed++;
});

/** The known PC, and one in doubt. */
async function twoPcs(lab: Lab): Promise<readonly PcView[]> {
  for (const deadline = performance.now() + limitMs.step; ; await sleep(1000)) {
    const pcs = await lab.command<PcView[]>("pc", "list");
    const sorted = pcs.toSorted(
      (one, other) => Number(one.doubt !== null) - Number(other.doubt !== null),
    );
    if (pcs.length === 2 || performance.now() > deadline) return sorted;
  }
}
