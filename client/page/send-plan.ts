/** Sends what was confirmed, and has what became of it. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { get, send } from "./api.ts";
import type { App } from "./app.ts";
import type { Plan } from "./orders/action.ts";
import { list, t, told } from "./words.ts";

interface Outcome {
  /** What the last call answered. */
  readonly answer: unknown;
  /** Null: the work is only begun, and says itself what becomes of it. */
  readonly said: { readonly text: string; readonly isGood: boolean } | null;
}

/** Throws where nothing was done, or where calls that follow on each other come to an end. */
export async function sendPlan(app: App, planned: Plan): Promise<Outcome> {
  const { calls, work, download, done, together } = planned;
  if (together !== null) return sendTogether(planned, together);
  let answer: unknown;
  const long = work === null ? undefined : calls.at(-1);
  for (const call of calls) if (call !== long) answer = await send(call);
  if (work !== null && long !== undefined) {
    app.works.begin(work, long, () => {
      app.said.value = { text: done, isGood: true };
    });
  }
  if (download !== null) {
    // What is wrong can be said here, and not by a browser whose download fails.
    await get(download.of);
    const link = document.createElement("a");
    link.href = `/api/v1${download.path}`;
    link.download = download.name;
    link.click();
  }
  return { answer, said: work === null ? { text: done, isGood: true } : null };
}

/** One that is refused keeps none of the others back, and is named. */
async function sendTogether({ calls, done }: Plan, names: readonly string[]): Promise<Outcome> {
  const answers = await Promise.allSettled(calls.map((call) => send(call)));
  const good = names.filter((_, at) => answers[at]?.status === "fulfilled");
  const refused = answers.flatMap((each, at) =>
    each.status === "rejected" ? [{ pc: names[at] ?? "", cause: each.reason as unknown }] : [],
  );
  const [first, ...others] = refused;
  if (first === undefined) return { answer: undefined, said: { text: done, isGood: true } };
  if (good.length === 0 && others.length === 0) throw first.cause;
  const whys = refused.map(({ pc, cause }) => t("together.not", { pc, why: reasonOf(cause) }));
  if (good.length === 0) throw new RoomcastError("failed", whys.join(" "), "");
  const text = [t("together.done", { names: list(good) }), ...whys].join(" ");
  return { answer: undefined, said: { text, isGood: false } };
}

/** Says it on the page, where the order's dialog is gone. */
export function sayRefused(app: App, order: string, cause: unknown): void {
  app.said.value = { text: t("order.refused", { order, why: reasonOf(cause) }), isGood: false };
}

const reasonOf = (cause: unknown): string =>
  told(cause instanceof RoomcastError ? `${cause.message}; ${cause.next}` : errorText(cause));
