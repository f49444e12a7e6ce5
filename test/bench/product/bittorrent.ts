/**
 * EZIO's way, by Debian's aria2: PCs that give each other what they have. The stored image is one file of the torrent; as
 * soon as a PC has all of it, it is unpacked by zstd and written by partclone, while it goes on giving.
 */
import { chmodSync, copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { serverAddress } from "../../room/network.ts";
import { run } from "../../room/run.ts";
import { type End, startEnd } from "../ends.ts";
import { cpuSecondsIn, meanOf } from "./cpu.ts";
import { unpackInto } from "./udpcast.ts";
import type { Place, Restore } from "./way.ts";

const trackerPort = 6969;
const peerPort = 6881;
/** What runs for it, by the first 15 letters of the names. */
const programs = ["aria2c", "zstd", "partclone.resto", "bash", "sleep"];

/** Peers are named by the tracker alone; what is complete is given on until it is ended. */
const words = [
  ...["--quiet=true", "--enable-dht=false", "--bt-enable-lpd=false", "--bt-tracker-interval=2"],
  ...["--seed-ratio=0.0", "--file-allocation=none", `--listen-port=${peerPort}`],
];

export async function bittorrentWay({ room, pcs, disk, folder }: Place): Promise<Restore> {
  const { serverNamespace } = room.network;
  const torrent = join(folder, "image.torrent");
  const announce = `http://${serverAddress}:${trackerPort}/announce`;
  await run(["mktorrent", "-a", announce, "-o", torrent, disk.stored]);
  const tracker = startEnd(serverNamespace, [
    ...[process.execPath, join(import.meta.dirname, "tracker.ts"), String(trackerPort)],
  ]);
  await tracker.said("ready");
  const seeds = join(folder, "seed");
  mkdirSync(seeds);
  copyFileSync(disk.stored, join(seeds, basename(disk.stored)));
  const seeder = startEnd(serverNamespace, [
    ...["aria2c", ...words, "--bt-seed-unverified=true", `--dir=${seeds}`, torrent],
  ]);
  await tracker.said(`${serverAddress}:${peerPort}`);
  const outputs = pcs.map(({ name }) => join(folder, `${name}.partition`));
  const commands = outputs.map((output, index) => {
    writeFileSync(output, "");
    truncateSync(output, disk.partitionBytes);
    const own = join(folder, pcs[index]?.name as string);
    mkdirSync(own);
    const hook = join(own, "unpack");
    const [unpack, write] = unpackInto(output);
    const stored = join(own, basename(disk.stored));
    // It stays, so that the time it took can still be asked for.
    const lines = [`${unpack} ${stored} | ${write} && echo unpacked`, "exec sleep infinity"];
    writeFileSync(
      hook,
      ["#!/usr/bin/env -S setpriv --pdeathsig KILL bash", "set -o pipefail", ...lines, ""].join(
        "\n",
      ),
    );
    chmodSync(hook, 0o755);
    return ["aria2c", ...words, `--dir=${own}`, `--on-bt-download-complete=${hook}`, torrent];
  });
  let receivers: readonly End[] = [];
  const arrived = pcs.map(() => Promise.withResolvers<number>());
  const seedBefore = await cpuSecondsIn(serverNamespace, programs);
  return {
    storedBytes: disk.storedBytes,
    dataFilter: `tcp and port ${peerPort}`,
    async order() {
      receivers = pcs.map(({ namespace }, index) =>
        startEnd(namespace, commands[index] as readonly string[]),
      );
      for (const [index, end] of receivers.entries())
        void end.said("unpacked").then(() => arrived[index]?.resolve(Date.now()));
    },
    arrivals: arrived.map(({ promise }) => promise),
    outputs: outputs.map((path) => ({ path, at: 0 })),
    async end() {
      const seed = (await cpuSecondsIn(serverNamespace, programs)) - seedBefore;
      const used = await Promise.all(pcs.map((pc) => cpuSecondsIn(pc.namespace, programs)));
      for (const end of [tracker, seeder, ...receivers]) end.kill();
      await Promise.all([tracker, seeder, ...receivers].map((end) => end.exited));
      return { server: seed, pc: meanOf(used), steps: [] };
    },
  };
}
