/** The banner of a request that waits for a yes, above whatever page is open. */
import { barRow, paragraph, type Row } from "../../core/screen/row.ts";
import type { Model } from "./model.ts";
import { isAnswering, mayAnswer, ringing } from "./request-keys.ts";
import type { Ui } from "./state.ts";

/** Lines of what is asked for; the page of the yes shows all of it. */
const questionLines = 2;

/** Nothing while nobody asks. */
export function bannerRows(model: Model, ui: Ui, columns: number): Row[] {
  const request = ringing(model);
  if (request === undefined) return [];
  const { name, what } = request;
  const more = model.requests.size - 1;
  const answer = mayAnswer(ui)
    ? "y/n"
    : isAnswering(model, ui)
      ? "This page is the answer"
      : "y/n, once this page is left";
  return [
    ...paragraph(`${name} asks to ${what}`, columns, "bad").slice(0, questionLines),
    barRow(
      answer,
      more === 0 ? "" : more === 1 ? "1 more waits" : `${more} more wait`,
      columns,
      "bad",
    ),
  ];
}
