/**
 * Starts the bundle beside this file, in the boot image: `agent.js` starts `agent.bundle.js`. Beside it lies what
 * V8 made of it when the image was built, so that a PC need not compile it.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

const own = import.meta.filename;
const bundle = own.replace(/\.js$/, ".bundle.js");
const cachedData = readFileSync(own.replace(/\.js$/, ".compiled"));
const script = new Script(readFileSync(bundle, "latin1"), { filename: bundle, cachedData });
// It goes on: V8 compiles the bundle then.
if (script.cachedDataRejected) process.stderr.write(`roomcast: ${bundle} is compiled anew\n`);
script.runInThisContext()(createRequire(own), { exports: {} }, pathToFileURL(own).href);
