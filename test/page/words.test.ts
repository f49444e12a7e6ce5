/** The catalogues: complete, with the same values in them, and quantities as each language writes them. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { en } from "../../client/page/words/en.ts";
import { es } from "../../client/page/words/es.ts";
import { fr } from "../../client/page/words/fr.ts";
import { pt } from "../../client/page/words/pt.ts";
import * as words from "../../client/page/words.ts";
import { diskLine } from "../../core/screen/disk.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { en as shared } from "../../core/words/en.ts";
import { languageOf } from "../../core/words/languages.ts";
import { assertComplete, uncounted, unsaid } from "../core/words/catalogues.ts";

test("every catalogue has every text, with the same values and the same forms", () => {
  assertComplete(en, { es, fr, pt });
  assert.deepEqual(uncounted(en), []);
});

test("the page's own texts are none of those that all screens have", () => {
  assert.deepEqual(
    Object.keys(en).filter((key) => key in shared),
    [],
  );
});

test("no text is in a catalogue that the page never says", () => {
  const folder = join(import.meta.dirname, "..", "..", "client", "page");
  const source = globSync("**/*.{ts,tsx}", { cwd: folder })
    .filter((path) => !/words\/..\.ts$/.test(path))
    .map((path) => readFileSync(join(folder, path), "utf8"))
    .join("\n");
  assert.deepEqual(unsaid(en, source), []);
});

const disk: DiskView = {
  ...{ path: "/dev/sda", size: 500_107_862_016, logicalSector: 512, model: null, serial: null },
  ...{ wwn: null, transport: null, rotational: null, health: null, protection: null },
};

test("the first of the reader's languages that there is is spoken, with the reader's numbers", async () => {
  assert.equal(languageOf(["de-CH", "pt-BR", "en"]), "pt");
  assert.equal(languageOf(["de", "nl"]), "en");
  await words.speak("fr", ["fr-CA", "en"]);
  assert.equal(words.t("marked", { count: 1 }), "1 sélectionné");
  assert.equal(words.t("marked", { count: 3 }), "3 sélectionnés");
  assert.match(words.size(12_400_000_000), /^12,4\sGo$/);
  assert.match(words.percent(0.999), /^99\s%$/, "never rounded up to what is complete");
  assert.equal(words.told("taken out by an operator"), "retiré par un opérateur");
  assert.equal(
    diskLine(disk, words.speech()).replaceAll(/\s/g, " "),
    "/dev/sda  500,1 Go  modèle inconnu  sans série",
  );
  await words.speak("es", ["es"]);
  assert.match(words.byteRate(98_200_000), /^98,2\sMB\/s$/);
  await words.speak("en", ["en-GB"]);
  assert.equal(words.duration(320), "5 mins 20 secs");
  assert.equal(words.linkRate(118_000_000), "944 Mb/s");
});
