/** Fetches again and again what a page shows and no event reports: a PC's screen, a log, a history. */

import { errorText } from "../../core/errors.ts";
import type { Finding, HistoryEvent } from "../../core/wire/api.ts";
import type { ConsoleApi } from "./api.ts";

/** Milliseconds between two requests for a PC's screen. */
const lookEveryMs = 1000;

export interface Looked {
  readonly path: string;
  /** null: not come yet. */
  readonly lines: readonly string[] | null;
  /** Why there is nothing newer. */
  readonly trouble: string | null;
}

export class Looker {
  private readonly api: ConsoleApi;
  private readonly tell: (looked: Looked | null) => void;
  private looked: Looked | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(api: ConsoleApi, tell: (looked: Looked | null) => void) {
    this.api = api;
    this.tell = tell;
  }

  /** Looks there from now on, or has it checked once; null: nowhere. */
  at(page: { readonly path: string; readonly asks: "again" | "once" } | null): void {
    const path = page?.path ?? null;
    if (path === (this.looked?.path ?? null)) return;
    clearTimeout(this.timer);
    this.looked = path === null ? null : { path, lines: null, trouble: null };
    this.tell(this.looked);
    if (page?.asks === "again") void this.look(page.path);
    if (page?.asks === "once") void this.check(page.path);
  }

  private async check(path: string): Promise<void> {
    let now: Looked;
    try {
      const findings = await this.api.post<readonly Finding[]>(path);
      now = { path, lines: findings.flatMap(findingLines), trouble: null };
    } catch (error) {
      now = { path, lines: null, trouble: errorText(error) };
    }
    if (this.looked?.path !== path) return;
    this.looked = now;
    this.tell(now);
  }

  private async look(path: string): Promise<void> {
    const before = this.looked?.lines ?? null;
    let now: Looked;
    try {
      const answer = await this.api.get<{ lines: readonly string[] } | readonly HistoryEvent[]>(
        path,
      );
      const lines = "lines" in answer ? answer.lines : answer.map(historyLine);
      now = { path, lines, trouble: null };
    } catch (error) {
      const trouble = errorText(error);
      now = { path, lines: before, trouble };
    }
    if (this.looked?.path !== path) return;
    this.looked = now;
    this.tell(now);
    this.timer = setTimeout(() => void this.look(path), lookEveryMs);
  }
}

const findingLines = ({ level, text, mend }: Finding): string[] => [
  `${level === "ok" ? "  " : level === "warning" ? " !" : "!!"} ${text}`,
  ...(mend === null ? [] : [`     -> ${mend}`]),
];

const historyLine = ({ at, pcName, pc, session, text, server }: HistoryEvent): string => {
  const who = [server ?? null, session, pcName ?? pc].filter((part) => part !== null).join(" ");
  return `${at.slice(0, 19).replace("T", " ")}  ${who === "" ? "" : `${who}: `}${text}`;
};
