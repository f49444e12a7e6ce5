/**
 * `make test-fit`: every ordinary layout on smaller and larger disks, compared file by file; Debians of each
 * kind started from a shrunk and from a grown disk; and the work killed at 20 moments. `--rows TEXT` takes only
 * rows whose title has that text: `files:` and `starts:` begin those of layouts and of Debians.
 */
import { mkdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "../../core/errors.ts";
import { sizeText } from "../../core/screen/format.ts";
import { type FitCells, openFitCells, type Target, targets } from "../client/transfer/fit-cells.ts";
import { killAtMoments } from "../client/transfer/fit-kills.ts";
import { type OrdinaryLayout, ordinaryLayouts } from "../imaging/fit/layouts.ts";
import {
  bootFitted,
  bootTargets,
  type DebianKind,
  debianKinds,
  installForBoots,
  makeDebianDisk,
} from "./fit-boots.ts";
import { repository } from "./lab.ts";
import { openNetwork } from "./network.ts";
import { roomFolder } from "./room-run.ts";

const killCount = 20;
const killTitle = `killed at ${killCount} moments`;

const titled = <T extends { readonly title: string }>(what: string, rows: readonly T[]): T[] =>
  rows.map((each) => ({ ...each, title: `${what}: ${each.title}` }));
const { values } = parseArgs({ options: { rows: { type: "string", default: "" } } });
const isWanted = ({ title }: { readonly title: string }): boolean => title.includes(values.rows);
const wanted = {
  layouts: titled("files", ordinaryLayouts).filter(isWanted),
  kills: isWanted({ title: killTitle }),
  kinds: titled("starts", debianKinds).filter(isWanted),
};
const rowCount = wanted.layouts.length + wanted.kinds.length + Number(wanted.kills);
let failures = 0;
{
  await using cells = await openFitCells("fit-matrix");
  for (const layout of wanted.layouts) await tryLayout(cells, layout);
  if (wanted.kills) await row(killTitle, "", () => tryKills(cells));
  if (wanted.kinds.length > 0) await bootAll(cells, wanted.kinds);
}
process.exitCode = failures > 0 || rowCount === 0 ? 1 : 0;

/** Prints one line. */
async function row(title: string, target: string, work: () => Promise<string>): Promise<void> {
  const startedAt = performance.now();
  const said = await work().catch((error: unknown) => {
    failures++;
    return `FAILED: ${errorText(error)}`;
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${title.padEnd(67)}  ${target.padEnd(15)}  ${seconds.padStart(6)} s  ${said}`);
}

async function tryLayout(cells: FitCells, layout: OrdinaryLayout): Promise<void> {
  using master = await cells.master(layout);
  for (const target of Object.keys(targets) as Target[]) {
    await row(layout.title, target, async () => {
      const { bytes, sharedPart, said } = await master.try(target);
      const shared = sharedPart === null ? "" : `, ${Math.round(sharedPart * 100)} % shared`;
      return `${bytes} bytes${shared}; ${said}`;
    });
  }
}

async function tryKills(cells: FitCells): Promise<string> {
  const [layout] = ordinaryLayouts;
  using master = await cells.master(layout as OrdinaryLayout);
  const seed = Number(process.env.SEED || Date.now() % 1_000_000);
  console.log(`moments of seed ${seed}`);
  const bytes = Math.floor((master.origin.diskBytes * 0.8) / 512) * 512;
  const late = await killAtMoments(cells.at, master.origin, { bytes, count: killCount, seed });
  return `the origin whole each time, the second try succeeds; ${late} came too late, seed ${seed}`;
}

async function bootAll(cells: FitCells, kinds: readonly DebianKind[]): Promise<void> {
  const folder = join(roomFolder, `fit-${process.pid}`);
  const work = join(cells.maker.folder, "debian");
  const system = join(work, "system");
  await mkdir(folder, { recursive: true });
  await mkdir(work);
  const before = failures;
  await row("a Debian for all kinds", "mmdebstrap", async () => {
    await installForBoots(system);
    return "installed";
  });
  const network = await openNetwork();
  let number = 0;
  try {
    for (const kind of failures === before ? kinds : []) {
      const disk = await makeDebianDisk(work, system, kind);
      const origin = await cells.at.import(disk, kind.name);
      await rm(disk);
      console.log(`${kind.title}: ${sizeText(origin.usedBytes)} in use`);
      for (const target of Object.keys(bootTargets) as (keyof typeof bootTargets)[]) {
        number++;
        const how = { kind, target, network, folder, number };
        await row(kind.title, target, () => bootFitted(cells, origin, how));
      }
    }
  } finally {
    network.remove();
  }
  if (failures > before) console.log(`Logs: ${relative(repository, folder)}`);
  else await rm(folder, { recursive: true });
}
