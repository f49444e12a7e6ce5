/**
 * `make room PCS=4`: leaves a virtual room up to play with: the real server, a PC that has a system
 * (`master`) and others with blank disks (`lab1` …, in the room `lab`), all booted from the network.
 */
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { RoomcastError } from "../../core/errors.ts";
import { repository } from "./lab.ts";
import { masterDisk } from "./master.ts";
import type { Pc } from "./pc.ts";
import { openRoom, type Room, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";
import { Steps } from "./steps.ts";

/** Each PC takes 1 GiB of memory and its share of the processors. */
const mostPcs = 32;
const screens = join(roomFolder, "screens");
const steps = new Steps((line) => console.log(line));

process.exitCode = await standRoom().catch((error: unknown) => {
  if (!(error instanceof RoomcastError)) throw error;
  console.error(`\nroom: ${error.message}; ${error.next}`);
  return 1;
});

async function standRoom(): Promise<number> {
  const { values } = parseArgs({ options: { pcs: { type: "string", default: "4" } } });
  const pcCount = Number(values.pcs);
  if (!Number.isInteger(pcCount) || pcCount < 1 || pcCount > mostPcs) {
    throw new RoomcastError(
      "usage",
      `${values.pcs} is no number of PCs`,
      `take 1 to ${mostPcs}: make room PCS=4`,
    );
  }
  const build = [process.execPath, "initrd/build/main.ts"];
  await steps.step("boot image", () => run(build, { cwd: repository }));
  const master = await steps.step("master disk", () =>
    masterDisk(roomFolder, (text) => steps.say(`  ${text}`)),
  );
  await mkdir(screens, { recursive: true });
  const room = await openRoom();
  try {
    await room.lab.command("room", "create", "lab");
    const pcs: Pc[] = [];
    for (let number = 1; number <= pcCount; number++) {
      pcs.push(
        await room.start({
          name: number === 1 ? "master" : `lab${number - 1}`,
          number,
          // Every third one by UEFI, and virtio for OVMF's own PXE.
          firmware: number % 3 === 0 ? "uefi" : "bios",
          nic: number % 3 === 0 ? "virtio" : "e1000e",
          bus: "nvme",
          content: number === 1 ? { copyOf: master } : { fill: 0 },
        }),
      );
    }
    for (const line of directions(room, pcs)) console.log(line);
    for (const pc of pcs) {
      place(room, pc).then(
        () => steps.say(`${pc.name} has registered`),
        (error: Error) => steps.say(error.message),
      );
    }
    await untilDone(pcs);
  } finally {
    await room.close(false);
    steps.say("the room is taken down");
  }
  return 0;
}

/** Waits for the PC to register, and gives it its name and its room. */
async function place(room: Room, pc: Pc): Promise<void> {
  await pc.waitForSerial(/roomcast: registered as/, 900_000);
  const where = pc.name === "master" ? [] : ["--room", "lab"];
  await room.lab.command("pc", "set", pc.mac, "--name", pc.name, ...where);
}

function directions(room: Room, pcs: readonly Pc[]): string[] {
  const cli = `npx roomcast --data ${relative(process.cwd(), room.lab.dataFolder)}`;
  return [
    "",
    `The server is at ${room.lab.gateUrl}, in network namespace ${room.network.serverNamespace}.`,
    `  console     ${cli} console`,
    `  PCs         ${cli} pc list`,
    `  capture     ${cli} capture master demo --wait`,
    `  restore     ${cli} restore demo --room lab --wait`,
    `  server log  ${relative(process.cwd(), room.lab.log)}`,
    "",
    "The PCs, their screens and keyboards, and what they say on their serial lines:",
    ...pcs.map(
      (pc) =>
        `  ${pc.name.padEnd(6)}  ${pc.firmware}  ${pc.mac}  vncviewer ${pc.vncSocket}  ` +
        relative(process.cwd(), pc.serialLog),
    ),
    "",
    `s + Enter: pictures of all screens into ${relative(process.cwd(), screens)}.`,
    "Enter or Ctrl-C: the end.",
    "",
  ];
}

/** Takes pictures when asked; resolves on an empty line, or once every PC is off. */
async function untilDone(pcs: readonly Pc[]): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  // A terminal's Ctrl-C comes as a signal; without a terminal only the PCs or a signal end the room.
  const asked = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      if (line.trim() === "") return resolve();
      if (line.trim() !== "s") return steps.say("s: pictures; Enter: the end");
      const pictures = pcs.map((pc) => pc.screen(join(screens, `${pc.name}.png`)));
      Promise.all(pictures).then(
        () => steps.say(`pictures taken of ${pcs.length} screens`),
        (error: Error) => steps.say(error.message),
      );
    });
  });
  await Promise.race([asked, Promise.all(pcs.map(({ off }) => off))]);
  lines.close();
}
