import { type Command, InvalidArgumentError } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { fitLines, requireFit, unfittedLines } from "../../core/screen/fit.ts";
import { sizeText } from "../../core/screen/format.ts";
import { isLeftOut, orderKeyLines, shownOf } from "../../core/screen/identity.ts";
import { notesLines } from "../../core/screen/image-notes.ts";
import { personalLines } from "../../core/screen/personal.ts";
import { foreseenDisks, type SectorNeed, sectorsOf } from "../../core/screen/target.ts";
import { proofSeconds, proofSecondsLimit } from "../../core/session/boot-proof.ts";
import { type FitDisk, planFit } from "../../core/session/fit-plan.ts";
import { castHasNoCanary } from "../../core/session/no-canary.ts";
import { type HostSystem, hostNameFaults, systemsOn } from "../../core/wire/host-names.ts";
import { foldedName } from "../../core/wire/names.ts";
import { startTimeoutLimit } from "../../core/wire/orders.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { ImageView, PcView, SessionView } from "../../core/wire/views.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { sayLost, withDryRun } from "./dry-run.ts";
import { imagePath } from "./image-work.ts";
import { atServerOf, atText } from "./room-server.ts";
import { secondsUpTo } from "./seconds.ts";
import { choice } from "./session.ts";
import { diskOptionText, failingOptionText, keysOf, targetLines } from "./targets.ts";
import { started } from "./watch.ts";

