/** Compressed streams, by Debian's own tools: they check their sums, and work beside us. */
import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RoomcastError } from "../../core/errors.ts";
import { damagedSource } from "./byte-reader.ts";

export interface Compression {
  /** Debian's package of the tool. */
  readonly package: string;
  readonly tool: string;
  /** Of the file's name, the usual one first. */
  readonly suffixes: readonly string[];
  /** What a file begins with. */
  readonly magic: readonly number[];
  readonly decompress: readonly string[];
  /** null: only read. */
  readonly compress: readonly string[] | null;
}

const all = ["-d", "-c"] as const;

export const compressions: readonly Compression[] = [
  {
    package: "gzip",
    tool: "gzip",
    suffixes: [".gz"],
    magic: [0x1f, 0x8b],
    decompress: all,
    compress: ["-1", "-c"],
  },
  {
    package: "zstd",
    tool: "zstd",
    suffixes: [".zst"],
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    // Images made with a long window (`--ultra`) need as much to be read.
    decompress: [...all, "--long=31"],
    compress: ["-T0", "-3", "-c"],
  },
  {
    package: "lz4",
    tool: "lz4",
    suffixes: [".lz4"],
    magic: [0x04, 0x22, 0x4d, 0x18],
    decompress: all,
    compress: ["-1", "-c"],
  },
  {
    package: "xz-utils",
    tool: "xz",
    suffixes: [".xz"],
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    decompress: all,
    compress: ["-T0", "-1", "-c"],
  },
  {
    package: "lzop",
    tool: "lzop",
    suffixes: [".lzo", ".lzop"],
    magic: [0x89, 0x4c, 0x5a, 0x4f, 0x00],
    decompress: all,
    compress: ["-1", "-c"],
  },
  {
    package: "bzip2",
    tool: "bzip2",
    suffixes: [".bz2"],
    magic: [0x42, 0x5a, 0x68],
    decompress: all,
    compress: null,
  },
];

/** By the first bytes. */
export const compressionOf = (head: Uint8Array): Compression | undefined =>
  compressions.find(({ magic }) => magic.every((byte, at) => head[at] === byte));

export const compressionBySuffix = (name: string): Compression | undefined =>
  compressions.find(({ suffixes }) => suffixes.some((suffix) => name.endsWith(suffix)));

/** Decompresses `source`, which `what` names; throws `bad-input` when the tool finds it cut or damaged. */
export async function* decompressed(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  what: string,
): AsyncGenerator<Buffer> {
  const child = startTool(compression, compression.decompress, ["pipe", "pipe", "pipe"]);
  const over = endOf(child, compression);
  let sourceError: unknown;
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("the tool has pipes");
  const feeding = pipeline(Readable.from(source), stdin).catch((error: unknown) => {
    // A tool that ends early closes its pipe; why it did is what counts.
    if (error instanceof RoomcastError) sourceError = error;
  });
  try {
    for await (const part of stdout) yield part as Buffer;
    await feeding;
    const { status, said } = await over;
    if (sourceError !== undefined) throw sourceError;
    if (status !== 0) throw damagedSource(what, said || `${compression.tool} ended with ${status}`);
  } finally {
    child.kill();
    await Promise.allSettled([feeding, over]);
  }
}

/** A tool that compresses what is written to `stdin` into the open file `into`. */
export function compressor(
  compression: Compression,
  into: number,
): { readonly stdin: NodeJS.WritableStream; readonly ended: Promise<void>; kill(): void } {
  const { compress, tool } = compression;
  if (compress === null) {
    throw new RoomcastError(
      "usage",
      `${tool} files can be read, but not written`,
      "use .zst, .gz, .lz4, .xz or .lzo",
    );
  }
  const child = startTool(compression, compress, ["pipe", into, "pipe"]);
  if (child.stdin === null) throw new Error("the tool has a pipe");
  return {
    stdin: child.stdin,
    ended: endOf(child, compression).then(({ status, said }) => {
      if (status === 0) return;
      const why = said || `it ended with ${status}`;
      throw new RoomcastError(
        "failed",
        `${tool}: ${why}`,
        "check the free space in the file's folder",
      );
    }),
    kill: () => void child.kill(),
  };
}

function startTool(
  { tool }: Compression,
  args: readonly string[],
  stdio: ["pipe", "pipe" | number, "pipe"],
): ChildProcess {
  // A group of its own: Ctrl-C at the terminal is ours to handle.
  return spawn(tool, args, { stdio, detached: true });
}

function endOf(
  child: ChildProcess,
  { tool, package: from }: Compression,
): Promise<{ status: number | null; said: string }> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2000);
  });
  const ended = new Promise<{ status: number | null; said: string }>((resolve, reject) => {
    child.on("error", (cause) => {
      const next = `install it: apt-get install ${from}`;
      reject(new RoomcastError("failed", `${tool} cannot be run: ${cause.message}`, next));
    });
    child.on("close", (status) => {
      const line = said.trim().split("\n").at(-1) ?? "";
      resolve({ status, said: line.replace(/^[^:]*: /, "") });
    });
  });
  ended.catch(() => {});
  return ended;
}
