/** What a key asks of the server: calls, of which several may be for a PC each. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { Call } from "./api.ts";
import type { ConsoleSpeech } from "./speech.ts";

/** More names than this are counted. */
const namesSaid = 10;

/**
 * Makes the calls that are for no PC one after the other, to the first that is refused, with which it rejects;
 * then those for PCs at the same time: one that is refused keeps none of the others back, and is named. Answers
 * what is to be said at last. `say` hears of each refusal as it comes: a wipe takes hours.
 */
export async function sendAll(
  { calls, done }: { readonly calls: readonly Call[]; readonly done: string },
  send: (call: Call) => Promise<unknown>,
  speech: ConsoleSpeech,
  say: (text: string) => void,
): Promise<{ readonly text: string; readonly good: boolean }> {
  for (const call of calls) if (call.pc === undefined) await send(call);
  const pcs = calls.flatMap((call) => (call.pc === undefined ? [] : [{ pc: call.pc, call }]));
  const causes = new Map<string, unknown>();
  await Promise.all(
    pcs.map(async ({ pc, call }) => {
      try {
        await send(call);
      } catch (cause) {
        causes.set(pc, cause);
        say(refusedText(causes, speech));
      }
    }),
  );
  if (causes.size === 0) return { text: done, good: true };
  const { t } = speech;
  const good = pcs.flatMap(({ pc }) => (causes.has(pc) ? [] : [pc]));
  const names = good.length <= namesSaid ? good.join(", ") : t("manyPcs", { count: good.length });
  const rest = good.length === 0 ? [] : [t("sent.done", { names })];
  return { text: [refusedText(causes, speech), ...rest].join(" "), good: false };
}

function refusedText(causes: ReadonlyMap<string, unknown>, { t, told }: ConsoleSpeech): string {
  const [first] = causes.values();
  const names = [...causes.keys()].join(", ");
  return t("sent.not", { names, why: told(troubleText(first)), count: causes.size });
}

/** What went wrong, and what to do next. */
export function troubleText(error: unknown): string {
  if (error instanceof RoomcastError) return `${error.message}: ${error.next}`;
  return errorText(error);
}
