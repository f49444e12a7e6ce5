/** A room whose PCs with Secure Boot start the site's own image, beside a DHCP server that was there before. */
import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { copyFile, cp, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { secureBootFiles } from "../../core/boot/secure-boot.ts";
import { assert } from "../../core/errors.ts";
import { gatePins } from "../../core/node/gate-pin.ts";
import { readPeLayout } from "../../core/node/pe-file.ts";
import { makeSecureBootImage } from "../../initrd/secure-boot/image.ts";
import { repository } from "./lab.ts";
import { type RoomNetwork, serverAddress } from "./network.ts";
import { openRoom, type Room } from "./room-run.ts";
import { inNamespace, run } from "./run.ts";

export interface OwnImageRoom {
  readonly room: Room;
  /** The site's, in DER. */
  readonly certificate: Uint8Array;
  /** Has the server give PCs the image, by its setting. */
  useImage(): Promise<void>;
  /** Signs anew, with the key of another site. */
  signByAnother(): Promise<void>;
  /** Changes the server's address in the image that is signed. */
  tamper(): Promise<void>;
  /** Puts Debian's shim there as Debian signed it. */
  useDebiansShim(): Promise<void>;
  /** Puts the site's own image back. */
  mend(): Promise<void>;
  close(keepLogs: boolean): Promise<void>;
}

/**
 * Builds the boot image, has it signed, and starts the room. `isUsed`: PCs get it; else as before there was one,
 * from this server's own DHCP, as Debian's GRUB needs it.
 */
export async function openOwnImageRoom(
  say: (line: string) => void,
  { isUsed = true } = {},
): Promise<OwnImageRoom> {
  await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
  const work = await mkdtemp(join(tmpdir(), "roomcast-own-image-"));
  const bootFolder = join(work, "boot");
  await cp(join(repository, "build", "boot"), bootFolder, { recursive: true });
  const make = (site: string, pin: string): Promise<unknown> =>
    makeSecureBootImage({
      server: {
        serverUrl: `http://${serverAddress}:8080`,
        gate: { url: `https://${serverAddress}:8443`, pins: [pin] },
      },
      kernelArguments: [],
      bootFolder,
      keyFolder: join(work, site),
      log: say,
    });
  // The server is to find an image, and only once it runs there is the key that the image names.
  await make("site", "sha256:none");
  const config = (given: boolean): string =>
    `[boot]\nfolder = "${bootFolder}"\nsecureBootImage = ${given}\n`;
  const dhcp = isUsed ? "proxy" : "server";
  const room = await openRoom({ dhcp, config: config(isUsed) });
  const [pin] = (await gatePins(room.data)) ?? [];
  assert(pin !== undefined, "the server has made its gate's key");
  await make("site", pin);
  const kept = join(work, "kept");
  await cp(join(bootFolder, "secure"), kept, { recursive: true });
  if (isUsed) await startOther(room.network, work);
  return {
    room,
    certificate: await readFile(join(kept, "site.cer")),
    useImage: () => room.restartServer({ dhcp, config: config(true) }),
    signByAnother: async () => void (await make("another", pin)),
    async tamper() {
      const image = join(bootFolder, secureBootFiles.image);
      const { sections } = await readPeLayout(image);
      const line = sections.find(({ name }) => name === ".cmdline");
      assert(line !== undefined, "the boot line is in the image");
      const address = (await readFile(image)).indexOf(serverAddress, line.offset);
      await using file = await open(image, "r+");
      await file.write(Buffer.from("10.77.0.6"), 0, serverAddress.length, address);
    },
    async useDebiansShim() {
      await copyFile(join(bootFolder, "shimx64.efi"), join(bootFolder, secureBootFiles.shim));
    },
    mend: () => cp(kept, join(bootFolder, "secure"), { recursive: true }),
    async close(keepLogs) {
      await room.close(keepLogs);
      await rm(work, { recursive: true });
    },
  };
}

/** Debian's dnsmasq, which gives addresses and says nothing of booting. It dies with the room's network. */
async function startOther(network: RoomNetwork, folder: string): Promise<void> {
  const { namespace } = await network.addHost(99);
  const log = join(folder, "dnsmasq.log");
  const output = openSync(log, "w");
  const [program, ...words] = inNamespace(namespace, [
    ...["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--log-dhcp", "--no-ping"],
    ...["--interface=eth0", "--bind-interfaces", "--dhcp-authoritative", "--user=root"],
    ...["--dhcp-range=10.77.0.50,10.77.0.90,1h", `--dhcp-leasefile=${join(folder, "leases")}`],
    `--pid-file=${join(folder, "pid")}`,
  ]) as [string, ...string[]];
  spawn(program, words, { stdio: ["ignore", output, output] });
  for (let tries = 0; !readFileSync(log, "utf8").includes("IP range"); tries++) {
    assert(tries < 100, "dnsmasq starts");
    await sleep(100);
  }
}
