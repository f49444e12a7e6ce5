/**
 * `make screens`: the pictures of docs/guide.md, taken of what they show. A PC in QEMU whose menu is
 * used by its keyboard, and the console in tmux beside six agents that are being restored.
 */
import { open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../client/api/client.ts";
import { assert } from "../../core/errors.ts";
import type { ImageView, PcView } from "../../core/wire/views.ts";
import { Tmux } from "../core/node/tmux.ts";
import { fillDisk, mib, openHostRoom, program } from "../net/hosts.ts";
import { repository } from "./lab.ts";
import { openRoom } from "./room-run.ts";

const folder = join(repository, "docs", "screens");
const limitMs = { boot: 400_000, step: 60_000 };
/** What a PC takes to draw after a key, without KVM. */
const drawnMs = 2500;

await picturePc();
await pictureConsole();

/** The seat of one PC, its menu, its network check, and a disk that is refused. */
async function picturePc(): Promise<void> {
  const room = await openRoom();
  let isDone = false;
  try {
    const pc = await room.start({
      name: "pc1",
      number: 1,
      firmware: "uefi",
      bus: "nvme",
      nic: "virtio",
      content: { fill: 0 },
    });
    const { lab } = room;
    const picture = async (name: string): Promise<void> => {
      await sleep(drawnMs);
      await pc.screen(join(folder, `${name}.png`));
      console.log(`${name}.png`);
    };
    const client = new ApiClient({ socketPath: join(lab.dataFolder, "roomcast.sock") });
    /** The PC's screen once it shows that. */
    const untilShown = async (text: RegExp): Promise<readonly string[]> => {
      const { id } = (await client.get<PcView[]>("/pcs")).find((each) => each.mac === pc.mac) ?? {};
      const deadline = performance.now() + limitMs.step;
      for (;;) {
        // An emulated PC that is busy may not answer in time.
        const { lines } = await client
          .get<{ lines: string[] }>(`/pcs/${id}/screen`)
          .catch(() => ({ lines: [] }));
        if (lines.some((line) => text.test(line))) return lines;
        assert(performance.now() < deadline, `the screen shows ${text}: ${lines.join("\n")}`);
        await sleep(500);
      }
    };
    await pc.waitForSerial(/roomcast: registered as pc1/, limitMs.boot);
    await lab.waitForPcs([pc.mac], ["idle"], limitMs.step);
    await lab.command("room", "create", "lab1");
    await lab.command("room", "set", "lab1", "--naming", "lab1-{seat}");
    await lab.command("seat", "add", "lab1", "A2", "--at", "1,0");
    await lab.command("room", "walk", "lab1");
    await picture("seat");
    await pc.type("\n");
    for (;;) {
      const [seated] = await lab.command<PcView[]>("pc", "list");
      if (seated?.seat === "A2") break;
      await sleep(200);
    }
    await lab.command("room", "walk", "lab1", "--end");
    // As a placed PC shows it: until then six digits stand there.
    await picture("menu");
    // A machine that has much else to do answers late and loses packets, which is no cable's fault.
    for (let key = "n", isWell = false; !isWell; key = "r") {
      await pc.type(key);
      await sleep(drawnMs);
      // Looked at last; a step that is not done yet has dots instead of a word.
      const lines = await untilShown(/Multicast +(ok|CHECK)/);
      isWell = !lines.some((line) => line.includes("CHECK"));
    }
    await picture("check");
    await pc.press(["esc"]);
    const large = join(room.folder, "large.raw");
    await writeFile(large, "");
    await truncate(large, 64 * 1024 * mib);
    await using file = await open(large, "r+");
    await file.write(Buffer.alloc(mib, 7), 0, mib, 63 * 1024 * mib);
    await lab.command("image", "import", large, "large", "--raw");
    // Else the server looks for a version that fits, finds that there can be none, and asks no PC.
    const words = ["restore", "large", "--room", "lab1", "--fit", "never", "--wait"];
    const refused = await lab.watch(words, () => {});
    assert(refused.value?.members[0]?.refused === true, `the PC refuses: ${refused.stderr}`);
    await picture("refused");
    isDone = true;
  } finally {
    await room.close(!isDone);
  }
}

/** The console's list, map and session page while six PCs are restored at 40 Mbit/s: printed, for the guide's text. */
async function pictureConsole(): Promise<void> {
  const room = await openHostRoom();
  try {
    const config = join(room.folder, "slow.toml");
    await writeFile(config, '[cast]\nrate = "40 Mbit/s"\n');
    await room.startServer("--config", config);
    const diskBytes = 96 * mib;
    const master = await room.addHost(1, diskBytes);
    await fillDisk(master.disk, diskBytes, 7);
    for (let number = 2; number <= 7; number++) await room.addHost(number, diskBytes);
    await room.until(
      () => room.pcs(),
      (pcs) => pcs.filter(({ state }) => state === "idle").length === 7,
      60,
    );
    await room.roomcast("room", "create", "lab1");
    await room.roomcast("seat", "grid", "lab1", "3x2");
    const pcs = (await room.pcs()).filter(({ mac }) => mac !== master.mac);
    for (const [index, { id }] of pcs.entries()) {
      const seat = `${index < 3 ? "A" : "B"}${(index % 3) + 1}`;
      await room.roomcast("pc", "set", id, "--room", "lab1", "--seat", seat);
    }
    const sender = (await room.pcs()).find(({ mac }) => mac === master.mac);
    assert(sender !== undefined, "the master is there");
    await room.roomcast("capture", sender.id, "win11-lab", "--wait");
    const { value } = await room.roomcast("image", "list");
    assert((value as ImageView[]).length === 1, "there is one image");
    await room.roomcast("restore", "win11-lab", "--room", "lab1");
    using at = new Tmux(100, 24, () => [...program, "--data", room.data, "console"]);
    const texts: Record<string, string> = {};
    await at.until(/receiving +\[#+/, limitMs.step);
    at.press("Tab", "Tab");
    texts.list = await at.until(/receiving +\[###+/, limitMs.step);
    at.press("t");
    texts.map = await at.until(/A1 .*A2 .*A3/, limitMs.step);
    at.press("v");
    texts.session = await at.until("Slowest", limitMs.step);
    for (const text of Object.values(texts)) console.log(text);
  } finally {
    await room.close();
  }
}
