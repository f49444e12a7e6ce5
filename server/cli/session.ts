import { type Command, InvalidArgumentError, Option } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { sizeText } from "../../core/screen/format.ts";
import { progressLine, resultTable, sentence } from "../../core/screen/report.ts";
import type { HistoryEvent } from "../../core/wire/api.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { ImageView, PcView, SessionView } from "../../core/wire/views.ts";
import type { CliContext } from "./context.ts";
import type { RunCommand } from "./program.ts";
import { reportCsv, reportHtml } from "./report.ts";
import { table } from "./table.ts";
import { diskOptionText, failingOptionText, targetLines } from "./targets.ts";

const path = (id: string): string => `/sessions/${encodeURIComponent(id)}`;

interface RestoreOptions {
  readonly room?: string;
  readonly pc?: string[];
  readonly disk?: string;
  readonly useFailingDisk?: string[];
  readonly start: "now" | "all" | number;
  readonly startTimeout?: number;
  readonly delta?: boolean;
  readonly verify: string;
  readonly then: string;
  readonly wait?: boolean;
}

export function addSessionCommands(program: Command, run: RunCommand): void {
  program
    .command("capture <PC> <NAME>")
    .description("reads the PC's disk into a new version of NAME")
    .option("--disk <DEV>")
    .option("--raw", "take every byte, used or not")
    .option("--wait", "stay until it is done")
    .action((pc: string, name: string, options: { disk?: string; raw?: boolean; wait?: boolean }) =>
      run(async (context) => {
        const { disk = null, raw = false, wait = false } = options;
        const session = await context.client.post<SessionView>("/captures", {
          pc,
          name,
          disk,
          raw,
        });
        return started(context, session, wait);
      }),
    );

  program
    .command("restore <IMAGE>")
    .description("casts IMAGE to a room's PCs; their disks are overwritten")
    .option("--room <R>")
    .option("--pc <PC...>")
    .option("--disk <DEV>", diskOptionText)
    .option("--use-failing-disk <SERIAL...>", failingOptionText)
    .option("--start <POLICY>", "now, all, or a number of PCs", startPolicy, "now")
    .option("--start-timeout <S>", "start after this many seconds with whoever is there", positive)
    .option("--delta", "hash the disks first and send only what differs")
    .addOption(choice("--verify <HOW>", ["written", "read-back"], "read-back"))
    .addOption(choice("--then <WHAT>", ["stay", "reboot", "poweroff", "boot-disk"], "stay"))
    .option("--wait", "stay until it is done; the exit status says whether all are verified")
    .action((image: string, options: RestoreOptions) =>
      run((context) => restore(context, image, options)),
    );

  const session = program.command("session").description("what is under way, and what was");

  session.command("list").action(() =>
    run(async ({ client, say, document }) => {
      const sessions = await client.get<SessionView[]>("/sessions");
      document(sessions);
      say(
        table(
          ["SESSION", "KIND", "IMAGE", "ROOM", "STATE", "STARTED", "VERIFIED"],
          sessions.map((each) => [
            each.id,
            each.kind,
            each.image ?? "",
            each.room ?? "",
            each.state,
            each.startedAt,
            `${each.members.filter(({ result }) => result === "verified").length}/${each.members.length}`,
          ]),
        ),
      );
      return 0;
    }),
  );

  session.command("show <S>").action((id: string) =>
    run(async ({ client, say, document }) => {
      const found = await client.get<SessionView>(path(id));
      document(found);
      for (const line of resultTable(found)) say(line);
      say(found.endedAt === null ? progressLine(found) : sentence(found));
      return 0;
    }),
  );

  session
    .command("watch <S>")
    .action((id: string) =>
      run(async (context) => watch(context, await context.client.get<SessionView>(path(id)))),
    );

  for (const action of ["start", "stop"] as const) {
    session.command(`${action} <S>`).action((id: string) =>
      run(async ({ client, say, document }) => {
        const found = await client.post<SessionView>(`${path(id)}/${action}`);
        document(found);
        say(`session ${found.id} is ${found.state}`);
        return 0;
      }),
    );
  }

  session.command("drop <S> <PC>").action((id: string, pc: string) =>
    run(async ({ client, say, document }) => {
      const found = await client.post<SessionView>(`${path(id)}/drop`, { pc });
      document(found);
      say(`${pc} is out of session ${found.id}`);
      return 0;
    }),
  );

  program
    .command("report <S>")
    .description("the session's result, PC by PC")
    .addOption(choice("--format <FORMAT>", ["table", "json", "csv", "html"], "table"))
    .action((id: string, options: { format: string }) =>
      run(async ({ client, json }) => {
        const found = await client.get<SessionView>(path(id));
        const format = json ? "json" : options.format;
        const query = `?session=${encodeURIComponent(id)}&limit=10000`;
        const events =
          format === "html" ? await client.get<HistoryEvent[]>(`/history${query}`) : [];
        process.stdout.write(`${report(found, events, format)}\n`);
        return 0;
      }),
    );
}

