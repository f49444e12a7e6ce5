/** The TFTP server on real sockets, against clients that are not ours: curl, tftp-hpa, npm's tftp, and packets by hand. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { pbkdf2 } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import {
  startTftpListener,
  type TftpFact,
  type TftpListener,
} from "../../../../server/gate/boot/tftp-listener.ts";

const execute = promisify(execFile);
let top: string;
let listener: TftpListener;
const facts: TftpFact[] = [];
const errors: Error[] = [];
const requests: string[] = [];
let mtu = 1500;
const loader = Uint8Array.from(
  { length: 300_123 },
  (_, index) => (index * 13 + (index >> 9)) & 255,
);

const start = (folder: string, transferLimit?: number): Promise<TftpListener> =>
  startTftpListener({
    address: "127.0.0.1",
    port: 0,
    folder,
    made: (name) => (name === "grub/made.cfg" ? { text: "made for this PC\n" } : undefined),
    ...(transferLimit === undefined ? {} : { transferLimit }),
    mtu: () => mtu,
    macAt: () => null,
    onRequest: (address) => requests.push(address),
    onFact: (fact) => facts.push(fact),
    onError: (error) => errors.push(error),
  });

before(async () => {
  top = await mkdtemp(join(tmpdir(), "roomcast-tftp-"));
  await mkdir(join(top, "boot/sub"), { recursive: true });
  await writeFile(join(top, "boot/undionly.kpxe"), loader);
  await writeFile(join(top, "boot/sub/whole.bin"), loader.subarray(0, 512 * 4));
  await writeFile(join(top, "boot/empty"), "");
  await writeFile(join(top, "secret"), "not for the network");
  await symlink("../secret", join(top, "boot/escape"));
  await symlink("undionly.kpxe", join(top, "boot/alias"));
  await execute("mkfifo", [join(top, "boot/pipe")]);
  listener = await start(join(top, "boot"));
});
after(async () => {
  await listener[Symbol.asyncDispose]();
  await rm(top, { recursive: true });
  assert.deepEqual(errors, []);
});

/** Packets of one client port. */
async function client(address = "127.0.0.1"): Promise<{
  socket: Socket;
  send(bytes: Uint8Array | string, port?: number): void;
  /** The next packet, or undefined after a while of silence. */
  next(withinMs?: number): Promise<{ bytes: Buffer; port: number } | undefined>;
  close(): void;
}> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  socket.unref();
  const queue: { bytes: Buffer; port: number }[] = [];
  let wake = (): void => {};
  socket.on("message", (bytes, { port }) => {
    queue.push({ bytes, port });
    wake();
  });
  return {
    socket,
    send: (bytes, port = listener.port) => socket.send(bytes, port, "127.0.0.1"),
    async next(withinMs = 300) {
      const deadline = performance.now() + withinMs;
      while (queue.length === 0 && performance.now() < deadline) {
        await Promise.race([
          sleep(deadline - performance.now()),
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
        ]);
      }
      return queue.shift();
    },
    close: () => socket.close(),
  };
}

/** For the first packet of a listener whose thread is only just starting, on a busy host. */
const patienceMs = 5000;
const rrq = (file: string, ...options: string[]): string =>
  `\0\x01${[file, "octet", ...options].join("\0")}\0`;
const ackOf = (block: number) => Uint8Array.of(0, 4, block >> 8, block & 255);
const settled = async (): Promise<void> => {
  for (let tries = 0; listener.transfersUnderWay > 0 && tries < 100; tries++) await sleep(20);
  assert.equal(listener.transfersUnderWay, 0);
};

test("curl fetches files by any spelling of their path, with and without options", async () => {
  for (const [file, length] of [
    ["undionly.kpxe", loader.length],
    ["alias", loader.length],
    ["/sub/whole.bin", 2048],
    ["sub\\whole.bin", 2048],
  ] as const) {
    for (const options of [[], ["--tftp-blksize", "1428"], ["--tftp-no-options"]]) {
      const output = join(top, "got");
      await rm(output, { force: true });
      // The tftp: path of curl is taken from the root; `//` keeps the slash.
      const url = `tftp://127.0.0.1:${listener.port}/${file}`;
      await execute("curl", ["-sS", "--max-time", "20", ...options, "-o", output, url]);
      const got = await readFile(output).catch(() => Buffer.alloc(0));
      assert.deepEqual(new Uint8Array(got), loader.slice(0, length), `${file} ${options}`);
    }
  }
  await settled();
  const sent = facts.splice(0);
  assert.equal(sent.length, 12);
  assert(sent.every(({ outcome, reason }) => outcome === "sent" && reason === null));
});

