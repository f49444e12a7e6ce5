import { type Command, Option } from "commander";
import { triedAgain } from "../../core/screen/again.ts";
import { orderKeyLines, shownOf } from "../../core/screen/identity.ts";
import { progressLine, resultTable, sentence } from "../../core/screen/report.ts";
import { table } from "../../core/screen/table.ts";
import { targetOf } from "../../core/screen/target.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { withSession } from "./room-server.ts";
import { keysOf, targetLines } from "./targets.ts";
import { started, watch } from "./watch.ts";

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
        // An answer through a campus's database has its limit.
        const all = client.server === null ? "/sessions" : "/sessions?brief=true";
        const sessions = await client.get<SessionView[]>(all);
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
      run(async (context) => {
        const { say, document } = context;
        const found = await sessionOf(context, id);
        document(found);
        for (const line of resultTable(found)) say(line);
        say(found.endedAt === null ? progressLine(found) : sentence(found));
        return 0;
      }),
    );

  session
    .command("watch <S>")
    .description("follows a session to its end; Ctrl-C leaves it running")
    .action((id: string) => run(async (context) => watch(context, await sessionOf(context, id))));

  for (const [action, description] of sessionActions) {
    session
      .command(`${action} <S>`)
      .description(description)
      .action((id: string) =>
        run(async (context) => {
          const { client, say, document } = context;
          const found = await withSession(context, id, () =>
            client.post<SessionView>(`${path(id)}/${action}`),
          );
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
      run(async (context) => {
        const { client, say, document } = context;
        const found = await withSession(context, id, () =>
          client.post<SessionView>(`${path(id)}/drop`, { pc }),
        );
        document(found);
        say(`${pc} was taken out of session ${found.id}`);
        return 0;
      }),
    );

  session
    .command("admit <S> <PC>")
    .description("lets a PC into a session, also one that failed in it; its disk is overwritten")
    .action((id: string, reference: string) =>
      run(async (context) => {
        const { client, say, document, confirm } = context;
        const session = await sessionOf(context, id);
        const pc = await client.get<PcView>(`/pcs/${encodeURIComponent(reference)}`);
        const rooms = await client.get<RoomView[]>("/rooms");
        const keys = keysOf([pc], rooms, true);
        const lost = targetLines([pc], rooms, targetOf(session));
        await confirm([...willOverwrite(session), ...lost, ...orderKeyLines(keys)], pc.name);
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
        const session = await sessionOf(context, id);
        const all = await client.get<PcView[]>("/pcs");
        const pcs = triedAgain(session, (each) => all.find(({ id }) => id === each));
        const word = pcs.map(({ name }) => name).join(",");
        // What cannot be tried again the server refuses in words of its own.
        if (pcs.length > 0) {
          const rooms = await client.get<RoomView[]>("/rooms");
          const target = targetOf(session);
          const reasons = new Map(session.members.map(({ pc, reason }) => [pc, reason]));
          const lines = pcs.flatMap((pc) => [
            ...targetLines([pc], rooms, target),
            `    last time: ${reasons.get(pc.id) ?? "no reason given"}`,
          ]);
          await confirm([...willOverwrite(session), ...lines], word);
        }
        const again = await client.post<SessionView>(`${path(id)}/retry`, { overwrite: word });
        return started(context, again, wait);
      }),
    );
}

/** An option with a fixed set of values. */
export const choice = (
  flags: string,
  description: string,
  values: string[],
  fallback: string | undefined,
): Option => new Option(flags, description).choices(values).default(fallback);

/** What the disks below it will hold; before that, what a server that has an older roomcast does not say. */
const willOverwrite = ({ image, disk }: SessionView): string[] => [
  ...(disk === undefined ? [diskUnsaid] : []),
  `${image ?? "it"} will overwrite:`,
];

const diskUnsaid =
  "the server has an older roomcast, and does not say whether the session's order names a disk";

const sessionActions = [
  ["start", "starts a session that is still waiting for PCs"],
  ["stop", "stops a session; disks that are not finished do not boot"],
] as const;

const sessionOf = (context: CliContext, id: string): Promise<SessionView> =>
  withSession(context, id, () => context.client.get<SessionView>(path(id)));
