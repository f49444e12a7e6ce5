import type { ReadStream, WriteStream } from "node:tty";
import { RoomcastError } from "../../core/errors.ts";
import { openTerminal } from "../../core/node/terminal.ts";
import type { Key } from "../../core/screen/keys.ts";
import { type Locale, plainLocale } from "../../core/words/languages.ts";
import type { Call, ConsoleApi } from "./api.ts";
import { CampusWatch } from "./campus-watch.ts";
import { press } from "./keys.ts";
import { Looker } from "./looker.ts";
import { emptyModel, take } from "./model.ts";
import { asShown, pageLines, rows } from "./rows.ts";
import { sendAll, troubleText } from "./send.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import { firstUi, type Ui } from "./state.ts";
import type { Effect } from "./step.ts";

/** Milliseconds between two drawings: eight a second look smooth, and cost little with 200 PCs. */
const drawEveryMs = 125;
/** Milliseconds between two drawings for keys: a repeating key is faster than a terminal can show. */
const keyDrawEveryMs = 25;

export interface ConsoleOptions {
  /** By default stdin and stdout. */
  readonly input?: ReadStream;
  readonly output?: WriteStream;
  /** By default TERM of the environment. */
  readonly term?: string;
  /** No colours. */
  readonly plain?: boolean;
  /** The language that its reader has, and whether the terminal takes UTF-8; English, in ASCII. */
  readonly locale?: Locale;
  /** Runs a shell on a PC, which has the terminal meanwhile. Answers why it ended, or null. */
  shell?(name: string): Promise<string | null>;
  /** Runs a command of the command line, which has the terminal meanwhile. */
  command?(line: string): Promise<void>;
}

/**
 * Runs the staff's full-screen console until the user leaves it, and answers the exit status. Rejects
 * with a RoomcastError where there is no terminal.
 */
export async function runConsole(api: ConsoleApi, options: ConsoleOptions = {}): Promise<number> {
  const { input = process.stdin, output = process.stdout, term, plain = false } = options;
  const { language, isUnicode } = options.locale ?? plainLocale;
  if (!output.isTTY || !input.isTTY) {
    throw new RoomcastError(
      "usage",
      "the console needs a terminal",
      "in scripts, use the other commands with --json",
    );
  }
  const model = emptyModel(language);
  const speech = speechOf(model);
  const leaving = new AbortController();
  let ui: Ui = firstUi;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;

  const looker = new Looker(api, (looked) => {
    model.looked = looked;
    drawSoon(0);
  });

  const campus = new CampusWatch(api, (seen) => {
    model.campus = seen;
    drawSoon(0);
  });

  const draw = (): void => {
    campus.set(ui.page.name === "campus");
    looker.at(ui.page.name === "look" ? ui.page : null);
    clearTimeout(timer);
    timer = undefined;
    dueAt = Number.POSITIVE_INFINITY;
    drawnAt = performance.now();
    terminal.draw(rows(model, ui, terminal.size));
  };
  const drawSoon = (interval: number): void => {
    const at = drawnAt + interval;
    if (at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(draw, Math.max(0, at - performance.now()));
  };

  const say = (text: string, good: boolean): void => {
    ui = { ...ui, said: { text, good } };
    if (!leaving.signal.aborted) drawSoon(0);
  };
  const call = ({ method, path, body, server }: Call): Promise<unknown> => {
    const to = server === undefined ? api : api.at(server);
    return method === "delete" ? to.delete(path) : to[method](path, body);
  };

  const perform = async (effect: Effect): Promise<void> => {
    try {
      if (effect.type === "calls") {
        const { text, good } = await sendAll(effect, call, speech, (each) => say(each, false));
        say(text, good);
      } else if (effect.type === "follow") {
        const { path, title } = effect;
        say(title, true);
        const found = await api.follow<Verified>(path, {
          signal: leaving.signal,
          onProgress: (done, total) => say(`${title}: ${speech.percent(done / total)}`, true),
        });
        say(verifiedText(title, found, speech), found.damaged.length === 0);
      }
    } catch (error) {
      say(speech.told(troubleText(error)), false);
    }
  };

  /** Gives the terminal to something else, and shows its answer. */
  const lend = async (work: () => Promise<string | null>): Promise<void> => {
    terminal.suspend();
    try {
      const told = await work();
      if (told !== null) say(told, false);
    } catch (error) {
      say(speech.told(troubleText(error)), false);
    } finally {
      terminal.resume();
    }
  };

  const onKey = (key: Key): void => {
    const step = press(
      model,
      asShown(model, ui, terminal.size),
      key,
      pageLines(model, ui, terminal.size),
    );
    ui = step.ui;
    const { effect } = step;
    if (effect?.type === "quit") return leaving.abort();
    if (effect?.type === "redraw") terminal.redraw();
    if (effect?.type === "shell") {
      const { name } = effect;
      void lend(async () => {
        const reason = await options.shell?.(name);
        return reason === null
          ? null
          : speech.t("shell.ended", { pc: name, why: speech.told(`${reason}`) });
      });
    } else if (effect?.type === "command") {
      const { line } = effect;
      void lend(async () => {
        await options.command?.(line);
        return null;
      });
    } else if (effect !== null) void perform(effect);
    drawSoon(keyDrawEveryMs);
  };

  const terminal = openTerminal({
    plain,
    isUnicode,
    input,
    output,
    ...(term === undefined ? {} : { term }),
    onKey,
    onResize: draw,
    onEnd: () => leaving.abort(),
  });
  try {
    draw();
    for await (const event of api.events(leaving.signal)) {
      // Each request rings once; those of a server that was away have rung already.
      if (event.type === "request" && !model.requests.has(event.request.id)) terminal.bell();
      take(model, event);
      if (leaving.signal.aborted) break;
      drawSoon(drawEveryMs);
    }
  } finally {
    looker.at(null);
    campus.set(false);
    clearTimeout(timer);
    terminal.close();
  }
  return 0;
}

/** The answer of an image's check. */
interface Verified {
  readonly damaged: readonly { readonly reason: string }[];
}

const verifiedText = (
  checking: string,
  { damaged }: Verified,
  { t, told }: ConsoleSpeech,
): string =>
  damaged.length === 0
    ? t("store.good", { checking })
    : t("store.damaged", {
        ...{ checking, count: damaged.length },
        why: told(`${damaged[0]?.reason}`),
      });
