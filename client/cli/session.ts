import { type Command, Option } from "commander";
import { diskLine } from "../../core/screen/disk.ts";
import { orderKeyLines, shownOf } from "../../core/screen/identity.ts";
import { progressLine, resultTable, sentence } from "../../core/screen/report.ts";
import { table } from "../../core/screen/table.ts";
import { printable } from "../../core/units/printable.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import type { CliContext } from "./context.ts";
import type { RunCommand } from "./program.ts";
import { keysOf } from "./targets.ts";

const path = (id: string): string => `/sessions/${encodeURIComponent(id)}`;

export function addSessionCommands(program: Command, run: RunCommand): void {
  program
    .command("capture <PC> <NAME>")
    .description("captures a disk of PC as a new version of NAME")
    .option(
      "--disk <DEV>",
      "the disk to capture, instead of the one that the room's settings choose",
    )
    .option("--raw", "take every byte, used or not")
    .option("--wait", "wait for the result")
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

  const session = program
    .command("session")
    .description("manages sessions: restores, casts and captures, running and ended");

  session
    .command("list")
    .description("lists the sessions")
    .action(() =>
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

  session
    .command("show <S>")
    .description("shows a session, PC by PC")
    .action((id: string) =>
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
    .description("follows a session to its end; Ctrl-C leaves it running")
    .action((id: string) =>
      run(async (context) => watch(context, await context.client.get<SessionView>(path(id)))),
    );

  for (const [action, description] of sessionActions) {
    session
      .command(`${action} <S>`)
      .description(description)
      .action((id: string) =>
        run(async ({ client, say, document }) => {
          const found = await client.post<SessionView>(`${path(id)}/${action}`);
          document(found);
          say(`session ${found.id} is ${found.state}`);
          return 0;
        }),
      );
  }

  session
    .command("drop <S> <PC>")
    .description("takes a PC out of a session")
    .action((id: string, pc: string) =>
      run(async ({ client, say, document }) => {
        const found = await client.post<SessionView>(`${path(id)}/drop`, { pc });
        document(found);
        say(`${pc} was taken out of session ${found.id}`);
        return 0;
      }),
    );

  session
    .command("admit <S> <PC>")
    .description("lets a PC into a session, also one that failed in it; its disk is overwritten")
    .action((id: string, reference: string) =>
      run(async ({ client, say, document, confirm }) => {
        const pc = await client.get<PcView>(`/pcs/${encodeURIComponent(reference)}`);
        const keys = keysOf([pc], await client.get<RoomView[]>("/rooms"), true);
        const disks = `  ${pc.name}: ${pc.disks.map((disk) => diskLine(disk)).join("; ")}`;
        await confirm([disks, ...orderKeyLines(keys)], pc.name);
        const request = { pc: pc.id, overwrite: pc.name, shown: shownOf(keys) };
        document(await client.post<SessionView>(`${path(id)}/admit`, request));
        say(`${pc.name} is in session ${id}`);
        return 0;
      }),
    );

  session
    .command("retry <S>")
    .description("starts a session for the PCs that are not verified; their disks are overwritten")
    .option("--wait", "wait for the result; the exit status says whether all PCs are verified")
    .action((id: string, { wait = false }: { wait?: boolean }) =>
      run(async (context) => {
        const { client, confirm } = context;
        const { members } = await client.get<SessionView>(path(id));
        const failed = members.filter(({ result }) => result === "failed" || result === "stopped");
        const word = failed.map(({ name }) => name).join(",");
        if (word !== "") {
          await confirm(
            failed.map(({ name, reason }) => `  ${name}: ${reason ?? "no reason given"}`),
            word,
          );
        }
        const again = await client.post<SessionView>(`${path(id)}/retry`, { overwrite: word });
        return started(context, again, wait);
      }),
    );
}

/** Says that the session has started and, if `wait` is set, follows it. Answers the exit status. */
export async function started(
  context: CliContext,
  session: SessionView,
  wait: boolean,
): Promise<number> {
  context.document(session);
  const watchWith = `roomcast session watch ${session.id}`;
  context.say(`session ${session.id} started${wait ? "" : `; watch it with \`${watchWith}\``}`);
  return wait ? watch(context, session) : 0;
}

/** Follows a session to its end. Ctrl-C leaves the session running, and says so. */
async function watch(context: CliContext, first: SessionView): Promise<number> {
  const stopped = new AbortController();
  const interrupt = (): void => stopped.abort();
  process.once("SIGINT", interrupt);
  const live = !context.json && !context.plain && process.stdout.isTTY;
  const noticed = new Set<string>();
  let last = first;
  let shown = "";
  try {
    if (first.endedAt !== null) return finished(context, first, live);
    for await (const event of context.client.events(stopped.signal)) {
      if (event.type === "connection" && event.state === "down") {
        process.stderr.write(`roomcast: ${printable(event.detail)}; trying again\n`);
      }
      if (event.type !== "session" || event.session.id !== first.id) continue;
      last = event.session;
      if (last.endedAt !== null) return finished(context, last, live);
      context.document(last);
      for (const notice of last.notices.filter((each) => !noticed.has(each))) {
        noticed.add(notice);
        process.stderr.write(`${live ? "\r\x1b[K" : ""}roomcast: ${printable(notice)}\n`);
      }
      const line = printable(progressLine(last));
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
    `\nroomcast: session ${last.id} is still running; watch it with \`roomcast session watch ${last.id}\`, ` +
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

/** 0: every PC is verified. 4: a safety rule refused every PC that is not. 1: anything else. */
export function sessionStatus({ members, state }: Pick<SessionView, "members" | "state">): number {
  const others = members.filter(({ result }) => result !== "verified");
  // A live cast that should have stored an image and did not has failed, even if every PC is verified.
  if (others.length === 0) return state === "failed" ? 1 : 0;
  return others.every(({ refused }) => refused) ? 4 : 1;
}

/** An option with a fixed set of values. */
export const choice = (
  flags: string,
  description: string,
  values: string[],
  fallback: string | undefined,
): Option => new Option(flags, description).choices(values).default(fallback);

const sessionActions = [
  ["start", "starts a session that is still waiting for PCs"],
  ["stop", "stops a session; disks that are not finished do not boot"],
] as const;