test("tftp-hpa, which asks for no options, fetches too", async () => {
  const output = join(top, "hpa");
  const get = ["get", "undionly.kpxe", output];
  const where = ["127.0.0.1", String(listener.port)];
  await execute("tftp", ["-4", "-m", "binary", ...where, "-c", ...get], { timeout: 20_000 });
  assert.deepEqual(new Uint8Array(await readFile(output)), loader);
  await settled();
  assert.deepEqual(
    facts.splice(0).map(({ outcome }) => outcome),
    ["sent"],
  );
});

test("atftp fetches with windows of 16 blocks, which it announces as such", async () => {
  const output = join(top, "atftp");
  const options = ["--option", "windowsize 16", "--option", "blksize 1468", "--option", "tsize 0"];
  const what = ["-g", "-r", "undionly.kpxe", "-l", output, "127.0.0.1", String(listener.port)];
  await execute("atftp", [...options, ...what], { timeout: 30_000 });
  assert.deepEqual(new Uint8Array(await readFile(output)), loader);
  await settled();
  assert.deepEqual(
    facts.splice(0).map(({ outcome }) => outcome),
    ["sent"],
  );
});

test("npm's tftp client fetches with a window and a large block size", async () => {
  const tftp = createRequire(import.meta.url)("tftp");
  for (const options of [
    { windowSize: 4, blockSize: 1468 },
    { windowSize: 1, blockSize: 65464 },
  ]) {
    const peer = tftp.createClient({ host: "127.0.0.1", port: listener.port, ...options });
    const output = join(top, "npm");
    await promisify(peer.get.bind(peer))("undionly.kpxe", output);
    assert.deepEqual(new Uint8Array(await readFile(output)), loader);
  }
  await settled();
  facts.splice(0);
});

test("fifty at once get the whole file each", async () => {
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const output = join(top, `got${index}`);
      const url = `tftp://127.0.0.1:${listener.port}/undionly.kpxe`;
      await execute("curl", [
        "-sS",
        "--max-time",
        "90",
        "--tftp-blksize",
        "1428",
        "-o",
        output,
        url,
      ]);
      assert.deepEqual(new Uint8Array(await readFile(output)), loader);
    }),
  );
  await settled();
  assert.equal(facts.splice(0).length, 50);
});

test("nothing outside the folder, no directory, no pipe, no writing, no other mode", async () => {
  const peer = await client();
  for (const [packet, code, reason] of [
    [rrq("../secret"), 1, /no such file/],
    [rrq("sub/../../secret"), 1, /no such file/],
    [rrq("..\\secret"), 1, /no such file/],
    [rrq(join(top, "secret")), 1, /no such file/],
    [rrq("escape"), 1, /no such file/],
    [rrq("sub"), 1, /no such file/],
    [rrq("/"), 1, /no such file/],
    [rrq("."), 1, /no such file/],
    [rrq("pipe"), 1, /no such file/],
    [rrq("missing"), 1, /no such file/],
    ["\0\x02undionly.kpxe\0octet\0", 2, /read only/],
    ["\0\x01undionly.kpxe\0netascii\0", 4, /only mode octet, not netascii/],
  ] as const) {
    peer.send(packet);
    const answer = await peer.next(2000);
    assert(answer, `an answer to ${JSON.stringify(packet)}`);
    assert.deepEqual([answer.bytes[1], answer.bytes[3]], [5, code], JSON.stringify(packet));
    assert.match(answer.bytes.subarray(4).toString(), reason);
    await settled();
  }
  peer.close();
  assert.equal(facts.splice(0).filter(({ outcome }) => outcome === "refused").length, 12);
});

test("a name that would disturb a terminal is shown without its controls", async () => {
  const peer = await client();
  peer.send(rrq("\x1b[2Jevil\n"));
  await peer.next();
  peer.close();
  assert.deepEqual(
    facts.splice(0).map(({ file }) => file),
    ["?[2Jevil "],
  );
});

test("an empty file, after its size and without", async () => {
  const peer = await client();
  for (const options of [[], ["tsize", "0"]]) {
    peer.send(rrq("empty", ...options));
    let answer = await peer.next();
    if (options.length > 0) {
      assert.equal(answer?.bytes.toString("latin1"), "\0\x06tsize\x000\0");
      peer.send(ackOf(0), answer?.port);
      answer = await peer.next();
    }
    assert.deepEqual(answer?.bytes, Buffer.from([0, 3, 0, 1]));
    peer.send(ackOf(1), answer?.port);
    await settled();
  }
  peer.close();
  assert.deepEqual(
    facts.splice(0).map(({ outcome }) => outcome),
    ["sent", "sent"],
  );
});