interface TargetOptions {
  readonly room?: string;
  readonly pc?: string[];
  readonly disk?: string;
  readonly useFailingDisk?: string[];
  readonly start: "now" | "all" | number;
  readonly startTimeout?: number;
  readonly delta?: boolean;
  readonly verify: string;
  readonly then: string;
  readonly personalise: string;
  readonly fit?: string;
  /** Seconds, or as usual; false: nobody waits. */
  readonly proveBoot?: number | boolean;
  readonly canary?: string | number;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

interface CastOptions extends TargetOptions {
  readonly saveAs?: string;
  readonly sourceDisk?: string;
  readonly raw?: boolean;
}

/** `restore` and `cast`: the commands that overwrite the disks of a room. */
export function addRestoreCommands(program: Command, run: RunCommand): void {
  withTargets(
    program
      .command("restore <IMAGE>")
      .description("restores IMAGE to PCs by multicast; their disks are overwritten"),
  )
    .addOption(
      choice(
        "--fit <HOW>",
        "auto: when some disks are smaller than the image's, a version that fits is made first, for all",
        ["auto", "never"],
        "auto",
      ),
    )
    .action((image: string, options: TargetOptions) =>
      run(async (context) => restore(await atServerOf(context, options.room), image, options)),
    );

  withTargets(
    program
      .command("cast <PC>")
      .description("casts the disk of PC live to other PCs; their disks are overwritten")
      .option("--save-as <NAME>", "also store it as a new version of NAME")
      .option("--source-disk <DEV>", "the disk of PC to read; needed where it has several")
      .option("--raw", "take every byte, used or not"),
  ).action((pc: string, options: CastOptions) =>
    run(async (context) => cast(await atServerOf(context, options.room), pc, options)),
  );
}

const withTargets = (command: Command): Command =>
  withDryRun(command)
    .option("--room <R>", "restore all PCs of this room")
    .option("--pc <PC...>", "restore these PCs")
    .option("--disk <DEV>", diskOptionText)
    .option("--use-failing-disk <SERIAL...>", failingOptionText)
    .option(
      "--start <POLICY>",
      "now: with the PCs that are ready; all: when all are; or when this many are",
      startPolicy,
      "now",
    )
    .option(
      "--start-timeout <S>",
      "start after this many seconds with the PCs that are ready",
      secondsUpTo(startTimeoutLimit),
    )
    .option("--delta", "hash the disks first, and send only what differs")
    .addOption(
      choice("--verify <HOW>", "how PCs are verified", ["written", "read-back"], "read-back"),
    )
    .addOption(
      choice(
        "--then <WHAT>",
        "what verified PCs do",
        ["stay", "reboot", "poweroff", "boot-disk"],
        "stay",
      ),
    )
    .addOption(
      choice(
        "--personalise <HOW>",
        "auto: verified PCs are given their own names, addresses and keys",
        ["auto", "none"],
        "auto",
      ),
    )
    .option(
      "--prove-boot [SECONDS]",
      `how long to wait for each verified PC to come up as itself (${proofSeconds} s; the default with --then reboot and boot-disk)`,
      secondsUpTo(proofSecondsLimit),
    )
    .option("--no-prove-boot", "do not wait for verified PCs to come up")
    .option(
      "--canary <PC|N>",
      "this PC, or so many, first: the others are ordered once it is verified and, with --then reboot or boot-disk, seen to come up; without --then it is only verified",
      canary,
    )
    .option("--wait", "wait for the result; the exit status says whether all PCs are verified");

async function restore(
  context: CliContext,
  reference: string,
  options: TargetOptions,
): Promise<number> {
  const image = await context.client.get<ImageView>(imagePath(reference));
  const what = `${imageName(image)} (disk of ${sizeText(image.diskBytes)})`;
  const isOwn = options.personalise === "auto";
  const targets = await confirmTargets(context, options, {
    ...{ what, sectors: sectorsOf(image), sender: null },
    notes: notesLines(image),
    before: options.fit === "auto" ? await fittingLines(context, image) : () => [],
    systems: isOwn ? systemsOn(image.partitions) : [],
    also: isOwn ? personalLines(image) : [],
  });
  if (targets === null) return 0;
  const session = await context.client.post<SessionView>("/sessions", {
    kind: "restore",
    image: image.id,
    fit: options.fit,
    ...targets,
  });
  return started(context, session, options.wait ?? false);
}

async function cast(context: CliContext, reference: string, options: CastOptions): Promise<number> {
  // The server says so, too: after the word.
  if (options.canary !== undefined) throw castHasNoCanary();
  const sender = await context.client.get<PcView>(`/pcs/${encodeURIComponent(reference)}`);
  const what = `the disk of ${sender.name}`;
  const isOwn = options.personalise === "auto";
  const targets = await confirmTargets(context, options, {
    ...{ what, sectors: null, sender },
    notes: [],
    before: (disks) => castLines(sender, options.sourceDisk ?? null, disks),
    systems: isOwn ? ["any system"] : [],
    also: isOwn ? personalLines(null) : [],
  });
  if (targets === null) return 0;
  const session = await context.client.post<SessionView>("/sessions", {
    kind: "cast",
    sender: sender.id,
    saveAs: options.saveAs ?? null,
    sourceDisk: options.sourceDisk ?? null,
    raw: options.raw ?? false,
    ...targets,
  });
  return started(context, session, options.wait ?? false);
}

/** Shows what `from.what` would overwrite and asks for confirmation. Answers the fields of the request; null: it was only to be shown. The sender keeps its disk. */
async function confirmTargets(
  context: CliContext,
  options: TargetOptions,
  from: {
    readonly what: string;
    /** Null: not known yet. */
    readonly sectors: SectorNeed | null;
    readonly sender: PcView | null;
    /** What staff wrote on it. */
    readonly notes: readonly string[];
    /** What comes before anything is written to these disks. Throws where it cannot be. */
    before(disks: readonly FitDisk[]): readonly string[];
    /** Those that take the PCs' names. */
    readonly systems: readonly HostSystem[];
    /** What happens afterwards. */
    readonly also: readonly string[];
  },
): Promise<object | null> {
  const { client } = context;
  const { what, sectors, sender, notes, systems, also } = from;
  const rooms = await client.get<RoomView[]>("/rooms");
  const sameRoom = ({ name }: RoomView): boolean =>
    foldedName(name) === foldedName(options.room ?? "");
  const room = rooms.find(sameRoom)?.name ?? options.room ?? null;
  const pcs = options.pc === undefined ? null : await findPcs(context, options.pc);
  if ((room === null) === (pcs === null)) {
    throw new RoomcastError("usage", "give either a room or PCs", "use --room R or --pc PC");
  }
  const all = await client.get<PcView[]>("/pcs");
  const targets = pcs ?? all.filter((pc) => pc.room === room);
  const word = room ?? targets.map(({ name }) => name).join(",");
  const keys = keysOf(targets, rooms, pcs !== null);
  const overwritten = targets.filter(({ id }) => id !== sender?.id && !isLeftOut(keys, id));
  // The server refuses it, too: here it is said before a word is typed.
  const faults = hostNameFaults(overwritten, systems);
  if (faults.length > 0) {
    const next = [...new Set(faults.map((fault) => fault.next))].join("; ");
    throw new RoomcastError("refused", faults.map(({ what }) => what).join("; "), next);
  }
  const request = {
    named: options.disk ?? null,
    failingDisks: options.useFailingDisk ?? [],
    sectors,
  };
  const before = from.before(foreseenDisks(overwritten, rooms, request));
  const lines = [
    `${what} will overwrite${atText(context)}:`,
    ...targetLines(overwritten, rooms, request),
    ...notes,
    ...before,
    ...also,
    ...orderKeyLines(keys),
  ];
  if (options.dryRun === true) {
    sayLost(context, lines);
    return null;
  }
  await context.confirm(lines, word);
  return {
    shown: shownOf(keys),
    room,
    pcs: pcs === null ? null : pcs.map(({ id }) => id),
    disk: options.disk ?? null,
    failingDisks: options.useFailingDisk ?? [],
    start: options.start,
    startTimeout: options.startTimeout ?? null,
    delta: options.delta ?? false,
    verify: options.verify,
    afterwards: options.then,
    personalise: options.personalise,
    ...proveBootOf(options.proveBoot),
    canary: options.canary ?? null,
    overwrite: word,
  };
}

/** Throws `refused` where the image cannot be made to fit: before a word is typed. */
async function fittingLines(
  { client }: CliContext,
  image: ImageView,
): Promise<(disks: readonly FitDisk[]) => string[]> {
  const images = await client.get<ImageView[]>("/images");
  return (disks) => fitLines(requireFit(planFit(image, images, disks)), disks);
}

/** The disk that is cast is not known where the PC has several. */
function castLines(
  { disks }: PcView,
  named: string | null,
  targets: readonly FitDisk[],
): readonly string[] {
  const found = disks.filter(
    ({ path }) => named === null || path === named || path === `/dev/${named}`,
  );
  const [source] = found;
  return source === undefined || found.length > 1 ? [] : unfittedLines(source.size, targets);
}

async function findPcs({ client }: CliContext, references: readonly string[]): Promise<PcView[]> {
  const found: PcView[] = [];
  for (const reference of references) {
    found.push(await client.get<PcView>(`/pcs/${encodeURIComponent(reference)}`));
  }
  return found;
}

/** Not said: as the server does usually. */
const proveBootOf = (said: number | boolean | undefined): { proveBoot?: number | null } =>
  said === undefined
    ? {}
    : { proveBoot: said === false ? null : said === true ? proofSeconds : said };

/** A number is a count: a PC whose name is one is given by its id or MAC. */
const canary = (text: string): string | number => {
  if (!/^\d+$/.test(text)) return text;
  if (Number(text) < 1) throw new InvalidArgumentError("It has to be a PC, or a number of PCs.");
  return Number(text);
};

function startPolicy(text: string): "now" | "all" | number {
  if (text === "now" || text === "all") return text;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError("It has to be now, all, or a number of PCs.");
  return count;
}
