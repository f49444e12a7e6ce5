/** The banner of a request that waits for a yes, above whatever page is open. */
import { barRow, paragraph, type Row } from "../../core/screen/row.ts";
import type { Model } from "./model.ts";
import { isAnswering, mayAnswer, ringing } from "./request-keys.ts";
import { speechOf } from "./speech.ts";
import type { Ui } from "./state.ts";

/** Lines of what is asked for; the page of the yes shows all of it. */
const questionLines = 2;

/** Nothing while nobody asks. */
export function bannerRows(model: Model, ui: Ui, columns: number): Row[] {
  const request = ringing(model);
  if (request === undefined) return [];
  const { name, what } = request;
  const more = model.requests.size - 1;
  const { t, told } = speechOf(model);
  const answer = mayAnswer(ui)
    ? t("request.yesNo")
    : t(isAnswering(model, ui) ? "request.here" : "request.later");
  return [
    ...paragraph(t("request.asks", { pc: name, what: told(what) }), columns, "bad").slice(
      0,
      questionLines,
    ),
    barRow(answer, more === 0 ? "" : t("request.more", { count: more }), columns, "bad"),
  ];
}
