/** The console in every language: within 80 columns, and without an English word that was left. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { press } from "../../../client/console/keys.ts";
import type { Model } from "../../../client/console/model.ts";
import { asShown, pageLines, rows } from "../../../client/console/rows.ts";
import { firstUi, shownPcs, type Ui } from "../../../client/console/state.ts";
import { en } from "../../../client/console/words/en.ts";
import { es } from "../../../client/console/words/es.ts";
import { fr } from "../../../client/console/words/fr.ts";
import { pt } from "../../../client/console/words/pt.ts";
import { rowText, type ScreenSize } from "../../../core/screen/row.ts";
import type { Language } from "../../../core/wire/language.ts";
import { assertComplete, uncounted, unsaid } from "../../core/words/catalogues.ts";
import { asked, fullLab, pages } from "./scenes.ts";

const languages: readonly Language[] = ["en", "fr", "es", "pt"];
const size = { columns: 80, lines: 30 };
const key = (name: string) => ({ name, text: name.length === 1 ? name : "" });

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
const textOf = (model: Model, ui: Ui, on: ScreenSize = size): string[] =>
  rows(model, ui, on).map((row) => rowText(row));

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

const small: readonly ScreenSize[] = [
  { columns: 80, lines: 24 },
  { columns: 64, lines: 20 },
  { columns: 40, lines: 12 },
  // A window that is being made larger or smaller.
  { columns: 14, lines: 8 },
  { columns: 1, lines: 1 },
];

for (const language of languages) {
  test(`in ${language} every page is drawn on a screen of any size`, () => {
    const model = fullLab(language);
    for (const on of small) {
      for (const [name, ui] of scenesOf(model)) {
        const shown = textOf(model, ui, on);
        assert.equal(shown.length, on.lines, name);
        assert.ok(
          shown.every((row) => row.length <= on.columns),
          name,
        );
      }
    }
  });
}

test("a narrow list still has each PC's name, state and result, and a code whole", () => {
  const model = fullLab("en");
  const at = (columns: number): string =>
    textOf(model, pages.list as Ui, { columns, lines: 30 }).join("\n");
  assert.match(at(64), /> pc01 +receiving +VERIFIED/);
  assert.match(at(64), /pc07 +idle +NEW, code 123 456: A admits it/);
  assert.match(at(40), /> pc01 +receiving +VERIFIED/);
  assert.match(at(40), /pc02 +verifying +40 %/);
  assert.match(at(40), /pc07 +NEW, code 123 456/);
  assert.match(at(40), /pc03 +FAILED: the PC was not on,~/);
  const low = textOf(model, pages.list as Ui, { columns: 40, lines: 12 });
  assert.ok(
    low.some((row) => row.startsWith("> pc01")),
    "sessions leave room for PCs",
  );
  const images = textOf(model, pages.images as Ui, { columns: 40, lines: 12 }).join("\n");
  assert.match(images, /win11-lab@4/);
});

for (const language of languages) {
  test(`in ${language} all keys of the help are reached on a small screen, and others leave it`, () => {
    const model = fullLab(language);
    const help = pages.help as Ui;
    for (const on of small.slice(0, 3)) {
      const whole = textOf(model, help, { ...on, lines: 200 });
      const keys = whole.slice(3, whole.indexOf("", 3));
      assert.ok(keys.length >= 27);
      const seen = new Set<string>();
      let ui = help;
      for (const _ of keys) {
        for (const row of textOf(model, ui, on)) seen.add(row);
        ui = press(model, asShown(model, ui, on), key("down"), pageLines(model, ui, on)).ui;
      }
      assert.deepEqual(
        keys.filter((row) => !seen.has(row)),
        [],
      );
      const end = textOf(model, ui, on);
      ui = press(model, asShown(model, ui, on), key("up"), pageLines(model, ui, on)).ui;
      assert.notDeepEqual(textOf(model, ui, on), end, "one key goes back from the end");
      assert.equal(press(model, ui, key("x"), pageLines(model, ui, on)).ui.page.name, "list");
    }
  });
}

/** What is the same in every language: names, figures, and words that the field has in English. */
const same =
  /^[ \d]*$|^ lab-1|^ Images|`roomcast|^[ #=![\]-]*$|MAC|^ ?roomcast|\/dev\/|Samsung|win11|GPT|BIOS|UEFI|Mbit|Agent|^ Id |^ *sata$|TPM|SSD|^ >?\*? ?(pc|PC)\d*|^ (shell|grow|idleBoot|diskSeconds|admit|ask|disk|naming|domain|address|gateway|dns|prefix|sshKeys|secrets|bootFirst|language|pin|instructorPin) |^ {2}(pc|>)/;

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

test("PCs are found by the words that the list and the map say, with and without accents", () => {
  for (const [language, typed, found] of [
    ["fr", "prêt", ["pc04", "pc06", "pc07", "pc09"]],
    ["fr", "pret", ["pc04", "pc06", "pc07", "pc09"]],
    ["fr", "idle", ["pc04", "pc06", "pc07", "pc09"]],
    ["fr", "ÉTEINT", ["pc03", "pc08"]],
    ["fr", "échec", ["pc03"]],
    ["fr", "nouveau", ["pc07"]],
    ["es", "revocado", ["pc09"]],
    ["en", "which one", ["pc06"]],
    ["en", "off", ["pc03", "pc08"]],
    ["en", "receiving", ["pc01", "pc05"]],
  ] as const) {
    const model = fullLab(language);
    let ui: Ui = { ...firstUi, page: { name: "filter" } };
    for (const letter of typed) ui = press(model, ui, key(letter), 10).ui;
    const names = shownPcs(model, ui).map(({ name }) => name);
    assert.deepEqual(names.sort(), [...found], `${language}: ${typed}`);
  }
});

test("a time says that it is UTC", () => {
  const model = fullLab("en");
  const list = textOf(model, pages["list, ended"] as Ui).join("\n");
  assert.match(list, /2026-11-22 09:20 UTC restore win11-lab@4 to lab-2/);
  const campus = textOf(model, pages.campus as Ui).join("\n");
  assert.match(campus, /away since 2026-11-22 08:00 UTC/);
});

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
