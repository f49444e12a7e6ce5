/** Clonezilla's and FOG's way: the stored image by udpcast, unpacked by zstd, written by partclone. */
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serverInterface } from "../../room/network.ts";
import { type End, startEnd } from "../ends.ts";
import { secondsOfTimes } from "../tools.ts";
import type { Place, Restore } from "./way.ts";

/**
 * Each program of a pipeline, ended with its shell. `--norc`: Node's pipes are sockets, and a bash whose input is one takes
 * itself for a remote one, and may run `~/.bashrc` first.
 */
export const pipeline = (...programs: readonly string[]): readonly string[] => {
  const line = programs.map((each) => `setpriv --pdeathsig KILL ${each}`).join(" | ");
  return ["bash", "--norc", "-o", "pipefail", "-c", `${line}; status=$?; times; exit $status`];
};

/** Writes what comes on its standard input, a partition as partclone and zstd store it, onto `output`. */
export const unpackInto = (output: string): readonly string[] => [
  "zstd -d -q -c",
  `partclone.restore -q -C -L /dev/null -s - -O ${output}`,
];

export async function udpcastWay({ room, pcs, disk, folder }: Place): Promise<Restore> {
  const outputs = pcs.map(({ name }) => join(folder, `${name}.partition`));
  for (const path of outputs) {
    writeFileSync(path, "");
    truncateSync(path, disk.partitionBytes);
  }
  const arrived = pcs.map(() => Promise.withResolvers<number>());
  let sender: End | null = null;
  let receivers: readonly End[] = [];
  return {
    storedBytes: disk.storedBytes,
    dataFilter: "udp",
    async order() {
      const words = "--full-duplex --nokbd --no-progress";
      sender = startEnd(
        room.network.serverNamespace,
        pipeline(
          `udp-sender --file ${disk.stored} --interface ${serverInterface} ${words} --min-receivers ${pcs.length}`,
        ),
      );
      receivers = pcs.map(({ namespace }, index) =>
        startEnd(
          namespace,
          pipeline(
            "udp-receiver --interface eth0 --nokbd --nosync --no-progress",
            ...unpackInto(outputs[index] as string),
          ),
        ),
      );
      for (const [index, { exited }] of receivers.entries())
        void exited.then((status) => status === 0 && arrived[index]?.resolve(Date.now()));
    },
    arrivals: arrived.map(({ promise }) => promise),
    outputs: outputs.map((path) => ({ path, at: 0 })),
    async end() {
      for (const end of [sender, ...receivers]) end?.kill();
      await Promise.all([sender, ...receivers].map((end) => end?.exited));
      const used = receivers.map((end) => secondsOfTimes(end.output()));
      return {
        server: secondsOfTimes(sender?.output() ?? "") ?? null,
        pc: used.includes(undefined)
          ? null
          : used.reduce<number>((sum, each) => sum + (each ?? 0), 0) / used.length,
        steps: [],
      };
    },
  };
}
