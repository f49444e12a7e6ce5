/**
 * A real S3 storage on this host: OpenStack Swift with its s3api, from Debian's packages. One replica, one
 * process a service, everything in a folder that goes with it. The folder's file system must have extended attributes.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { AwsClient } from "aws4fetch";
import type { S3Config } from "../server/campus/s3-config.ts";
import { freePort } from "./free-port.ts";

const accessKeyId = "room:cast";
const secretAccessKey = "between-the-racks";
const region = "us-east-1";
/** It takes some two seconds of a processor. */
const startLimitMs = 60_000;
const kinds = ["account", "container", "object"] as const;

export interface Swift {
  /** With files of its keys, and a bucket that is there and empty. */
  readonly config: S3Config;
  /** Ends its processes and removes what it holds. */
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startSwift(): Promise<Swift> {
  const folder = await mkdtemp(join(tmpdir(), "swift-"));
  const started: { launcher: ChildProcess | null } = { launcher: null };
  const end = async (): Promise<void> => {
    started.launcher?.kill("SIGKILL");
    if (started.launcher !== null) await ended(started.launcher);
    // The services end a moment after the launcher.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    await mkdir(join(folder, "disks", "d1"), { recursive: true });
    const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const port = ports[3] as number;
    await writeFile(join(folder, "swift.conf"), cluster);
    for (const [at, kind] of kinds.entries()) {
      const ownPort = ports[at] as number;
      await writeFile(join(folder, `${kind}.conf`), storageService(folder, kind, ownPort));
      await writeFile(join(folder, `${kind}.ring.gz`), ringOf(ownPort));
    }
    await writeFile(join(folder, "proxy.conf"), proxyService(folder, port));
    const launcher = start(folder);
    started.launcher = launcher;
    const config = await configOf(folder, `http://127.0.0.1:${port}`);
    // Who asks the proxy before the others listen waits for its timeouts.
    for (const each of ports) await listening(each, launcher);
    await makeBucket(config);
    return { config, [Symbol.asyncDispose]: end };
  } catch (cause) {
    const log = await readFile(join(folder, "log"), "utf8").catch(() => "");
    await end();
    throw new Error(`Swift did not start:\n${log.slice(-4000)}`, { cause });
  }
}

const cluster = `[swift-hash]
swift_hash_path_prefix = test
swift_hash_path_suffix = room
[storage-policy:0]
name = single
default = yes
`;

const common = (folder: string, port: number): string => `[DEFAULT]
swift_dir = ${folder}
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
log_level = ERROR
`;

/**
 * By default a service is given up after half a second, and a listing that was not told of an object in a second
 * lacks it: on a busy host a test would see that.
 */
const patience = `conn_timeout = 20
node_timeout = 60
container_update_timeout = 60
`;

const storageService = (folder: string, kind: string, port: number): string =>
  `${common(folder, port)}devices = ${folder}/disks
mount_check = false
recon_cache_path = ${folder}
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
${patience}`;

const filters = ["catch_errors", "memcache", "listing_formats", "s3api", "tempauth", "copy", "slo"];

function proxyService(folder: string, port: number): string {
  const settings: Readonly<Record<string, string>> = {
    // tempauth asks for it; nobody is at this port, and Swift does without.
    memcache: "memcache_servers = 127.0.0.1:1\n",
    // Every listing of a test has several pages.
    s3api: `location = ${region}\nmax_bucket_listing = 5\n`,
    tempauth: `user_${accessKeyId.replace(":", "_")} = ${secretAccessKey} .admin\n`,
  };
  const sections = filters.map(
    (name) => `[filter:${name}]\nuse = egg:swift#${name}\n${settings[name] ?? ""}`,
  );
  return `${common(folder, port)}[pipeline:main]
pipeline = ${filters.join(" ")} proxy-server
${sections.join("")}[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
error_suppression_limit = 1000
${patience}`;
}

/**
 * Where what lies, as swift-ring-builder writes it, which takes six seconds for three: one part, on the one
 * disk. "R1NG", version and length (big endian), JSON, and 16 bits for each part: the number of its disk.
 */
function ringOf(port: number): Buffer {
  const place = { ip: "127.0.0.1", port, device: "d1", region: 1, zone: 1, weight: 1, meta: "" };
  const disk = { ...place, id: 0, replication_ip: place.ip, replication_port: port };
  const ring = { devs: [disk], part_shift: 32, replica_count: 1, byteorder: "little" };
  const text = Buffer.from(JSON.stringify(ring));
  const head = Buffer.from("R1NG\0\x01\0\0\0\0", "latin1");
  head.writeUInt32BE(text.length, 6);
  return gzipSync(Buffer.concat([head, text, Buffer.from([0, 0])]));
}

/**
 * What each service loads and patches takes 1.5 s of a processor: it is done once, for all of them. prctl(PR_SET_PDEATHSIG,
 * SIGKILL): they end with the launcher, and the launcher with the test, however that ends.
 */
const launcher = `import ctypes, os, runpy, sys
ctypes.CDLL(None).prctl(1, 9)
from swift.common.utils import eventlet_monkey_patch
eventlet_monkey_patch()
import pkg_resources, paste.deploy
import swift.proxy.server, swift.account.server, swift.container.server, swift.obj.server
import swift.common.middleware.s3api.s3api, swift.common.middleware.tempauth
import swift.common.middleware.copy, swift.common.middleware.slo
for name in sys.argv[2:]:
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, 9)
        sys.argv = [name, os.path.join(sys.argv[1], name + ".conf"), "-v"]
        runpy.run_path("/usr/bin/swift-" + name + "-server", run_name="__main__")
os.wait()
`;

function start(folder: string): ChildProcess {
  const log = openSync(join(folder, "log"), "a");
  const words = ["-c", launcher, folder, ...kinds, "proxy"];
  return spawn("/usr/bin/python3", words, { stdio: ["ignore", log, log] });
}

async function configOf(folder: string, endpoint: string): Promise<S3Config> {
  const accessKeyFile = join(folder, "access.key");
  const secretKeyFile = join(folder, "secret.key");
  await writeFile(accessKeyFile, `${accessKeyId}\n`, { mode: 0o600 });
  await writeFile(secretKeyFile, `${secretAccessKey}\n`, { mode: 0o600 });
  const common = { endpoint, region, bucket: "campus", forcePathStyle: true };
  return { ...common, accessKeyFile, secretKeyFile };
}

async function listening(port: number, launcher: ChildProcess): Promise<void> {
  for (const until = Date.now() + startLimitMs; ; ) {
    if (launcher.exitCode !== null) throw new Error("a service ended");
    const socket = connect(port, "127.0.0.1");
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isThere) return;
    if (Date.now() > until) throw new Error(`nobody listens at port ${port}`);
    await sleep(30);
  }
}

async function makeBucket({ endpoint, bucket }: S3Config): Promise<void> {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3", retries: 5 });
  const made = await client.fetch(`${endpoint}/${bucket}`, { method: "PUT" });
  assert.equal(made.status, 200, await made.text());
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
    else child.once("exit", () => resolve());
  });
