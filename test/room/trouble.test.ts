/**
 * One PC with one trouble after the other, each mended while it waits: no cable, no DHCP server, no disk,
 * a clock years off, a server that goes away. It says on its screen what to check (pictures in
 * `build/room/trouble-screens`), on its serial line what the trouble is, and goes on by itself.
 */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { bootLine, type Lab, repository, startLab } from "./lab.ts";
import { macOf } from "./pc.ts";
import { openRoom, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";

const screens = join(roomFolder, "trouble-screens");
/** Nine times what a quiet machine with two cores and no KVM takes. */
const limitMs = { step: 450_000, all: 1_500_000 };

test("a PC tells each trouble and goes on when it is over", { timeout: limitMs.all }, async (t) => {
  await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
  const boot = join(repository, "build", "boot");
  await mkdir(screens, { recursive: true });
  const room = await openRoom({ dhcp: "off" });
  let second: Lab | undefined;
  let isDone = false;
  const number = 1;
  try {
    const pc = await room.start({
      name: "pc1",
      number,
      firmware: "bios",
      nic: "e1000e",
      bus: "none",
      content: { fill: 0 },
      hasLink: false,
      clock: "2009-01-01T00:00:00",
      kernel: {
        kernel: join(boot, "vmlinuz"),
        initrd: join(boot, "initrd.img"),
        append: bootLine(room.lab, macOf(number)),
      },
    });
    let heard = 0;
    const hear = async (said: RegExp): Promise<void> => {
      heard = await pc.waitForSerial(said, limitMs.step, heard);
      await pc.screen(join(screens, `${said.source.replaceAll(/\W+/g, "-")}.png`));
    };
    await hear(/roomcast: no link/);
    await pc.setLink(true);
    await hear(/roomcast: no DHCP answer on eth0/);
    await room.lab.stop();
    const folders = { data: room.lab.dataFolder, log: join(room.folder, "server2.log") };
    second = await startLab(room.network, folders);
    await hear(/roomcast: network eth0 10\.77\.0\.\d+/);
    await hear(/roomcast: clock set, \d{9} s/);
    await hear(/roomcast: registered as pc1/);
    const [view] = await second.waitForPcs([pc.mac], ["idle"], 30_000);
    assert.deepEqual(view?.disks, [], "it has none");
    await second.stop();
    await hear(/roomcast: not connected to https:\S+ (the|nothing|no) /);
    isDone = true;
  } finally {
    if (!isDone) t.diagnostic(`the PC's serial log is in ${room.folder}, pictures in ${screens}`);
    await second?.stop();
    await room.close(!isDone);
  }
});
