/**
 * `make test-boot`: every way to boot a PC, on real firmware, with the time from power-on to the menu, and
 * from the order `boot-disk` to the PC's own disk, with the network first in its order.
 * `--rows TEXT` takes only rows whose title has that text.
 */
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { type BootRow, bootRows } from "./boot-rows.ts";
import { type BootTime, bootTime } from "./boot-time.ts";
import { homeWords, makeHomeDisk } from "./home-disk.ts";
import { repository } from "./lab.ts";
import { ownImageRows, tryOwnImage } from "./own-image-rows.ts";
import { openRoom, type Room, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";

/** Three times what a quiet machine with two cores and no KVM takes. */
const limitMs = 240_000;
const screens = join(roomFolder, "boot-screens");

const { values } = parseArgs({ options: { rows: { type: "string", default: "" } } });
const isWanted = ({ title }: { readonly title: string }): boolean => title.includes(values.rows);
const wanted = bootRows.filter(isWanted);
const wantedOwn = ownImageRows.filter(isWanted);
await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
await mkdir(screens, { recursive: true });
const failures = (await bootAll(wanted)) + (await tryOwnImage(wantedOwn, screens));
if (failures > 0) console.log(`Screens: ${relative(repository, screens)}`);
process.exitCode = failures > 0 || wanted.length + wantedOwn.length === 0 ? 1 : 0;

/** Answers how many of the rows failed. */
async function bootAll(rows: readonly BootRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const room = await openRoom();
  let failures = 0;
  try {
    const width = Math.max(...rows.map(({ title }) => title.length));
    const homeDisk = join(room.folder, "home.raw");
    await makeHomeDisk(homeDisk, join(repository, "build", "boot"));
    console.log(`${"".padEnd(width)}  power-on to menu  kernel to menu  order to disk`);
    for (const [index, row] of rows.entries()) {
      const outcome = await bootRow(room, row, homeDisk, index + 1).catch((error: Error) => error);
      if (outcome instanceof Error) failures++;
      const said = outcome instanceof Error ? `FAILED: ${outcome.message}` : timesText(outcome);
      console.log(`${row.title.padEnd(width)}  ${said}`);
    }
  } finally {
    await room.close(failures > 0);
  }
  if (failures > 0) console.log(`Logs: ${room.folder}`);
  return failures;
}

interface RowTime extends BootTime {
  readonly orderToDisk: number;
}

async function bootRow(
  room: Room,
  { title, ...row }: BootRow,
  homeDisk: string,
  number: number,
): Promise<RowTime> {
  const startedAt = performance.now();
  const pc = await room.start({
    ...row,
    name: `row${number}`,
    number,
    content: { copyOf: homeDisk },
  });
  try {
    const time = await bootTime(pc, startedAt, limitMs);
    const [view] = await room.lab.waitForPcs([pc.mac], ["idle"], 30_000);
    const seen = `${view?.firmware} ${view?.secureBoot ? "secure" : ""} ${view?.disks.length}`;
    const expected = `${row.firmware} ${row.secureBoot ? "secure" : ""} 1`;
    if (seen !== expected) throw new Error(`the server sees ${seen}, not ${expected}`);
    await pc.screen(join(screens, `${title.replaceAll(/\W+/g, "-")}-menu.png`));
    const orderedAt = performance.now();
    await room.lab.command("pc", "boot-disk", pc.mac);
    await pc.waitForSerial(homeWords, limitMs, pc.serial().length);
    return { ...time, orderToDisk: (performance.now() - orderedAt) / 1000 };
  } finally {
    await pc.screen(join(screens, `${title.replaceAll(/\W+/g, "-")}.png`)).catch(() => {});
    await pc.powerOff();
  }
}

function timesText({ powerOnToMenu, kernelToMenu, orderToDisk }: RowTime): string {
  const columns = [powerOnToMenu, kernelToMenu, orderToDisk].map((seconds) => seconds.toFixed(1));
  const [menu, kernel, disk] = columns as [string, string, string];
  return `${menu.padStart(14)} s  ${kernel.padStart(12)} s  ${disk.padStart(11)} s`;
}
