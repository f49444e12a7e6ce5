/**
 * `node package/join-modules.ts`: joins the modules of packages in node_modules that come as hundreds of small ones. To find
 * and read each of TypeBox's 690 costs every process that starts a quarter of a second of a processor
 * (docs/decisions/0060-modules-that-are-joined.md). What such a package exports stays, under the same paths.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";

/** They have ES modules alone, and nobody can import a path that they do not export. */
const packages = ["typebox"];
const modules = join(import.meta.dirname, "../node_modules");

for (const name of packages) {
  const folder = join(modules, name);
  const entryPoints = entriesOf(folder);
  const { outputFiles } = await build({
    ...{ entryPoints, outdir: folder, outbase: folder, outExtension: { ".js": ".mjs" } },
    ...{ bundle: true, splitting: true, write: false, format: "esm", platform: "node" },
    ...{ target: "esnext", chunkNames: "build/[name]-[hash]", logLevel: "error" },
  });
  const kept = new Set(outputFiles.map(({ path }) => relative(folder, path)));
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  for (const path of globSync("**/*.mjs", { cwd: folder }))
    if (!kept.has(path)) rmSync(join(folder, path));
}

/** The modules that others can import, by their paths. */
function entriesOf(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, { readonly import: string }>>;
  };
  return Object.values(manifest.exports).map(({ import: path }) => join(folder, path));
}