test("a stranger's packet to a transfer gets an error and disturbs nothing", async () => {
  const peer = await client();
  const stranger = await client();
  peer.send(rrq("sub/whole.bin"));
  const first = await peer.next();
  assert(first);
  for (const bytes of [ackOf(1), Uint8Array.of(0, 5, 0, 0, 0), Uint8Array.of(7)]) {
    stranger.send(bytes, first.port);
    const answer = await stranger.next();
    assert.deepEqual([answer?.bytes[1], answer?.bytes[3]], [5, 5], "unknown transfer");
  }
  peer.send(Uint8Array.of(9), first.port);
  assert.equal(await peer.next(100), undefined, "neither the stranger's ACK nor rubbish moves it");
  for (let block = 1; block <= 5; block++) peer.send(ackOf(block), first.port);
  await settled();
  assert.deepEqual(
    facts.splice(0).map(({ outcome }) => outcome),
    ["sent"],
  );
  peer.close();
  stranger.close();
});

test("a request said twice is one transfer; a PC that begins anew from its port is served anew", async () => {
  const peer = await client();
  peer.send(rrq("sub/whole.bin"));
  peer.send(rrq("sub/whole.bin"));
  const first = await peer.next();
  assert(first);
  assert.equal(await peer.next(200), undefined, "no second transfer");
  peer.send(ackOf(1), first.port);
  assert.equal((await peer.next())?.bytes.readUInt16BE(2), 2);
  // It was switched off and on; its ROM always uses the same port.
  peer.send(rrq("sub/whole.bin"));
  const anew = await peer.next();
  assert.equal(anew?.bytes.readUInt16BE(2), 1);
  assert.notEqual(anew?.port, first.port);
  assert.equal(
    await peer.next(1300).then((packet) => packet?.port),
    anew?.port,
    "the old one is over",
  );
  peer.send(Uint8Array.of(0, 5, 0, 0, 0), anew?.port);
  await settled();
  assert.deepEqual(
    facts.splice(0).map(({ outcome }) => outcome),
    ["aborted"],
  );
  peer.close();
});

test("a file that was replaced is served as it is now", async () => {
  const path = join(top, "boot/changing");
  const peer = await client();
  for (const content of ["one", "three"]) {
    await writeFile(path, content);
    peer.send(rrq("changing"));
    const data = await peer.next();
    assert.equal(data?.bytes.subarray(4).toString(), content);
    peer.send(ackOf(1), data?.port);
    await settled();
  }
  peer.close();
  facts.splice(0);
});

test("a bound on transfers, and an end in the midst of them", async () => {
  const small = await start(join(top, "boot"), 2);
  const peers = await Promise.all([client(), client(), client()]);
  for (const peer of peers) {
    peer.send(rrq("undionly.kpxe"), small.port);
    // Who has answered is not put out by who comes later.
    peer.send(ackOf(1), (await peer.next(patienceMs))?.port);
    if (peer !== peers[2]) await peer.next(patienceMs);
  }
  assert.equal(small.transfersUnderWay, 2);
  assert.deepEqual(
    facts.splice(0).map(({ reason }) => reason),
    ["too many transfers at once"],
  );
  await small[Symbol.asyncDispose]();
  // The timers of the two would fire within the second.
  await sleep(1200);
  for (const peer of peers) peer.close();
  assert.deepEqual(errors, []);
});

test("requests in the names of others, who never answer, keep nobody waiting who does", async () => {
  const small = await start(join(top, "boot"), 8);
  const well = await client();
  well.send(rrq("undionly.kpxe"), small.port);
  const begun = await well.next(patienceMs);
  well.send(ackOf(1), begun?.port);
  assert.equal((await well.next(patienceMs))?.bytes[3], 2);
  const silent = await Promise.all(Array.from({ length: 20 }, () => client()));
  for (const peer of silent) {
    peer.send(rrq("undionly.kpxe"), small.port);
    assert.equal((await peer.next(patienceMs))?.bytes[1], 3, "a block, and no refusal");
  }
  assert.equal(small.transfersUnderWay, 8);
  well.send(ackOf(2), begun?.port);
  assert.equal((await well.next(patienceMs))?.bytes[3], 3, "who has answered goes on");
  await small[Symbol.asyncDispose]();
  facts.length = 0;
  for (const peer of [well, ...silent]) peer.close();
});

