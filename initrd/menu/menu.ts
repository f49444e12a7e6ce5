import type { ReadStream, WriteStream } from "node:tty";
import type { MenuAction } from "../../core/agent/desk.ts";
import { openTerminal } from "../../core/node/terminal.ts";
import type { Key } from "../../core/screen/keys.ts";
import { rowText } from "../../core/screen/row.ts";
import { home, type Page } from "./pages.ts";
import { rows } from "./rows.ts";
import { press, settled } from "./state.ts";
import type { Menu, MenuView } from "./view.ts";

export interface MenuOptions {
  onAction(action: MenuAction): void;
  /** By default stdin and stdout. */
  readonly input?: ReadStream;
  readonly output?: WriteStream;
  /** By default TERM of the environment; `linux` on a console. */
  readonly term?: string;
}

/** Milliseconds between two drawings, which keeps a slow PC free for its work. Keys are answered at once. */
const drawEvery = 250;
/** For so many milliseconds after a result appears, keys meant for the screen before do not dismiss it. */
const endStaysFor = 1500;

/** Takes the terminal, and shows the PC's menu after the first call of `show`. */
export function openMenu(options: MenuOptions): Menu {
  const { onAction, input, output, term } = options;
  let view: MenuView | undefined;
  let page: Page = home();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let endedAt = Number.NEGATIVE_INFINITY;

  const draw = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (view === undefined) return;
    drawnAt = performance.now();
    terminal.draw(rows(view, page, terminal.size));
  };

  const onKey = (key: Key): void => {
    if (view === undefined) return;
    // Without a server nothing can be restored, and so R draws the screen again.
    const doubted = page.name === "home" && view.task === null && view.server.state !== "connected";
    if (key.name === "C-l" || key.name === "f5" || (doubted && /^r$/i.test(key.name))) {
      return terminal.redraw();
    }
    if (performance.now() - endedAt < endStaysFor) return;
    const step = press(page, key, view);
    page = step.page;
    draw();
    if (step.action !== null) onAction(step.action);
  };

  const terminal = openTerminal({
    onKey,
    onResize: draw,
    // The console of a PC is in UTF-8, with a font that has these letters; a serial line is taken for one that has.
    isUnicode: true,
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...(term === undefined ? {} : { term }),
  });

  return {
    show(next) {
      const ended = (next.task?.outcome ?? null) !== null;
      if (!ended) endedAt = Number.NEGATIVE_INFINITY;
      else if ((view?.task?.outcome ?? null) === null) endedAt = performance.now();
      view = next;
      page = settled(page, next);
      const wait = drawnAt + drawEvery - performance.now();
      if (wait <= 0) draw();
      else timer ??= setTimeout(draw, wait);
    },
    suspend: () => terminal.suspend(),
    resume: () => terminal.resume(),
    picture: () =>
      view === undefined
        ? []
        : rows(view, page, terminal.size).map((row) => rowText(row).trimEnd()),
    close() {
      clearTimeout(timer);
      terminal.close();
    },
  };
}
