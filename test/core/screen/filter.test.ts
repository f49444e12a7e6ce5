import assert from "node:assert/strict";
import { test } from "node:test";
import { hasTyped } from "../../../core/screen/filter.ts";

test("capitals and accents make no difference, in what is typed and in what there is", () => {
  for (const typed of ["prêt", "pret", "PRÊT", " prêt ", "pr", "e\u0302t"]) {
    assert(hasTyped([null, "pc01", "prêt"], typed), typed);
  }
  assert(hasTyped(["DÉMARRÉ"], "demarre"));
  assert(hasTyped(["pret"], "prêt"));
  assert(!hasTyped(["prêt", undefined], "port"));
});

test("nothing typed is in each, and what has a blank within is looked for whole", () => {
  assert(hasTyped([], " "));
  assert(hasTyped(["WHICH ONE?"], "which o"));
  assert(!hasTyped(["which", "one"], "which o"));
});
