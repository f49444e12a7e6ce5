/** Rows of `make test-boot`: how PCs with Secure Boot start the site's own image, and what they must not start. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { homeWords, makeHomeDisk } from "./home-disk.ts";
import { repository } from "./lab.ts";
import { type OwnImageRoom, openOwnImageRoom } from "./own-image.ts";
import type { Pc, UefiFeatures } from "./pc.ts";
import { enrolledInShim, ownKeysAlone, waitingForMokManager } from "./varstore.ts";

/** Three times what a quiet machine with two cores and no KVM takes; the shim's TFTP is slow there. */
const limitMs = 500_000;
/** In which a PC would go on with what it has refused. */
const refusalMs = 15_000;
const password = "once";

export interface OwnImageRow {
  readonly title: string;
  readonly features: (certificate: Uint8Array) => UefiFeatures;
  readonly prepare?: (own: OwnImageRoom) => Promise<void>;
  readonly see: (pc: Pc, own: OwnImageRoom) => Promise<void>;
}

const enrolled = (certificate: Uint8Array): UefiFeatures => ({
  variables: [enrolledInShim(certificate)],
});
const ownAlone = (certificate: Uint8Array): UefiFeatures => ({
  ownKeysAlone: true,
  variables: ownKeysAlone(certificate),
});

export const ownImageRows: readonly OwnImageRow[] = [
  {
    title: "own image by TFTP, then the PC's own disk",
    features: enrolled,
    see: async (pc, { room }) => {
      await seeMenu(pc);
      await room.lab.waitForPcs([pc.mac], ["idle"], 30_000);
      await room.lab.command("pc", "boot-disk", pc.mac);
      await pc.waitForSerial(homeWords, limitMs, pc.serial().length);
    },
  },
  {
    title: "own image, enrolled in MokManager that came by the network",
    features: (certificate) => ({
      httpBoot: true,
      variables: waitingForMokManager(certificate, password),
    }),
    see: async (pc) => {
      await enrol(pc, password);
      await seeMenu(pc);
    },
  },
  {
    title: "own image, the site's key alone in the firmware",
    features: (certificate) => ({ httpBoot: true, ...ownAlone(certificate) }),
    see: seeMenu,
  },
  {
    title: "refused: Debian's shim, the site's key alone in the firmware",
    features: (certificate) => ({ httpBoot: true, ...ownAlone(certificate) }),
    prepare: (own) => own.useDebiansShim(),
    see: (pc) => seeRefusal(pc, /Access Denied|Security Violation/),
  },
  {
    title: "refused: the server's address in the image changed",
    features: (certificate) => ({ httpBoot: true, ...enrolled(certificate) }),
    prepare: (own) => own.tamper(),
    see: (pc) => seeRefusal(pc, /Security Violation/),
  },
  {
    title: "refused: an image that another site signed",
    features: (certificate) => ({ httpBoot: true, ...enrolled(certificate) }),
    prepare: (own) => own.signByAnother(),
    see: (pc) => seeRefusal(pc, /Security Violation/),
  },
];

/** Tries the rows, in one room, and says of each how it went. Answers how many failed. */
export async function tryOwnImage(rows: readonly OwnImageRow[], screens: string): Promise<number> {
  if (rows.length === 0) return 0;
  let failures = 0;
  const own = await openOwnImageRoom(() => {});
  try {
    const homeDisk = join(own.room.folder, "home.raw");
    await makeHomeDisk(homeDisk, join(repository, "build", "boot"));
    for (const [index, row] of rows.entries()) {
      const startedAt = performance.now();
      const outcome = await tryRow(own, row, { homeDisk, screens, number: index + 1 }).then(
        () => "as it should be",
        (error: Error) => `FAILED: ${error.message}`,
      );
      if (outcome.startsWith("FAILED")) failures++;
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      console.log(`${row.title}: ${outcome}, after ${seconds} s`);
    }
  } finally {
    await own.close(failures > 0);
  }
  return failures;
}

async function tryRow(
  own: OwnImageRoom,
  row: OwnImageRow,
  { homeDisk, screens, number }: { homeDisk: string; screens: string; number: number },
): Promise<void> {
  await row.prepare?.(own);
  const pc = await own.room.start({
    ...{ name: `own${number}`, number, firmware: "uefi", secureBoot: true },
    ...{ nic: "virtio", bus: "ahci", content: { copyOf: homeDisk }, memoryMib: 1024 },
    ...row.features(own.certificate),
  });
  try {
    await row.see(pc, own);
  } finally {
    await pc.screen(join(screens, `${row.title.replaceAll(/\W+/g, "-")}.png`)).catch(() => {});
    await pc.powerOff();
    await own.mend();
  }
}

async function seeMenu(pc: Pc): Promise<void> {
  await pc.waitForSerial(/roomcast: registered as/, limitMs);
}

async function seeRefusal(pc: Pc, words: RegExp): Promise<void> {
  await pc.waitForSerial(words, limitMs);
  await sleep(refusalMs);
  assert.doesNotMatch(pc.serial(), /roomcast: /, "what was refused did not start");
}

/** As a person does it at MokManager, up to the restart. */
export async function enrol(pc: Pc, password: string): Promise<void> {
  let heard = 0;
  for (const [words, keys] of [
    [/Press any key to perform MOK management/, ["ret"]],
    [/Enroll MOK/, ["down", "ret"]],
    [/View key 0/, ["down", "ret"]],
    [/Enroll the key/, ["down", "ret"]],
  ] as const) {
    heard = await pc.waitForSerial(words, limitMs, heard);
    // The list is drawn line by line, and takes no key before its end.
    await sleep(1500);
    for (const key of keys) await pc.press([key]);
  }
  await pc.waitForSerial(/Password:/, limitMs, heard);
  await pc.type(`${password}\n`);
  await pc.waitForSerial(/Reboot/, limitMs, heard);
  await sleep(1500);
  await pc.press(["ret"]);
}
