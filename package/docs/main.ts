/**
 * `make docs`: the documents as a site that works from the disk, into build/docs. Debian's Sphinx makes it of
 * docs/, and of reference pages that are made here from the code itself.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { exitStatusOf, prepareProcess } from "../../core/node/command-line.ts";
import { sourceEpoch } from "../deb.ts";
import { parts, unlisted } from "./parts.ts";
import { apiPage, commandPages, configurationPage, metricsPage } from "./reference.ts";

prepareProcess();
const repository = join(import.meta.dirname, "../..");
const from = join(repository, "docs");
const work = join(repository, "build/docs.new");
const to = join(repository, "build/docs");

try {
  rmSync(work, { recursive: true, force: true });
  cpSync(from, work, { recursive: true });
  cpSync(join(import.meta.dirname, "conf.py"), join(work, "conf.py"));
  mkdirSync(join(work, "reference"));
  const put = (path: string, text: string): void => writeFileSync(join(work, path), text);
  put("reference/commands.md", commandPages());
  put("reference/configuration.md", configurationPage());
  put("reference/api.md", await apiPage());
  put("reference/metrics.md", metricsPage());
  put("bench.md", listOf("Benchmarks", "bench"));
  put("decisions.md", listOf("Decisions", "decisions"));
  put("index.md", indexPage());
  bringBootDocument();
  requireAll();
  build();
} catch (error) {
  process.exitCode = exitStatusOf(error, false);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function build(): void {
  rmSync(to, { recursive: true, force: true });
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const epoch = sourceEpoch(repository, process.env.SOURCE_DATE_EPOCH);
  const { status, error } = spawnSync(
    "sphinx-build",
    ["-q", "-W", "--keep-going", "-b", "html", "-D", `release=${version}`, work, to],
    { stdio: "inherit", env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) } },
  );
  if (status !== 0) {
    throw new RoomcastError(
      "failed",
      `the documents could not be made into a site${error === undefined ? "" : `: ${error.message}`}`,
      "see the lines above; `make docs` installs what it needs on a Debian 12",
    );
  }
  rmSync(join(to, ".doctrees"), { recursive: true, force: true });
  process.stdout.write(`${join(to, "index.html")}\n`);
}

/** It lies beside the boot image's scripts, and the others lead to it there. */
function bringBootDocument(): void {
  const text = readFileSync(join(repository, "boot/README.md"), "utf8");
  writeFileSync(join(work, "boot.md"), text.replaceAll("](../docs/", "]("));
  for (const name of readdirSync(work).filter((each) => each.endsWith(".md"))) {
    const path = join(work, name);
    const document = readFileSync(path, "utf8");
    writeFileSync(path, document.replaceAll("](../boot/README.md", "](boot.md"));
  }
}

/** The documents of a folder, as a page of their titles. */
function listOf(title: string, folder: string): string {
  const pages = readdirSync(join(from, folder)).filter((name) => name.endsWith(".md"));
  return `# ${title}\n\n${tree(pages.sort().map((name) => `${folder}/${name.slice(0, -3)}`))}`;
}

function indexPage(): string {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const [, first = ""] = readme.split(/\n\n/);
  const lists = parts.map(([title, pages]) => `## ${title}\n\n${tree(pages)}`);
  return `# roomcast\n\n${first}\n\n${lists.join("\n")}`;
}

function tree(pages: readonly string[]): string {
  return `\`\`\`{toctree}\n:maxdepth: 1\n\n${pages.join("\n")}\n\`\`\`\n`;
}

/** A document that nobody finds is as good as none. */
function requireAll(): void {
  const lost = unlisted(readdirSync(from));
  if (lost.length === 0) return;
  const next = "name it in `parts` of package/docs/parts.ts";
  throw new RoomcastError("failed", `no part of the site has docs/${lost.join(", docs/")}`, next);
}
