/** Following a session to its end, at this server by its events and at another one of the campus by asking for it. */
import { setTimeout } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import { progressLine, resultTable, sentence } from "../../core/screen/report.ts";
import { printable } from "../../core/units/printable.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { ApiClient } from "../api/client.ts";
import type { CliContext } from "./context.ts";
import { atText, roomcastAt } from "./room-server.ts";

/** Milliseconds between two questions after a session of another server. */
const askEveryMs = 1000;

/** Says that the session has started and, if `wait` is set, follows it. Answers the exit status. */
export async function started(
  context: CliContext,
  session: SessionView,
  wait: boolean,
): Promise<number> {
  context.document(session);
  const watchWith = `${roomcastAt(context)} session watch ${session.id}`;
  const how = wait ? "" : `; watch it with \`${watchWith}\``;
  context.say(`session ${session.id} started${atText(context)}${how}`);
  return wait ? watch(context, session) : 0;
}

/** Follows a session to its end. Ctrl-C leaves the session running, and says so. */
export async function watch(context: CliContext, first: SessionView): Promise<number> {
  const stopped = new AbortController();
  const interrupt = (): void => stopped.abort();
  process.once("SIGINT", interrupt);
  const live = !context.json && !context.plain && process.stdout.isTTY;
  const noticed = new Set<string>();
  let last = first;
  let shown = "";
  try {
    if (first.endedAt !== null) return finished(context, first, live);
    for await (const session of statesOf(context.client, first.id, stopped.signal)) {
      last = session;
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
    `\nroomcast: session ${last.id} is still running; watch it with \`${roomcastAt(context)} session watch ${last.id}\`, ` +
      `end it with \`${roomcastAt(context)} session stop ${last.id}\`\n`,
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

/** A session of another server of the campus, once it is over. */
export async function overElsewhere(client: ApiClient, first: SessionView): Promise<SessionView> {
  let last = first;
  if (last.endedAt !== null) return last;
  for await (last of askedStates(client, first.id, new AbortController().signal))
    if (last.endedAt !== null) break;
  return last;
}

/** How the session is, again and again. Ends with `signal`. */
async function* statesOf(
  client: ApiClient,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<SessionView> {
  if (client.server !== null) return yield* askedStates(client, id, signal);
  for await (const event of client.events(signal)) {
    if (event.type === "connection" && event.state === "down") sayBroken(event.detail);
    if (event.type === "session" && event.session.id === id) yield event.session;
  }
}

async function* askedStates(
  client: ApiClient,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<SessionView> {
  let broken: string | null = null;
  let shown = "";
  while (!signal.aborted) {
    try {
      const session = await client.get<SessionView>(`/sessions/${encodeURIComponent(id)}`);
      broken = null;
      const text = JSON.stringify(session);
      if (text !== shown) yield session;
      shown = text;
    } catch (error) {
      // The session goes on, whoever can be asked after it.
      if (!(error instanceof RoomcastError) || !passing.includes(error.code)) throw error;
      if (error.message !== broken) sayBroken(error.message);
      broken = error.message;
    }
    await setTimeout(askEveryMs, undefined, { signal }).catch(() => {});
  }
}

/** Errors after which it is asked again. */
const passing: readonly string[] = ["away", "unreachable", "failed", "too-many"];

const sayBroken = (why: string): void =>
  void process.stderr.write(`roomcast: ${printable(why)}; trying again\n`);
