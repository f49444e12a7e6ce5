/**
 * The agent as files that run without `node_modules`: one for the main thread, one for each worker,
 * side by side. A worker is written in the sources as `new Worker(new URL("./x-worker.ts",
 * import.meta.url))` and found by that: it becomes `x-worker.js` beside the bundle.
 *
 * Each is a pair: `x.js`, the same few lines everywhere (`starter.ts`), which start `x.bundle.js`.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

/** File name (no folder) → contents, deterministic for the same sources. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

/** The name of what `name` starts. */
export const bundleName = (name: string): string => name.replace(/\.js$/, ".bundle.js");

/** `main` is the agent's entry; it becomes `outName`. Rejects with esbuild's own message on a source that does not build. */
export async function bundleAgent(
  repository: string,
  main: string,
  outName: string,
): Promise<Bundle> {
  const files = new Map<string, Uint8Array>();
  const sources = new Map<string, string>([[outName, main]]);
  const pending = [outName];
  const starter = await packStarter();
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    const workers = new Set<string>();
    files.set(name, starter);
    files.set(bundleName(name), await packOne(repository, sources.get(name) as string, workers));
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

/** One file in the form that Node's `require` has. Escapes instead of other letters: a string of bytes is half as long in memory. */
const packed = {
  ...{ bundle: true, write: false, platform: "node", format: "cjs", target: "node24" },
  ...{ charset: "ascii", legalComments: "none", logLevel: "silent" },
} as const satisfies BuildOptions;

async function packStarter(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...packed,
    entryPoints: [join(import.meta.dirname, "starter.ts")],
    define: { "import.meta.filename": "__filename" },
  });
  return (outputFiles[0] as { contents: Uint8Array }).contents;
}

async function packOne(
  repository: string,
  entry: string,
  workers: Set<string>,
): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...packed,
    absWorkingDir: repository,
    entryPoints: [relative(repository, entry)],
    // koffi and node-pty load their native parts themselves, from node_modules beside the bundle.
    // The others are blessed's optional terminal widget, which roomcast does not use.
    // The script has no loader of its own for `import()`.
    supported: { "dynamic-import": false },
    external: ["koffi", "@lydell/node-pty", "pty.js", "term.js"],
    define: { "import.meta.url": "roomcastUrl" },
    // An expression, whose value `starter.ts` calls.
    banner: {
      js: [
        '(function (require, module, roomcastUrl) { "use strict";',
        'const roomcastBlessedData = require("node:url").fileURLToPath(new URL("blessed", roomcastUrl));',
      ].join("\n"),
    },
    footer: { js: "})" },
    plugins: [workerFiles(workers), blessed],
  });
  return (outputFiles[0] as { contents: Uint8Array }).contents;
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
