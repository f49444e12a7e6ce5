/** The answers to what people at PCs ask for: they ring on whatever page is open. */
import type { Key } from "../../core/screen/keys.ts";
import type { RequestView } from "../../core/wire/trust.ts";
import type { Call } from "./api.ts";
import type { Model } from "./model.ts";
import type { Page, Ui } from "./state.ts";
import { open, type Step } from "./step.ts";

/** The request that rings: the one that has waited longest. */
export function ringing(model: Model): RequestView | undefined {
  const [first] = model.requests.values();
  return first;
}

/** On these pages a key is a command, so that `y` and `n` can be answers. On others they are typed. */
const answering: ReadonlySet<Page["name"]> = new Set(["list", "pc", "session", "look", "help"]);

export const mayAnswer = (ui: Ui): boolean => answering.has(ui.page.name);

/** A yes is given on a page of its own, so that no key that was meant for another page is one. */
export function pressAnswer(model: Model, ui: Ui, key: Key): Step | undefined {
  const request = ringing(model);
  if (request === undefined || !mayAnswer(ui)) return undefined;
  if (key.name === "n") {
    const calls: Call[] = [{ method: "post", path: `${pathOf(request)}/no`, body: {} }];
    return { ui, effect: { type: "calls", calls, done: `${request.name}: no` } };
  }
  return key.name === "y" ? open(ui, yesPage(request)) : undefined;
}

/** Whether the page asks for the yes to what rings. */
export function isAnswering(model: Model, { page }: Ui): boolean {
  const request = ringing(model);
  if (request === undefined || !("calls" in page)) return false;
  return page.calls[0]?.path === `${pathOf(request)}/yes`;
}

const pathOf = ({ id }: RequestView): string => `/requests/${encodeURIComponent(id)}`;

function yesPage(request: RequestView): Page {
  const { name, what, overwrites, word } = request;
  const path = `${pathOf(request)}/yes`;
  const done = `${name}: yes`;
  if (word === null) {
    const calls: Call[] = [{ method: "post", path, body: {} }];
    return {
      name: "confirm",
      question: `${name} asks to ${what}. Yes?`,
      warnings: [],
      calls,
      done,
    };
  }
  return {
    name: "word",
    title: `EVERYTHING ON ${overwrites.length === 1 ? "THIS DISK" : `THESE ${overwrites.length} DISKS`} WILL BE LOST`,
    facts: overwrites,
    word,
    value: "",
    refused: false,
    calls: [{ method: "post", path, body: { overwrite: word } }],
    done,
  };
}
