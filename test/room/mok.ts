/**
 * `make test-mok`: a PC with Secure Boot takes the site's certificate as docs and `make secure-boot-image` say it:
 * its agent runs by what Debian signed, `mokutil` hands the certificate over in a shell there, MokManager asks
 * for it at the next start, and from then on the PC starts the site's own image.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type OwnImageRoom, openOwnImageRoom } from "./own-image.ts";
import { enrol } from "./own-image-rows.ts";
import type { Pc } from "./pc.ts";
import { openPcShell } from "./pc-shell.ts";
import { roomFolder } from "./room-run.ts";

/** Some six times what a quiet machine with two cores and no KVM takes. */
const limitMs = 900_000;
const password = "once and again";

await mkdir(roomFolder, { recursive: true });
const startedAt = performance.now();
const own = await openOwnImageRoom(() => {}, { isUsed: false });
let isDone = false;
try {
  await takeCertificate(own);
  isDone = true;
} finally {
  await own.close(!isDone);
}

async function takeCertificate({ room, certificate, useImage }: OwnImageRoom): Promise<void> {
  const switchOn = (httpBoot: boolean): Promise<Pc> =>
    room.start({
      ...{ name: "pc1", number: 1, firmware: "uefi", secureBoot: true, httpBoot },
      ...{ nic: "virtio", bus: "ahci", content: { fill: 0, size: 2 ** 20 }, memoryMib: 1024 },
    });

  const before = await switchOn(false);
  await before.waitForSerial(/roomcast: registered as/, limitMs);
  const [view] = await room.lab.waitForPcs([before.mac], ["idle"], 30_000);
  assert.deepEqual([view?.firmware, view?.secureBoot], ["uefi", true]);
  step("the agent runs, by what Debian signed");
  const waiting = await handOver(room.data, before.mac, `${room.lab.url}/boot/secure/site.cer`);
  const { fingerprint } = new X509Certificate(certificate);
  assert.match(waiting, new RegExp(fingerprint, "i"), "what waits is the site's certificate");
  step(`mokutil has handed it over: ${fingerprint}`);
  await before.powerOff();

  await useImage();
  const after = await switchOn(true);
  try {
    await enrol(after, password);
    step("MokManager has asked for it, with the password");
    const restarted = after.serial().length;
    await after.waitForSerial(/roomcast: registered as/, limitMs, restarted);
    const [again] = await room.lab.waitForPcs([after.mac], ["idle"], 30_000);
    assert.equal(again?.secureBoot, true);
    step("the site's own image runs");
  } finally {
    await after.screen(join(roomFolder, "mok.png")).catch(() => {});
  }
}

function step(what: string): void {
  console.log(`${Math.round((performance.now() - startedAt) / 1000)} s: ${what}`);
}

/** As the command prints it, in a shell on the PC; answers what mokutil then says is waiting. */
async function handOver(data: string, mac: string, certificate: string): Promise<string> {
  using shell = await openPcShell(data, mac);
  shell.type(`wget ${certificate} && mokutil --import site.cer\n`);
  await shell.until(/input password:/);
  shell.type(`${password}\n`);
  await shell.until(/input password again:/);
  shell.type(`${password}\n`);
  await shell.until(/# /);
  // Awaited here: the shell is closed when this function returns.
  return await shell.run("mokutil --list-new");
}
