/**
 * A room that is switched on at once: PCs as network namespaces, each with real clients that take the way
 * that firmware, loader and kernel take: DHCP (udhcpc), the loader by TFTP (curl), its script, kernel and
 * initrd by HTTP (curl), or by TFTP as under Secure Boot. What each has got is compared with the files.
 */
import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../client/api/client.ts";
import type { StatusView } from "../../core/wire/api.ts";
import { endPrograms, Program } from "../net/program.ts";
import { openNetwork, serverAddress, serverInterface } from "../room/network.ts";
import { run } from "../room/run.ts";

export interface StormOptions {
  readonly pcs: number;
  /** How kernel and initrd go: as iPXE asks for them, or as the signed GRUB does (blocks of 1024). */
  readonly by: "http" | "tftp";
  /** With vmlinuz, initrd.img and snponly.efi. */
  readonly bootFolder: string;
  /** After which it has failed. */
  readonly limitSeconds: number;
}

export interface StormResult {
  /** PCs that have everything, right. */
  readonly arrived: number;
  /** What the others said last. */
  readonly failures: readonly string[];
  /** Addresses that were given; as many as PCs, or one was given twice. */
  readonly addresses: number;
  /** From the start of all to the end of the last. */
  readonly seconds: number;
  /** The most that the server's process had in memory, before (its start included) and ever. */
  readonly idleBytes: number;
  readonly serverBytes: number;
  /** Of status calls on the local socket during the storm. */
  readonly statusMs: { readonly calls: number; readonly median: number; readonly most: number };
}

const main = join(import.meta.dirname, "..", "..", "bin", "roomcast.js");

/** One PC. It says `got ADDRESS` when it has everything. */
const pcScript = (folder: string, { bootFolder, by }: StormOptions): string => {
  const tftp = `tftp://${serverAddress}`;
  const http = `http://${serverAddress}:8080/boot`;
  const fetch = (name: string, ofGrub: boolean): string =>
    ofGrub
      ? `curl -sS --tftp-blksize 1024 ${tftp}/${name} | cmp - ${bootFolder}/${name}`
      : `curl -sSf ${http}/${name} | cmp - ${bootFolder}/${name}`;
  return `#!/bin/sh
set -e
: <${folder}/go
address=$(busybox udhcpc -f -q -n -i eth0 -s ${folder}/lease -T 1 -t 15 2>/dev/null | sed -n 's/^bound //p')
[ -n "$address" ] || { echo "no address"; exit 1; }
curl -sS --tftp-blksize 1468 ${tftp}/snponly.efi | cmp - ${bootFolder}/snponly.efi
mac=$(cat /sys/class/net/eth0/address)
curl -sSf ${http}/ipxe/$mac | grep -q '^#!ipxe'
${fetch("vmlinuz", by === "tftp")}
${fetch("initrd.img", by === "tftp")}
echo "got $address"
`;
};

export async function storm(options: StormOptions): Promise<StormResult> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-storm-"));
  const network = await openNetwork();
  try {
    await writeFile(join(folder, "config.toml"), `[boot]\nfolder = "${options.bootFolder}"\n`);
    await writeFile(
      join(folder, "lease"),
      '#!/bin/sh\n[ "$1" != bound ] || { ip address add "$ip/24" dev eth0; echo "bound $ip"; }\n',
    );
    await writeFile(join(folder, "pc"), pcScript(folder, options));
    for (const name of ["lease", "pc"]) await chmod(join(folder, name), 0o755);
    // Whoever opens a pipe to read waits until somebody has it open to write.
    await run(["mkfifo", join(folder, "go")]);
    const data = join(folder, "data");
    await mkdir(data);
    const server = new Program(network.serverNamespace, [
      ...[process.execPath, "--disable-warning=ExperimentalWarning", main, "--data", data, "serve"],
      ...["--interface", serverInterface, "--dhcp", "server"],
      ...["--config", join(folder, "config.toml")],
    ]);
    await server.line(/^roomcast ready/, 0, 60);
    const pcs: Program[] = [];
    for (let first = 1; first <= options.pcs; first += 10) {
      const numbers = Array.from(
        { length: Math.min(10, options.pcs + 1 - first) },
        (_, at) => first + at,
      );
      const hosts = await Promise.all(
        numbers.map(async (number) => {
          const { namespace } = await network.addHost(number);
          await run(["ip", "-n", namespace, "address", "flush", "dev", "eth0"]);
          return namespace;
        }),
      );
      for (const namespace of hosts) pcs.push(new Program(namespace, [join(folder, "pc")]));
    }

    const client = new ApiClient({ socketPath: join(data, "roomcast.sock") });
    const statusMs: number[] = [];
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        const askedAt = performance.now();
        await client.get<StatusView>("/status");
        statusMs.push(performance.now() - askedAt);
        await sleep(100);
      }
    })();
    const idleBytes = await peakOf(server);
    const startedAt = performance.now();
    await using _go = await open(join(folder, "go"), "w");
    const limit = setTimeout(() => {
      for (const { child } of pcs) child.kill("SIGKILL");
    }, options.limitSeconds * 1000);
    await Promise.all(pcs.map(({ ended }) => ended));
    clearTimeout(limit);
    const seconds = (performance.now() - startedAt) / 1000;
    isOver = true;
    await asking;

    const got = pcs.flatMap(({ lines }) => /^got (\S+)$/.exec(lines.at(-1) ?? "")?.[1] ?? []);
    return {
      arrived: got.length,
      failures: pcs
        .filter(({ lines }) => !lines.at(-1)?.startsWith("got "))
        .map(({ lines }) => lines.at(-1) ?? "nothing was said"),
      addresses: new Set(got).size,
      seconds,
      idleBytes,
      serverBytes: await peakOf(server),
      statusMs: {
        calls: statusMs.length,
        median: statusMs.toSorted((one, other) => one - other)[statusMs.length >> 1] ?? 0,
        most: Math.max(...statusMs),
      },
    };
  } finally {
    await endPrograms();
    network.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

/** `ip netns exec` and setpriv become the program, so the child is the server itself. */
async function peakOf({ child }: Program): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
