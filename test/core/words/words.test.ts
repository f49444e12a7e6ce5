/** The texts of every screen: complete in each language, still those of the code, and quantities as each writes them. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { levelText } from "../../../core/trust/level.ts";
import { en } from "../../../core/words/en.ts";
import { english } from "../../../core/words/english.ts";
import { es } from "../../../core/words/es.ts";
import { fr } from "../../../core/words/fr.ts";
import { languageOf, localeOf } from "../../../core/words/languages.ts";
import { pt } from "../../../core/words/pt.ts";
import { speak } from "../../../core/words/speech.ts";
import { told as toldText } from "../../../core/words/told/english.ts";
import { told as toldEs } from "../../../core/words/told/es.ts";
import { told as toldFr } from "../../../core/words/told/fr.ts";
import { told as toldPt } from "../../../core/words/told/pt.ts";
import { assertComplete, uncounted, unsaid } from "./catalogues.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const sourceOf = (pattern: string): string =>
  globSync(pattern, { cwd: root })
    .filter((path) => !/\bwords\/(told\/)?\w+\.ts$/.test(path))
    .map((path) => readFileSync(join(root, path), "utf8"))
    .join("\n");

const french = speak("fr", fr, toldFr);
const spanish = speak("es", es, toldEs);
const portuguese = speak("pt", pt, toldPt);

test("every language has every text of the screens, with the same values and forms", () => {
  assertComplete(en, { es, fr, pt });
  assert.deepEqual(uncounted(en), []);
  assertComplete(Object.fromEntries(toldText.map((text) => [text, text])), {
    es: toldEs,
    fr: toldFr,
    pt: toldPt,
  });
});

test("no text is in the catalogue that no screen says", () => {
  assert.deepEqual(unsaid(en, sourceOf("{core,client,initrd}/**/*.{ts,tsx}")), []);
});

/** These are put together of parts, which stand in the code one by one. */
const composed =
  /ordered once|did not come up|at their screens|looks like|is meant is not clear|^name one with|speaks protocol|stored as image|PC's clock|far away|no answer$|and move partition/;

/** As few parts as the code can have it in; words that it does not have are parts of their own. */
function partsIn(source: string, text: string): number {
  const words = text.split(" ");
  let parts = 0;
  for (let from = 0; from < words.length; parts++) {
    let to = words.length;
    while (to > from + 1 && !source.includes(words.slice(from, to).join(" "))) to--;
    from = to;
  }
  return parts;
}

test("what is looked up by its English form is still said so in the code", () => {
  // A text may be several literals, and has `${…}` where the catalogue has a value.
  const source = sourceOf("{core,imaging,initrd,server}/**/*.ts")
    .replace(/["`]\s*\+\s*["`]/g, "")
    .replaceAll("\\`", "`");
  const gone = toldText.filter((text) =>
    text
      .split(/\{\w+\}/)
      .filter((piece) => /\w{3}/.test(piece))
      .some((piece) => partsIn(source, piece) > (composed.test(text) ? 4 : 1)),
  );
  assert.deepEqual(gone, []);
});

test("a reason that came in English is told in the reader's language, with its parts and quantities", () => {
  const { told } = french;
  assert.equal(
    told("the PC was not on, or did not reach the server"),
    "le PC était éteint, ou n’a pas atteint le serveur",
  );
  assert.equal(told("disk writes 18.2 MB/s"), "le disque écrit à 18,2 Mo/s");
  assert.equal(
    told(
      "the disk read back is not this image (another root hash); another session has had it since",
    ),
    "le disque relu n’est pas cette image (autre empreinte racine) ; une autre session l’a pris depuis",
  );
  assert.equal(
    told("/dev/sda is in use: mounted at /home: unmount it or end what uses it"),
    "/dev/sda est utilisé : mounted at /home: démontez-le ou arrêtez ce qui l’utilise",
  );
  assert.equal(
    portuguese.told("nothing listens there; check that the server runs, and the port"),
    "nada escuta lá; verifique se o servidor está rodando, e a porta",
  );
  assert.equal(portuguese.told(levelText("placed")), "colocado: com uma chave duradoura");
  assert.equal(spanish.told("write error at 12.4 GB"), "write error at 12,4 GB");
  assert.equal(english.told("write error at 12.4 GB"), "write error at 12.4 GB");
});

test("a long text that is like no template costs no more than a glance", () => {
  const began = process.cpuUsage();
  for (let index = 0; index < 200; index++) french.told(`${"a: b; c. ".repeat(200)}${index}`);
  const { user, system } = process.cpuUsage(began);
  assert(user + system < 2_000_000, `${user + system} µs`);
});

test("quantities are as each language writes them", () => {
  assert.equal(english.size(12_400_000_000), "12.4 GB");
  assert.equal(french.size(12_400_000_000), "12,4 Go");
  assert.equal(portuguese.byteRate(98_200_000), "98,2 MB/s");
  assert.equal(spanish.linkRate(1_180_000_000 / 8), "1,2 Gbit/s");
  assert.equal(french.loss(0.0002), "0,02 %");
  assert.equal(portuguese.percent(0.999), "99%");
  assert.equal(french.percent(0.999), "99 %", "never rounded up to what is complete");
  assert.equal(english.date("2026-11-21T14:03:00Z"), "2026-11-21 14:03");
  assert.equal(spanish.date("2026-11-21T14:03:00Z"), "21/11/2026 14:03");
  assert.equal(french.t("report.verified", { count: 0, all: 28 }), "0 sur 28 vérifié");
  assert.equal(spanish.t("report.verified", { count: 0, all: 28 }), "0 de 28 verificados");
  assert.equal(french.t("list.more", { some: "pc1, pc2", count: 1 }), "pc1, pc2 et 1 autre");
  assert.equal(french.t("fit.ofDisks", { small: 1, count: 5 }), "1 des 5 disques");
});

test("a terminal's reader and letters are those of its locale", () => {
  assert.deepEqual(localeOf({ LANG: "fr_CA.UTF-8" }), { language: "fr", isUnicode: true });
  assert.deepEqual(localeOf({ LC_ALL: "C", LANG: "fr_FR.UTF-8" }), {
    language: "en",
    isUnicode: false,
  });
  assert.deepEqual(localeOf({ LANG: "de_DE.utf8", LC_MESSAGES: "pt_BR", LC_ALL: "" }), {
    language: "pt",
    isUnicode: true,
  });
  assert.deepEqual(localeOf({}), { language: "en", isUnicode: false });
  assert.equal(languageOf(["de-CH", "pt-BR", "en"]), "pt");
  assert.equal(languageOf(["constructor"]), "en");
});
