/** What a key leads to: the next state, and at most one thing that is asked for. */
import type { Call } from "./api.ts";
import type { Page, Ui } from "./state.ts";

export type Effect =
  | {
      readonly type: "calls";
      readonly calls: readonly Call[];
      /** What is said at the end. */
      readonly done: string;
    }
  /** Work that takes a while, with its progress. */
  | { readonly type: "follow"; readonly path: string; readonly title: string }
  /** A shell on the PC takes the terminal. */
  | { readonly type: "shell"; readonly name: string }
  /** A command of the command line takes the terminal. */
  | { readonly type: "command"; readonly line: string }
  | { readonly type: "redraw" }
  | { readonly type: "quit" };

export interface Step {
  readonly ui: Ui;
  readonly effect: Effect | null;
}

export const stay = (ui: Ui): Step => ({ ui, effect: null });
export const open = (ui: Ui, page: Page): Step => stay({ ...ui, page });
export const refuse = (ui: Ui, text: string): Step => stay({ ...ui, said: { text, good: false } });