function report(session: SessionView, events: readonly HistoryEvent[], format: string): string {
  if (format === "json") return JSON.stringify(session);
  if (format === "csv") return reportCsv(session);
  if (format === "html") return reportHtml(session, events);
  return [...resultTable(session), "", sentence(session)].join("\n");
}

async function restore(
  context: CliContext,
  reference: string,
  options: RestoreOptions,
): Promise<number> {
  const { client } = context;
  const image = await client.get<ImageView>(`/images/${encodeURIComponent(reference)}`);
  const room = options.room ?? null;
  const pcs = options.pc === undefined ? null : await findPcs(context, options.pc);
  if ((room === null) === (pcs === null)) {
    throw new RoomcastError("usage", "name a room or PCs, one of the two", "see --room and --pc");
  }
  const all = await client.get<PcView[]>("/pcs");
  const rooms = await client.get<RoomView[]>("/rooms");
  const targets = pcs ?? all.filter((pc) => pc.room === room);
  const names = targets.map(({ name }) => name);
  const word = room ?? names.join(",");
  await context.confirm(
    [
      `${image.name}@${image.version} (disk of ${sizeText(image.diskBytes)}) will overwrite:`,
      ...targetLines(targets, rooms, {
        named: options.disk ?? null,
        failingDisks: options.useFailingDisk ?? [],
        logicalSector: image.logicalSector,
      }),
    ],
    word,
  );
  const session = await client.post<SessionView>("/sessions", {
    kind: "restore",
    image: image.id,
    room,
    pcs: pcs === null ? null : pcs.map(({ id }) => id),
    disk: options.disk ?? null,
    failingDisks: options.useFailingDisk ?? [],
    start: options.start,
    startTimeout: options.startTimeout ?? null,
    delta: options.delta ?? false,
    verify: options.verify,
    afterwards: options.then,
    overwrite: word,
  });
  return started(context, session, options.wait ?? false);
}

async function findPcs({ client }: CliContext, references: readonly string[]): Promise<PcView[]> {
  const found: PcView[] = [];
  for (const reference of references) {
    found.push(await client.get<PcView>(`/pcs/${encodeURIComponent(reference)}`));
  }
  return found;
}

async function started(context: CliContext, session: SessionView, wait: boolean): Promise<number> {
  context.document(session);
  const watchWith = `roomcast session watch ${session.id}`;
  context.say(`session ${session.id} started${wait ? "" : `; watch it with \`${watchWith}\``}`);
  return wait ? watch(context, session) : 0;
}

/** Follows a session to its end. Interrupted, it leaves the session alone and says so. */
async function watch(context: CliContext, first: SessionView): Promise<number> {
  const stopped = new AbortController();
  const interrupt = (): void => stopped.abort();
  process.once("SIGINT", interrupt);
  const live = !context.json && process.stdout.isTTY;
  let last = first;
  let shown = "";
  try {
    if (first.endedAt !== null) return finished(context, first, live);
    for await (const event of context.client.events(stopped.signal)) {
      if (event.type === "connection" && event.state === "down") {
        process.stderr.write(`roomcast: ${event.detail}; trying again\n`);
      }
      if (event.type !== "session" || event.session.id !== first.id) continue;
      last = event.session;
      if (last.endedAt !== null) return finished(context, last, live);
      context.document(last);
      const line = progressLine(last);
      if (line === shown) continue;
      shown = line;
      if (live)
        process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
      else context.say(line);
    }
  } finally {
    process.off("SIGINT", interrupt);
  }
  process.stderr.write(
    `\nroomcast: session ${last.id} goes on; watch it with \`roomcast session watch ${last.id}\`, ` +
      `end it with \`roomcast session stop ${last.id}\`\n`,
  );
  return 130;
}

/** Shows the result; answers the exit status. */
function finished(context: CliContext, session: SessionView, live: boolean): number {
  context.document(session);
  if (live) process.stdout.write("\r\x1b[K");
  for (const line of resultTable(session)) context.say(line);
  context.say(sentence(session));
  return sessionStatus(session);
}

/** 0: every PC is verified; 4: of the others every one was refused by a safety rule; else 1. */
export function sessionStatus({ members }: Pick<SessionView, "members">): number {
  const others = members.filter(({ result }) => result !== "verified");
  if (others.length === 0) return 0;
  return others.every(({ refused }) => refused) ? 4 : 1;
}

const choice = (flags: string, values: string[], fallback: string): Option =>
  new Option(flags).choices(values).default(fallback);

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("a number of seconds");
  return value;
}

function startPolicy(text: string): "now" | "all" | number {
  if (text === "now" || text === "all") return text;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError("now, all, or a number of PCs");
  return count;
}
