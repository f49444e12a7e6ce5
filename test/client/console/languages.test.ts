/** The console in every language: within 80 columns, and without an English word that was left. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Model } from "../../../client/console/model.ts";
import { rows } from "../../../client/console/rows.ts";
import type { Ui } from "../../../client/console/state.ts";
import { en } from "../../../client/console/words/en.ts";
import { es } from "../../../client/console/words/es.ts";
import { fr } from "../../../client/console/words/fr.ts";
import { pt } from "../../../client/console/words/pt.ts";
import { rowText } from "../../../core/screen/row.ts";
import type { Language } from "../../../core/wire/language.ts";
import { assertComplete, uncounted, unsaid } from "../../core/words/catalogues.ts";
import { asked, fullLab, pages } from "./scenes.ts";

const languages: readonly Language[] = ["en", "fr", "es", "pt"];
const size = { columns: 80, lines: 30 };

test("every language has every text of the console, and the console says them all", () => {
  assertComplete(en, { es, fr, pt });
  assert.deepEqual(uncounted(en), []);
  const folder = join(import.meta.dirname, "..", "..", "..", "client", "console");
  const source = globSync("*.ts", { cwd: folder })
    .map((path) => readFileSync(join(folder, path), "utf8"))
    .join("\n");
  assert.deepEqual(unsaid(en, source), []);
});

const scenesOf = (model: Model): [name: string, ui: Ui][] => [
  ...Object.entries(pages),
  ...Object.entries(asked(model)),
];
const textOf = (model: Model, ui: Ui): string[] => rows(model, ui, size).map((row) => rowText(row));

/** Rows in which a word was cut: by a cell, which says so, or at the edge of the screen, where a wider one says more. */
function cutIn(model: Model, ui: Ui): string[] {
  const lastWord = (row: string | undefined): string => row?.trimEnd().split(" ").at(-1) ?? "";
  const wider = rows(model, ui, { ...size, columns: size.columns + 2 }).map((row) => rowText(row));
  return textOf(model, ui).filter(
    (row, index) =>
      row.includes("~") ||
      (row.length >= size.columns &&
        !row.endsWith(" ") &&
        lastWord(row) !== lastWord(wider[index])),
  );
}

for (const language of languages) {
  test(`in ${language} every page fits 80 columns, and no word of it is cut`, () => {
    const [english, model] = [fullLab("en"), fullLab(language)];
    const wrong = scenesOf(model).flatMap(([name, ui]) => {
      const shown = textOf(model, ui);
      const cut = cutIn(model, ui);
      // Names of disks, and reasons, may be longer than any screen.
      const known = cutIn(english, ui).length;
      const bare = shown.filter((row) => /[{}]/.test(row));
      return [...(cut.length > known ? cut : []), ...bare].map((row) => `${name}: ${row}`);
    });
    assert.deepEqual(wrong, []);
  });
}

/** What is the same in every language: names, figures, and words that the field has in English. */
const same =
  /^[ \d]*$|^ lab-1|^ Images|`roomcast|^[ #=![\]-]*$|MAC|^ ?roomcast|\/dev\/|Samsung|win11|GPT|BIOS|UEFI|Mbit|Agent|^ Id |TPM|SSD|^ >?\*? ?(pc|PC)\d*|^ (shell|grow|idleBoot|diskSeconds|admit|ask|disk|naming|domain|address|gateway|dns|prefix|sshKeys|secrets|bootFirst|language|pin|instructorPin) |^ {2}(pc|>)/;

for (const language of languages.slice(1)) {
  test(`in ${language} no row of any page is the English one`, () => {
    const [english, model] = [fullLab("en"), fullLab(language)];
    const inEnglish = new Map(scenesOf(english));
    const left = scenesOf(model).flatMap(([name, ui]) => {
      const known = new Set(textOf(english, inEnglish.get(name) ?? ui).map((row) => row.trim()));
      return textOf(model, ui)
        .filter((row) => known.has(row.trim()) && /[a-z]{3}/i.test(row) && !same.test(row))
        .map((row) => `${name}: ${row}`);
    });
    assert.deepEqual(left, []);
  });
}

test("a list and a session in French", () => {
  const model = fullLab("fr");
  const list = textOf(model, pages.list as Ui).join("\n");
  assert.match(list, /PC +Adresse +État +Progression +Débit +Résultat/);
  assert.match(list, /ÉCHEC : le PC était éteint/);
  assert.match(list, /diffusion win11-lab@4 vers lab-1, \d+ %/);
  const session = textOf(model, pages.session as Ui).join("\n");
  assert.match(session, /13,0 Go, dont 1,5 % de réparations, 1 passe/);
  assert.match(session, /reste 2 min 51 s/);
});
