/**
 * What V8 makes of a bundle, for `starter.ts`: made by the very Node that will take it, since V8 takes only
 * what its own version made with the same flags.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { assert } from "../../core/errors.ts";
import type { Bundle } from "./bundle.ts";

const outputLimitBytes = 64 << 20;

/** The same files, and for each `x.bundle.js` an `x.compiled`: the same bytes for the same bundle and Node. */
export function withCompiled(bundle: Bundle, nodeProgram: string): Bundle {
  const files = new Map(bundle);
  for (const [name, source] of bundle) {
    if (!name.endsWith(".bundle.js")) continue;
    files.set(name.replace(/\.bundle\.js$/, ".compiled"), compiled(source, nodeProgram));
  }
  return files;
}

function compiled(source: Uint8Array, nodeProgram: string): Uint8Array {
  // Without a seed of ours the bytes are others each time.
  const words = ["--hash-seed=1", join(import.meta.dirname, "compile.ts")];
  // NODE_OPTIONS might have flags that the PC's Node is not started with.
  const options = { input: source, env: {}, maxBuffer: outputLimitBytes };
  const { status, stdout, stderr } = spawnSync(nodeProgram, words, options);
  assert(status === 0, `Node compiles the bundle: ${stderr}`);
  return stdout;
}
