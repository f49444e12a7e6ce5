/** What an operator sees from afar of a PC's screen, or of its log. */
import { type AgentMessage, lookColumns, lookLines } from "../../core/wire/agent-message.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Menu } from "../menu/view.ts";
import type { Journal } from "./journal.ts";

type Look = Extract<ServerMessage, { type: "look" }>;

/** The answer to `look`, no longer than a message takes: the end of what there is. */
export function answerLook(
  { request, at }: Look,
  { journal, menu }: { readonly journal: Pick<Journal, "lines">; readonly menu: Menu | null },
): AgentMessage {
  const lines = at === "log" ? journal.lines() : (menu?.picture() ?? ["This agent has no screen."]);
  const shown = lines.slice(-lookLines).map((line) => line.slice(0, lookColumns));
  return { type: "seen", request, lines: shown };
}
