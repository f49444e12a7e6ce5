/** The catalogues: complete, with the same values in them, and quantities as each language writes them. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { en, type Text, type Words } from "../../client/page/words/en.ts";
import { es } from "../../client/page/words/es.ts";
import { fr } from "../../client/page/words/fr.ts";
import { pt } from "../../client/page/words/pt.ts";
import * as words from "../../client/page/words.ts";

const catalogues: Readonly<Record<string, Words>> = { en, es, fr, pt };
const forms = (text: Text): string[] =>
  typeof text === "string" ? [text] : [text.one, text.other];
const valuesIn = (text: Text): string[] =>
  [...new Set(forms(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

test("every catalogue has every text, with the same values and the same forms", () => {
  for (const [language, catalogue] of Object.entries(catalogues)) {
    assert.deepEqual(Object.keys(catalogue), Object.keys(en), language);
    for (const [key, text] of Object.entries(catalogue) as [keyof Words, Text][]) {
      assert(
        forms(text).every((form) => form.trim() !== ""),
        `${language}: ${key}`,
      );
      assert.deepEqual(valuesIn(text), valuesIn(en[key]), `${language}: ${key}`);
      assert.equal(typeof text, typeof en[key], `${language}: ${key}`);
    }
  }
});

test("no text is in a catalogue that the page never says", () => {
  const folder = join(import.meta.dirname, "..", "..", "client", "page");
  const source = globSync("**/*.{ts,tsx}", { cwd: folder })
    .filter((path) => !/words\/..\.ts$/.test(path))
    .map((path) => readFileSync(join(folder, path), "utf8"))
    .join("\n");
  const begun = [...source.matchAll(/`([\w-]+\.)\$\{/g)].map(([, start = ""]) => start);
  const unsaid = Object.keys(en).filter(
    (key) => !source.includes(`"${key}"`) && !begun.some((start) => key.startsWith(start)),
  );
  assert.deepEqual(unsaid, []);
});

test("the first of the reader's languages that there is is spoken, with the reader's numbers", async () => {
  assert.equal(words.languageOf(["de-CH", "pt-BR", "en"]), "pt");
  assert.equal(words.languageOf(["de", "nl"]), "en");
  await words.speak("fr", ["fr-CA", "en"]);
  assert.equal(words.t("marked", { count: 1 }), "1 sélectionné");
  assert.equal(words.t("marked", { count: 3 }), "3 sélectionnés");
  assert.match(words.size(12_400_000_000), /^12,4\sGo$/);
  assert.match(words.percent(0.999), /^99\s%$/, "never rounded up to what is complete");
  await words.speak("es", ["es"]);
  assert.match(words.byteRate(98_200_000), /^98,2\sMB\/s$/);
  await words.speak("en", ["en-GB"]);
  assert.equal(words.duration(320), "5 mins 20 secs");
  assert.equal(words.linkRate(118_000_000), "944 Mb/s");
});
