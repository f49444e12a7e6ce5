/** `make deb`: the packages for Debian, into build/deb. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { RoomcastError } from "../core/errors.ts";
import { exitStatusOf, prepareProcess } from "../core/node/command-line.ts";
import { makeDeb, sourceEpoch } from "./deb.ts";
import { bootPackage, roomcastPackage } from "./roomcast.ts";

prepareProcess();
const repository = join(import.meta.dirname, "..");
const program = new Command("make-deb")
  .description("writes the packages for Debian")
  .option("--out <DIR>", "where to", join(repository, "build/deb"))
  .option("--version-of-package <VERSION>", "by default that of package.json", ownVersion())
  .option("--quick", "compressed less", false)
  .exitOverride()
  .showHelpAfterError("(see --help)")
  .action((options: Options) => {
    buildPage();
    const outFolder = resolve(options.out);
    const epoch = sourceEpoch(repository, process.env.SOURCE_DATE_EPOCH);
    const source = { repository, version: options.versionOfPackage, epoch };
    const { quick } = options;
    const place = { outFolder, workFolder: join(outFolder, ".tree"), epoch, quick };
    for (const make of [bootPackage, roomcastPackage])
      process.stdout.write(`${makeDeb(make(source), place)}\n`);
    rmSync(place.workFolder, { recursive: true, force: true });
  });
try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitStatusOf(error, false);
}

interface Options {
  readonly out: string;
  readonly versionOfPackage: string;
  readonly quick: boolean;
}

function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  return String((manifest as { version: string }).version);
}

/** The page in the browser, into build/page. */
function buildPage(): void {
  const builder = join(repository, "client/page/build.ts");
  if (!existsSync(builder)) return;
  const { status } = spawnSync(process.execPath, [builder], { cwd: repository, stdio: "inherit" });
  if (status !== 0)
    throw new RoomcastError("failed", "the page cannot be built", "see its lines above");
}
