/** `roomcast migrate`: a server that stood alone joins a campus with its images, or leaves one with all of them. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { byteRateText, durationText, sizeText } from "../../core/screen/format.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { migrateHere } from "./host.ts";
import { migrateOut } from "./migrate-out.ts";
import { progressLines } from "./progress.ts";
import { choice } from "./session.ts";

const usualConfig = "/etc/roomcast/roomcast.toml";

export interface MigrateFlags {
  readonly to?: string;
  readonly passwordFile?: string;
  readonly databaseCa?: string;
  readonly s3?: readonly string[];
  readonly seal?: string;
  readonly name?: string;
  readonly config: string;
  readonly verify: "sample" | "full";
  readonly write?: boolean;
  readonly dryRun?: boolean;
  readonly out?: boolean;
}

export function addMigrateCommand(program: Command, run: RunCommand): void {
  program
    .command("migrate")
    .description(
      "brings the images of this host's server into a campus, while the server runs; with --out, all of the campus's images to this server, before it leaves",
    )
    .option("--to <URL>", "the campus's database: postgres://USER@HOST/DATABASE")
    .option("--password-file <FILE>", "holds the password of the database's user")
    .option("--database-ca <FILE>", "who signed the database's certificate, in PEM")
    .option(
      "--s3 <WHAT...>",
      "the campus's storage: a file that has [store.s3], as another server's configuration; or KEY=VALUE words",
    )
    .option("--seal <FILE>", "the campus's key, where it is sealed")
    .option("--name <NAME>", "what the others call this server; by default its host name")
    .option("--config <FILE>", "the server's configuration", usualConfig)
    .addOption(
      choice(
        "--verify <HOW>",
        "which chunks are read back at the end: some of each image, or all",
        ["sample", "full"],
        "sample",
      ),
    )
    .option("--write", "put the campus's part into the configuration, and keep it as FILE.old")
    .option("--dry-run", "only check, and say what would be done and how long it would take")
    .option("--out", "leave: fetch and verify all images of the campus on this server")
    .action((flags: MigrateFlags) =>
      run(
        (context) => (flags.out === true ? migrateOut(context, flags) : migrate(context, flags)),
        {
          isLocal: true,
        },
      ),
    );
}

async function migrate(context: CliContext, flags: MigrateFlags): Promise<number> {
  const { dataFolder, say, document } = context;
  const here = await migrateHere();
  const path = resolve(flags.config);
  const before = (await textOf(path)) ?? "";
  const named = here.decodeConfig(before, path).server?.name;
  const server = flags.name ?? named ?? hostname();
  const settings = { ...(await settingsOf(flags, here)), server };
  const part = { settings, isNamed: server !== (named ?? hostname()) };
  // What cannot be written is said before anything is moved.
  const after = here.withPart(before, path, part);
  const isDry = flags.dryRun === true;
  using progress = progressLines(
    context,
    "checking",
    "start it again: it goes on where it was, and puts nothing there twice",
  );
  const { signal, show, note, begin } = progress;
  const report = await here.migrateIn({
    ...{ dataFolder, settings, isDry, isFull: flags.verify === "full" },
    ...{ signal, note, begin, progress: show },
    planned(plan) {
      progress.end();
      for (const line of planLines(plan)) say(line);
    },
  });
  progress.end();
  const isWritten = flags.write === true && !isDry && after !== null;
  const kept = isWritten ? await here.writeConfiguration(path, after) : null;
  document({ ...report, dryRun: isDry, config: isWritten ? path : null });
  if (report.checked === null) {
    say("Nothing was done (--dry-run).");
    return report.clashes.length === 0 ? 0 : 1;
  }
  const { images, chunksRead } = report.checked;
  say(
    `The campus has ${images} images of this server: all of their packs are there, and ${chunksRead} chunks that were read back are right.`,
  );
  if (after === null) say(`${path} has the settings of the campus already.`);
  else if (isWritten) say(`${path} has the settings of the campus; before, it was ${kept}.`);
  else {
    say(`This belongs into ${path} (--write puts it there):`);
    say("");
    say(here.partText(settings, part.isNamed));
  }
  say("Restart the server: systemctl restart roomcast. Nothing was deleted on it.");
  return report.clashes.length === 0 ? 0 : 1;
}

type Here = Awaited<ReturnType<typeof migrateHere>>;

async function settingsOf(flags: MigrateFlags, here: Here) {
  const { to, s3 } = flags;
  if (to === undefined || s3 === undefined) {
    throw new RoomcastError(
      "usage",
      "a campus has a database and a storage, and one of them is not named",
      "name them with --to and --s3; or leave a campus with --out",
    );
  }
  if (/^[a-z]+:\/\/[^/@]*:[^/@]*@/i.test(to)) {
    const next = "put it into a file that only its owner may read, and name that: --password-file";
    throw new RoomcastError("usage", "a password in --to is seen by all users of this host", next);
  }
  const [only = ""] = s3;
  const isFile = s3.length === 1 && !only.includes("=");
  const storage = isFile
    ? here.storageOfFile((await textOf(resolve(only))) ?? missing(only), only)
    : here.storageOfWords(s3);
  const { passwordFile, databaseCa, seal } = flags;
  return {
    database: {
      url: to,
      ...(passwordFile === undefined ? {} : { passwordFile: resolve(passwordFile) }),
      ...(databaseCa === undefined ? {} : { caFile: resolve(databaseCa) }),
    },
    storage,
    seal: seal === undefined ? null : resolve(seal),
  };
}

function missing(path: string): never {
  const next = "check --s3: KEY=VALUE words, or a file";
  throw new RoomcastError("bad-input", `there is no file ${path}`, next);
}

/** Null: there is none. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new RoomcastError("bad-input", errorText(cause), "run it as root", { cause });
  }
}

function planLines(plan: Parameters<Parameters<Here["migrateIn"]>[0]["planned"]>[0]): string[] {
  const { images, there, clashes, chunks, bytes, rate, seconds } = plan;
  return [
    "Database and storage are reached, and may be written to.",
    `${images.length} images are to be moved, ${there.length} are there already: ${chunks} chunks, ${sizeText(bytes)} to put into the storage.`,
    ...images.map((name) => `  ${name}`),
    ...(bytes === 0
      ? []
      : [
          `At ${byteRateText(rate)}, as the storage took one object, that is ${durationText(seconds)}.`,
        ]),
    ...clashes.map(
      (name) =>
        `  ${name} stays here alone: the campus has another image of this name and version; export it, and import it under another name`,
    ),
  ];
}