test("one host that answers for all transfers there may be keeps no other host waiting", async () => {
  const small = await start(join(top, "boot"), 8);
  const greedy = await Promise.all(Array.from({ length: 8 }, () => client()));
  for (const peer of greedy) {
    peer.send(rrq("undionly.kpxe"), small.port);
    peer.send(ackOf(1), (await peer.next(patienceMs))?.port);
    assert.equal((await peer.next(patienceMs))?.bytes[3], 2, "it is answered");
  }
  const others = await Promise.all([client("127.0.0.2"), client("127.0.0.3")]);
  for (const peer of others) {
    peer.send(rrq("undionly.kpxe"), small.port);
    const begun = await peer.next(patienceMs);
    assert.equal(begun?.bytes[1], 3, "a block, and no refusal");
    peer.send(ackOf(1), begun?.port);
    assert.equal((await peer.next(patienceMs))?.bytes[3], 2);
  }
  assert.equal(small.transfersUnderWay, 8);
  await small[Symbol.asyncDispose]();
  facts.length = 0;
  for (const peer of [...greedy, ...others]) peer.close();
});

test("while no file can be opened, few wait for that, however many ask", async () => {
  const small = await start(join(top, "boot"), 2);
  const peers = await Promise.all(Array.from({ length: 40 }, () => client()));
  facts.length = 0;
  const hash = promisify(pbkdf2);
  // They take all of the threads that would open the files.
  const busy = Array.from({ length: 4 }, () => hash("", "", 300_000, 32, "sha512"));
  for (const peer of peers) peer.send(rrq("undionly.kpxe"), small.port);
  await Promise.race(busy);
  assert.equal(facts.filter(({ outcome }) => outcome === "refused").length, 36);
  await Promise.all(busy);
  await small[Symbol.asyncDispose]();
  facts.length = 0;
  for (const peer of peers) peer.close();
});

test("rubbish at random is counted and ends nothing", async () => {
  const peer = await client();
  const before = listener.packetsIgnored;
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  for (let index = 0; index < 300; index++) {
    const bytes = Uint8Array.from({ length: random() }, random);
    if (index % 3 === 0) bytes.set([0, random() % 8].slice(0, bytes.length));
    peer.send(bytes);
    if (index % 50 === 0) await sleep(5);
  }
  await sleep(100);
  assert(listener.packetsIgnored > before + 100, `${listener.packetsIgnored - before}`);
  peer.close();
  const well = await client();
  well.send(rrq("empty"));
  const data = await well.next();
  assert.equal(data?.bytes.length, 4);
  well.send(ackOf(1), data?.port);
  await settled();
  well.close();
});

test("an interface with a smaller MTU has smaller blocks; a client that loses them all gets small ones the next time", async () => {
  const oack = async (asking: Awaited<ReturnType<typeof client>>) => {
    asking.send(rrq("undionly.kpxe", "blksize", "1468"));
    const answer = await asking.next(5000);
    // Opcode 6, then name and value, each with a NUL.
    return { said: answer?.bytes.toString("latin1", 2), port: answer?.port };
  };
  mtu = 1400;
  requests.length = 0;
  const asking = await client();
  const { said, port } = await oack(asking);
  assert.equal(said, "blksize\x001368\0");
  assert.deepEqual(requests, ["127.0.0.1"]);
  asking.send(ackOf(0), port);
  // The block and its repetitions, none of which "arrives".
  for (let count = 0; count < 3; count++)
    assert.equal((await asking.next(2000))?.bytes.length, 4 + 1368);
  asking.close();
  const again = await client();
  const second = await oack(again);
  assert.equal(second.said, "blksize\x00512\0");
  for (let block = 0; ; block++) {
    again.send(ackOf(block), second.port);
    const data = await again.next();
    if (data === undefined || data.bytes.length < 516) break;
  }
  again.close();
  mtu = 1500;
});

test("a port that is taken is told as such", async () => {
  const taken = startTftpListener({
    address: "127.0.0.1",
    port: listener.port,
    folder: top,
    mtu: () => mtu,
    macAt: () => null,
    onRequest: () => {},
    onFact: () => {},
    onError: () => {},
  });
  await assert.rejects(taken, { code: "failed", message: /EADDRINUSE/ });
});

test("a file that is made when it is asked for, by a path from the root as GRUB writes it", async () => {
  const { stdout } = await execute("curl", [
    ...["-sS", `tftp://127.0.0.1:${listener.port}//grub/made.cfg`],
  ]);
  assert.equal(stdout, "made for this PC\n");
});
