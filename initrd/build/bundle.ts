/**
 * The agent as files that run without `node_modules`: one for the main thread, one for each worker,
 * side by side. A worker is written in the sources as `new Worker(new URL("./x-worker.ts",
 * import.meta.url))` and found by that: it becomes `x-worker.js` beside the bundle.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

/** File name (no folder) → contents, deterministic for the same sources. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

/** `main` is the agent's entry; it becomes `outName`. Rejects with esbuild's own message on a source that does not build. */
export async function bundleAgent(
  repository: string,
  main: string,
  outName: string,
): Promise<Bundle> {
  const files = new Map<string, Uint8Array>();
  const sources = new Map<string, string>([[outName, main]]);
  const pending = [outName];
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    const workers = new Set<string>();
    files.set(name, await bundleOne(repository, sources.get(name) as string, workers));
    for (const worker of workers) {
      const workerName = workerFileName(worker);
      const known = sources.get(workerName);
      if (known === worker) continue;
      if (known !== undefined)
        throw new Error(`two workers of one name: ${known} and ${worker}; rename one`);
      sources.set(workerName, worker);
      pending.push(workerName);
    }
  }
  return files;
}

async function bundleOne(
  repository: string,
  entry: string,
  workers: Set<string>,
): Promise<Uint8Array> {
  const result = await build({
    absWorkingDir: repository,
    entryPoints: [relative(repository, entry)],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node24",
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
    // koffi and node-pty load their native parts themselves, from node_modules beside the bundle.
    // The others are blessed's optional terminal widget, which roomcast does not use.
    external: ["koffi", "@lydell/node-pty", "pty.js", "term.js"],
    // CommonJS packages inside an ES module need `require` for Node's own modules.
    banner: {
      js: [
        'import { createRequire as roomcastCreateRequire } from "node:module";',
        "const require = roomcastCreateRequire(import.meta.url);",
        'const roomcastBlessedData = require("node:path").join(import.meta.dirname, "blessed");',
      ].join("\n"),
    },
    plugins: [workerFiles(workers), blessed],
  });
  return (result.outputFiles[0] as { contents: Uint8Array }).contents;
}

const workerFileName = (source: string): string => basename(source).replace(/\.ts$/, ".js");

/** Notes the workers that the sources name, and names their bundled files instead. */
function workerFiles(workers: Set<string>): Plugin {
  return {
    name: "worker files",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.includes("/node_modules/")) return undefined;
        return {
          loader: "ts",
          contents: nameWorkers(await readFile(path, "utf8"), (specifier) => {
            const worker = resolve(dirname(path), specifier);
            workers.add(worker);
            return `./${workerFileName(worker)}`;
          }),
        };
      });
    },
  };
}

/** Replaces the specifier in each `new URL("….ts", import.meta.url)` that names a worker. */
export const nameWorkers = (source: string, rename: (specifier: string) => string): string =>
  source.replace(
    /new URL\(\s*(["'])(\.{1,2}\/[^"']*-worker\.ts)\1\s*,\s*import\.meta\.url\s*,?\s*\)/g,
    (_, _quote, specifier: string) =>
      `new URL(${JSON.stringify(rename(specifier))}, import.meta.url)`,
  );

/**
 * blessed requires its widgets by computed names, which no bundler follows, and finds its terminal
 * descriptions and fonts relative to its own files: they are beside the bundle, in `blessed/`.
 */
const blessed: Plugin = {
  name: "blessed",
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/blessed\/lib\/.*\.js$/ }, async ({ path }) => ({
      loader: "js",
      contents: plainBlessed(await readFile(path, "utf8")),
    }));
  },
};

/** A source file of blessed with its computed requires and paths written out. */
export function plainBlessed(source: string): string {
  const names = /widget\.classes = \[([^\]]*)\]/.exec(source)?.[1]?.match(/\w+/g) ?? [];
  return source
    .replace(/widget\.classes\.forEach\(function\(name\) \{[^}]*\}\);/, () =>
      names
        .map((name) => {
          const file = name.toLowerCase();
          return `widget.${name} = widget.${file} = require('./widgets/${file}');`;
        })
        .join("\n"),
    )
    .replace(/__dirname \+ '\/(?:\.\.\/)+usr\//g, "roomcastBlessedData + '/");
}

/** Where blessed's data is in a checkout, to be copied to `blessed/` beside the bundle. */
export const blessedData = (repository: string): string =>
  join(repository, "node_modules", "blessed", "usr");
