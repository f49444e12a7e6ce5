/** Run by `compiled.ts`, with a seed: compiles all functions of the bundle that it reads, without running any. */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

const source = readFileSync(0, "latin1");
// Functions that no start of the menu needs are among them: which ones it needs depends on the PC.
setFlagsFromString("--no-lazy");
const script = new Script(source, { filename: "bundle.js" });
// V8 notes its flags in what it made, and later takes it only if they are the same: back to what they are anywhere.
setFlagsFromString("--lazy");
setFlagsFromString("--hash-seed=0");
process.stdout.write(script.createCachedData());
