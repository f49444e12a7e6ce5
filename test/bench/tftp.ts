/**
 * Our TFTP beside dnsmasq's in one run: the same file of 30 MB, the same clients and options, in turns, in
 * network namespaces. Answers medians and ratios; above 1: ours is faster. `node test/bench/tftp.ts [ROUNDS]`
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endPrograms, Program } from "../net/program.ts";
import { openNetwork, serverAddress, serverInterface } from "../room/network.ts";
import { run } from "../room/run.ts";

const fileBytes = 30_000_000;
const peerAddress = "10.77.0.2";
const rounds = Number(process.argv[2] ?? 5);

/** How a client is told to fetch `file` from `address` into `output`. */
type Client = (address: string, output: string) => string[];
const clients: Readonly<Record<string, Client>> = {
  "curl, blocks of 1468": (address, output) => [
    ...["curl", "-sS", "--tftp-blksize", "1468", "-o", output, `tftp://${address}/file`],
  ],
  "atftp, blocks of 1468": (address, output) => [
    ...["atftp", "--option", "blksize 1468", "-g", "-r", "file", "-l", output, address],
  ],
  "atftp, 1468, windows of 16": (address, output) => [
    ...["atftp", "--option", "blksize 1468", "--option", "windowsize 16"],
    ...["-g", "-r", "file", "-l", output, address],
  ],
  "tftp-hpa, blocks of 512": (address, output) => [
    ...["tftp", "-m", "binary", address, "-c", "get", "file", output],
  ],
};

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] as number;

const folder = await mkdtemp(join(tmpdir(), "roomcast-tftp-bench-"));
const network = await openNetwork();
try {
  const content = Buffer.alloc(fileBytes);
  for (let offset = 0; offset < fileBytes; offset += 4)
    content.writeUInt32LE(Math.imul(offset, 2654435761) >>> 0, offset);
  await writeFile(join(folder, "file"), content);
  const here = (...words: string[]) => run(words, { namespace: network.serverNamespace });
  await here("ip", "address", "add", `${peerAddress}/24`, "dev", serverInterface);
  const source = join(import.meta.dirname, "..", "net", "boot-server.ts");
  const ours = new Program(network.serverNamespace, [
    ...[process.execPath, source, serverInterface, serverAddress, folder, join(folder, "leases")],
  ]);
  await ours.line(/"ready":true/);
  const dnsmasq = new Program(network.serverNamespace, [
    ...["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--user=root"],
    ...["--enable-tftp", `--tftp-root=${folder}`, `--listen-address=${peerAddress}`],
    ...["--bind-interfaces", `--pid-file=${join(folder, "pid")}`],
  ]);
  await dnsmasq.line(/TFTP/);
  const { namespace } = await network.addHost(1);

  const fetch = async (client: Client, address: string): Promise<number> => {
    const output = join(folder, "got");
    await rm(output, { force: true });
    const startedAt = performance.now();
    await run(client(address, output), { namespace, cwd: folder, timeoutMs: 120_000 });
    const seconds = (performance.now() - startedAt) / 1000;
    if (!(await readFile(output)).equals(content))
      throw new Error(`${address} sent something else`);
    return seconds;
  };
  const rate = (seconds: number): string => `${(fileBytes / 1e6 / seconds).toFixed(1)} MB/s`;
  console.log("client                       ours        dnsmasq     ratio (median, least to most)");
  for (const [name, client] of Object.entries(clients)) {
    const pairs: { ours: number; peer: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const pair = { ours: 0, peer: 0 };
      for (const who of round % 2 === 0 ? (["ours", "peer"] as const) : (["peer", "ours"] as const))
        pair[who] = await fetch(client, who === "ours" ? serverAddress : peerAddress);
      pairs.push(pair);
    }
    const ratios = pairs.map(({ ours, peer }) => peer / ours);
    const columns = [
      name.padEnd(28),
      rate(median(pairs.map((pair) => pair.ours))).padEnd(11),
      rate(median(pairs.map((pair) => pair.peer))).padEnd(11),
      `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
    ];
    console.log(columns.join(" "));
  }
} finally {
  await endPrograms();
  network.remove();
  await rm(folder, { recursive: true, force: true });
}
