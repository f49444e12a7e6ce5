/** The menu in every language: whole, within 80 columns, and without an English word that was left. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rowText, type ScreenSize } from "../../../core/screen/row.ts";
import type { Language } from "../../../core/wire/language.ts";
import { rows } from "../../../initrd/menu/rows.ts";
import { en } from "../../../initrd/menu/words/en.ts";
import { es } from "../../../initrd/menu/words/es.ts";
import { fr } from "../../../initrd/menu/words/fr.ts";
import { pt } from "../../../initrd/menu/words/pt.ts";
import { assertComplete, uncounted, unsaid } from "../../core/words/catalogues.ts";
import { type Scene, scenes } from "./scenes.ts";

const languages: readonly Language[] = ["en", "fr", "es", "pt"];
const size: ScreenSize = { columns: 80, lines: 25 };

const textOf = ({ view, page }: Scene, language: Language, at = size): string[] =>
  rows({ ...view, language }, page, at).map((row) => rowText(row));

test("every language has every text of the menu, and the menu says them all", () => {
  assertComplete(en, { es, fr, pt });
  assert.deepEqual(uncounted(en), []);
  const folder = join(import.meta.dirname, "..", "..", "..", "initrd", "menu");
  const source = globSync("*.ts", { cwd: folder })
    .map((path) => readFileSync(join(folder, path), "utf8"))
    .join("\n");
  assert.deepEqual(unsaid(en, source), []);
});

/** Rows in which something was cut: by a cell, which says so with `~`, or at the edge of the screen. */
const cutIn = (shown: readonly string[]): string[] =>
  shown.filter(
    (row) =>
      row.includes("~") ||
      (row.length >= size.columns && !row.endsWith(" ") && !/^[ #=!]*$/.test(row)),
  );

for (const language of languages) {
  test(`in ${language} every screen fits 80 columns and 25 lines, and no word of it is cut`, () => {
    const wrong = scenes.flatMap((scene) => {
      const shown = textOf(scene, language);
      const cut = cutIn(shown);
      // What is known of disks and keys may be longer than any screen.
      const known = cutIn(textOf(scene, "en")).length;
      const bare = shown.filter((row) => /[{}]/.test(row));
      const solid = (all: readonly string[]): string[] =>
        all.map((row) => row.trim()).filter((row) => !/^[ #]*$/.test(row));
      const whole = solid(textOf(scene, language, { ...size, lines: 60 }));
      const lost = whole.filter((row) => !solid(shown).includes(row));
      return [...(cut.length > known ? cut : []), ...bare, ...lost].map(
        (row) => `${scene.name}: ${row}`,
      );
    });
    assert.deepEqual(wrong, []);
  });
}

/** What is the same in every language: names, figures, and words that the field has in English. */
const same =
  /^[ \d]*$|^[ #=![\]-]*$|UUID|MAC|roomcast|\/dev\/|Samsung|S3Z9NB|SSD|lab-2|win11|GB|BIOS|UEFI|Multicast|Mbit|PIN: |Secure|Shell|Hardware|:/;

for (const language of languages.slice(1)) {
  test(`in ${language} no row of any screen is the English one`, () => {
    const left = scenes.flatMap((scene) => {
      const english = new Set(textOf(scene, "en").map((row) => row.trim()));
      return textOf(scene, language).filter((row) => english.has(row.trim()) && !same.test(row));
    });
    assert.deepEqual([...new Set(left)], []);
  });
}

test("large words have no accents, ordinary text has them", () => {
  const ended = scenes.find(({ name }) => name === "restore, verified") as Scene;
  const shown = textOf(ended, "fr").join("\n");
  assert.match(shown, /win11-lab@4 est sur sda/);
  assert.match(shown, /Que faire : rien\. Le PC peut démarrer de son disque\./);
  assert.match(shown, /####/, "VERIFIE");
});
