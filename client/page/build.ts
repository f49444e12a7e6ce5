/** Bundles the page into build/page: files named by their content's hash, each also compressed. */
import { globSync, readFileSync, statSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";

const repository = join(import.meta.dirname, "..", "..");
const source = import.meta.dirname;
const noSchemas = join(source, "no-schemas.ts");
/** Where the server finds it. */
export const pageFolder = join(repository, "build", "page");

/** Builds the page where it is missing, or older than a file that it is made of. */
export async function ensurePage(): Promise<void> {
  if (newest() > builtAt()) await buildPage();
}

/** In milliseconds since 1970; 0: it was not built. */
function builtAt(): number {
  return statSync(join(pageFolder, "index.html"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const newest = (): number =>
  Math.max(
    ...globSync(["client/page/**/*", "core/**/*.ts", "package-lock.json"], { cwd: repository }).map(
      (path) => statSync(join(repository, path)).mtimeMs,
    ),
  );

/** The same sources make the same files. A server that serves the page meanwhile has the one before or this one. */
export async function buildPage(): Promise<void> {
  const made = await build({
    entryPoints: { main: join(source, "main.tsx") },
    outdir: "/assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    absWorkingDir: repository,
    ...{ bundle: true, splitting: true, format: "esm", minify: true, write: false },
    ...{ platform: "browser", target: "es2023", charset: "utf8", legalComments: "none" },
    ...{ jsx: "automatic", jsxImportSource: "preact" },
    alias: { "typebox/compile": noSchemas, "typebox/value": noSchemas, typebox: noSchemas },
    logLevel: "silent",
  });
  const fresh = `${pageFolder}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, "assets"), { recursive: true });
  const outputs = made.outputFiles.map(({ path, contents }) => ({
    name: relative("/assets", path),
    bytes: Buffer.from(contents),
  }));
  for (const { name, bytes } of outputs) await writeCompressed(join(fresh, "assets", name), bytes);
  const named = (pattern: RegExp): string => {
    const found = outputs.find(({ name }) => pattern.test(name))?.name;
    if (found === undefined) throw new Error(`the bundle has no ${pattern}`);
    return found;
  };
  const page = (await readFile(join(source, "index.html"), "utf8"))
    .replace("main.css", named(/^main-\w+\.css$/))
    .replace("main.js", named(/^main-\w+\.js$/));
  await writeCompressed(join(fresh, "index.html"), Buffer.from(page));
  await rm(pageFolder, { recursive: true, force: true });
  await rename(fresh, pageFolder);
}

async function writeCompressed(path: string, bytes: Buffer): Promise<void> {
  await writeFile(path, bytes);
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, { params }));
}

/** The files that the page needs before anything is done with it: what its first page names, and what that imports. */
export function firstLoad(folder = pageFolder): string[] {
  const wanted = [
    ...readFileSync(join(folder, "index.html"), "utf8").matchAll(/\/assets\/([\w.-]+)/g),
  ].map(([, name = ""]) => name);
  for (const name of wanted) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(folder, "assets", name), "utf8");
    for (const [, chunk = ""] of text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g))
      if (!wanted.includes(chunk)) wanted.push(chunk);
  }
  return wanted.map((name) => join("assets", name));
}

if (import.meta.main) await ensurePage();
