/** `backup` and `restore-backup`: on the server's own host, by its own files. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { sizeText } from "../../core/screen/format.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { sayLost, withDryRun } from "./dry-run.ts";
import { backupHere } from "./host.ts";
import { progressLines } from "./progress.ts";

const usualConfig = "/etc/roomcast/roomcast.toml";
const configText = "the server's configuration";

export function addBackupCommands(program: Command, run: RunCommand): void {
  program
    .command("backup <DIR>")
    .description(
      "makes the folder DIR of what this host's server knows, while it runs: state, keys, configuration and the list of images",
    )
    .option("--images", "the images' own bytes as well, and the drivers of PCs", false)
    .option("--config <FILE>", configText, usualConfig)
    .action((folder: string, options: { images: boolean; config: string }) =>
      run((context) => backup(context, resolve(folder), options), { isLocal: true }),
    );

  withDryRun(
    program
      .command("restore-backup <DIR>")
      .description(
        "puts a backup into the data folder; what is there is lost, and the server is stopped first",
      )
      .option("--config <FILE>", `${configText}; one that is there stays`, usualConfig),
  ).action((folder: string, options: { config: string; dryRun?: boolean }) =>
    run((context) => restoreBackup(context, resolve(folder), options), { isLocal: true }),
  );
}

async function backup(
  context: CliContext,
  target: string,
  { images, config }: { readonly images: boolean; readonly config: string },
): Promise<number> {
  const { dataFolder, say, document } = context;
  const { makeBackup } = await backupHere();
  using progress = progressLines(context, "copying");
  const list = await makeBackup({
    ...{ dataFolder, target, configFile: resolve(config), withImages: images },
    ...{ signal: progress.signal, progress: progress.show },
  });
  progress.end();
  const bytes = list.files.reduce((sum, { size }) => sum + size, 0);
  const { hasChunks, incomplete, madeAt } = list;
  document({ folder: target, madeAt, files: list.files.length, bytes, hasChunks, incomplete });
  say(`${target}: ${list.files.length} files, ${sizeText(bytes)}`);
  if (!hasChunks)
    say("the images' own bytes are not in it: add --images, or back up the folder store/packs");
  for (const name of incomplete)
    say(`${name}: chunks of it are lost or damaged; \`roomcast image verify\` says which`);
  return incomplete.length === 0 ? 0 : 1;
}

async function restoreBackup(
  context: CliContext,
  folder: string,
  { config, dryRun = false }: { readonly config: string; readonly dryRun?: boolean },
): Promise<number> {
  const { dataFolder, say, document } = context;
  const { planRestore, restoreBackup: restore } = await backupHere();
  const places = { dataFolder, backup: folder, configFile: resolve(config) };
  using progress = progressLines(context, "checking");
  const plan = await planRestore(places, progress.show);
  progress.end();
  const { list, overwrites, lost, withoutChunks } = plan;
  const what = [
    `${dataFolder} will be as it was at ${list.madeAt} (roomcast ${list.roomcast}).`,
    ...(lost.length === 0 ? [] : ["This is not in the backup, and will be lost:"]),
    ...lost.map((each) => `  ${each}`),
    ...withoutChunks.map(
      (name) =>
        `  ${name}: its bytes are neither here nor in the backup; it cannot be restored to PCs`,
    ),
  ];
  if (dryRun) return sayLost(context, what);
  await requireStopped(context);
  if (overwrites) await context.confirm(what, dataFolder);
  const configAt = await restore(places, list);
  document({ dataFolder, madeAt: list.madeAt, lost, withoutChunks, config: configAt });
  say(`${dataFolder} is as it was at ${list.madeAt}`);
  if (configAt !== null) say(`its configuration is in ${configAt}`);
  for (const name of withoutChunks)
    say(
      `${name}: its bytes are missing; import or capture it again, or \`roomcast image delete ${name}\``,
    );
  say("start the server: systemctl start roomcast");
  return 0;
}

async function requireStopped({ client, dataFolder }: CliContext): Promise<void> {
  const isRunning = await client.get("/status").then(
    () => true,
    (error: unknown) => {
      if (error instanceof RoomcastError && error.code === "unreachable") return false;
      throw error;
    },
  );
  if (!isRunning) return;
  throw new RoomcastError(
    "conflict",
    `a server is running on ${dataFolder}`,
    "stop it first: systemctl stop roomcast",
  );
}
