import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  blessedData,
  bundleAgent,
  nameWorkers,
  plainBlessed,
} from "../../../initrd/build/bundle.ts";
import { withCompiled } from "../../../initrd/build/compiled.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "bundle-"));
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
});
after(() => rmSync(folder, { recursive: true }));

const source = (path: string, text: string): string => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
  return join(folder, path);
};

test("workers are renamed where they are named, and nothing else is", () => {
  const seen: string[] = [];
  const rename = (specifier: string): string => {
    seen.push(specifier);
    return "./x-worker.js";
  };
  assert.equal(
    nameWorkers(
      `new Worker(new URL("./x-worker.ts", import.meta.url));
new URL(
  '../y/x-worker.ts',
  import.meta.url,
);
new URL("./other.ts", import.meta.url); new URL("./x-worker.ts", base);`,
      rename,
    ),
    `new Worker(new URL("./x-worker.js", import.meta.url));
new URL("./x-worker.js", import.meta.url);
new URL("./other.ts", import.meta.url); new URL("./x-worker.ts", base);`,
  );
  assert.deepEqual(seen, ["./x-worker.ts", "../y/x-worker.ts"]);
});

test("a bundle runs alone: worker, koffi, blessed with a screen and its letters", async () => {
  source(
    "core/node/count-worker.ts",
    `import { parentPort, workerData } from "node:worker_threads";
     import koffi from "koffi";
     const pid = koffi.load("libc.so.6").func("int getpid()")() as number;
     parentPort?.postMessage({ twice: workerData * 2, pid: pid === process.pid });`,
  );
  source(
    "core/node/count.ts",
    `import { Worker } from "node:worker_threads";
     export const count = (data: number): Promise<unknown> =>
       new Promise((resolve, reject) => {
         const worker = new Worker(new URL("./count-worker.ts", import.meta.url), { workerData: data });
         worker.once("message", resolve);
         worker.once("error", reject);
       });`,
  );
  const main = source(
    "initrd/agent/main.ts",
    `import { PassThrough } from "node:stream";
     import blessed from "blessed";
     import { count } from "../../core/node/count.ts";
     const output = new PassThrough();
     let drawn = "";
     output.on("data", (part) => { drawn += part; });
     Object.assign(output, { columns: 80, rows: 25, isTTY: true });
     const screen = blessed.screen({ terminal: "xterm", input: new PassThrough(), output } as never);
     blessed.box({ parent: screen, height: 1, content: "menu" });
     blessed.bigtext({ parent: screen, top: 2, height: 14, content: "43" } as never);
     screen.render();
     const say = async (): Promise<void> => {
       await new Promise((resolve) => setTimeout(resolve, 50));
       console.error(JSON.stringify({ ...(await count(21) as object), drawn: drawn.includes("menu") }));
       process.exit(0);
     };
     void say();`,
  );
  const bundle = await bundleAgent(folder, main, "agent.js");
  assert.deepEqual(
    [...bundle.keys()],
    ["agent.js", "agent.bundle.js", "count-worker.js", "count-worker.bundle.js"],
  );
  assert.deepEqual(await bundleAgent(folder, main, "agent.js"), bundle, "the same sources differ");
  const compiled = withCompiled(bundle, process.execPath);
  assert.deepEqual(withCompiled(bundle, process.execPath), compiled, "the same, compiled");

  const alone = mkdtempSync(join(tmpdir(), "alone-"));
  const run = () =>
    spawnSync(process.execPath, [join(alone, "agent.js")], {
      env: { TERM: "xterm", PATH: "/usr/bin:/bin" },
      encoding: "utf8",
      timeout: 20_000,
    }).stderr.trim();
  try {
    writeFileSync(join(alone, "package.json"), '{"type":"commonjs"}');
    for (const [name, data] of compiled) writeFileSync(join(alone, name), data);
    cpSync(blessedData(repository), join(alone, "blessed"), { recursive: true });
    mkdirSync(join(alone, "node_modules"));
    for (const name of ["koffi", "@koromix"])
      symlinkSync(join(repository, "node_modules", name), join(alone, "node_modules", name));
    const said = '{"twice":42,"pid":true,"drawn":true}';
    assert.equal(run(), said, "V8 takes what was compiled");

    const ofAnother = compiled.get("count-worker.compiled") as Uint8Array;
    writeFileSync(join(alone, "agent.compiled"), ofAnother);
    const anew = `roomcast: ${join(alone, "agent.bundle.js")} is compiled anew`;
    assert.equal(run(), `${anew}\n${said}`, "what it does not take keeps nothing from starting");
  } finally {
    rmSync(alone, { recursive: true });
  }
});

test("two workers of one name are refused", async () => {
  source("core/a/same-worker.ts", "export {};");
  source("core/b/same-worker.ts", "export {};");
  const main = source(
    "initrd/agent/two.ts",
    `export const urls = [new URL("../../core/a/same-worker.ts", import.meta.url),
       new URL("../../core/b/same-worker.ts", import.meta.url)];`,
  );
  await assert.rejects(bundleAgent(folder, main, "agent.js"), /two workers of one name/);
});

test("blessed's computed requires and paths are written out", () => {
  assert.equal(
    plainBlessed(`widget.classes = [
  'Node',
  'BigText'
];

widget.classes.forEach(function(name) {
  var file = name.toLowerCase();
  widget[name] = widget[file] = require('./widgets/' + file);
});
x(__dirname + '/../../usr/fonts/a.json');`),
    `widget.classes = [
  'Node',
  'BigText'
];

widget.Node = widget.node = require('./widgets/node');
widget.BigText = widget.bigtext = require('./widgets/bigtext');
x(roomcastBlessedData + '/fonts/a.json');`,
  );
});
