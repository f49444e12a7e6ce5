/** The answers to what people at PCs ask for: they ring on whatever page is open. */
import type { Key } from "../../core/screen/keys.ts";
import type { RequestView } from "../../core/wire/trust.ts";
import type { Call } from "./api.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
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
  const { t } = speechOf(model);
  if (key.name === "n") {
    const calls: Call[] = [{ method: "post", path: `${pathOf(request)}/no`, body: {} }];
    return { ui, effect: { type: "calls", calls, done: t("request.no", { pc: request.name }) } };
  }
  return key.name === "y" ? open(ui, yesPage(request, speechOf(model))) : undefined;
}

/** Whether the page asks for the yes to what rings. */
export function isAnswering(model: Model, { page }: Ui): boolean {
  const request = ringing(model);
  if (request === undefined || !("calls" in page)) return false;
  return page.calls[0]?.path === `${pathOf(request)}/yes`;
}

const pathOf = ({ id }: RequestView): string => `/requests/${encodeURIComponent(id)}`;

function yesPage(request: RequestView, { t, told }: ConsoleSpeech): Page {
  const { name, what, overwrites, word } = request;
  const path = `${pathOf(request)}/yes`;
  const done = t("request.yes", { pc: name });
  if (word === null) {
    const calls: Call[] = [{ method: "post", path, body: {} }];
    return {
      name: "confirm",
      question: t("request.ask", { pc: name, what: told(what) }),
      warnings: [],
      from: 0,
      calls,
      done,
    };
  }
  return {
    name: "word",
    title: t("lost", { count: overwrites.length }),
    warnings: [],
    facts: overwrites,
    word,
    value: "",
    refused: false,
    from: 0,
    calls: [{ method: "post", path, body: { overwrite: word } }],
    done,
  };
}
