/** The page's texts and quantities in the reader's language. */
import { signal } from "@preact/signals";
import type { Language } from "../../core/wire/language.ts";
import { type ScreenKey, en as sharedEn } from "../../core/words/en.ts";
import type { Told } from "../../core/words/retold.ts";
import { type Speech, speak as speakAs } from "../../core/words/speech.ts";
import { phrase, type Text, type Values } from "../../core/words/text.ts";
import { en, type Words } from "./words/en.ts";

/** The page's own texts, and those that it has in common with the other screens. */
export type Key = keyof Words | ScreenKey;
type PageWords = Readonly<Record<Key, Text>>;

interface Catalogue {
  readonly words: PageWords;
  readonly told: Told;
}

const catalogues: Readonly<Record<Language, () => Promise<Catalogue>>> = {
  en: async () => ({ words: english, told: {} }),
  async fr() {
    const [{ fr }, { fr: shared }, { told }] = await Promise.all([
      import("./words/fr.ts"),
      import("../../core/words/fr.ts"),
      import("../../core/words/told/fr.ts"),
    ]);
    return { words: { ...shared, ...fr }, told };
  },
  async es() {
    const [{ es }, { es: shared }, { told }] = await Promise.all([
      import("./words/es.ts"),
      import("../../core/words/es.ts"),
      import("../../core/words/told/es.ts"),
    ]);
    return { words: { ...shared, ...es }, told };
  },
  async pt() {
    const [{ pt }, { pt: shared }, { told }] = await Promise.all([
      import("./words/pt.ts"),
      import("../../core/words/pt.ts"),
      import("../../core/words/told/pt.ts"),
    ]);
    return { words: { ...shared, ...pt }, told };
  },
};

const english: PageWords = { ...sharedEn, ...en };

/** `locale`: for numbers and times: with the reader's region, where it is of the same language. */
interface Spoken {
  readonly language: Language;
  readonly locale: string;
  readonly words: PageWords;
  /** What is used of it is `told`: the page writes quantities with the reader's region. */
  readonly screen: Speech<Key>;
}

export const spoken = signal<Spoken>({
  ...{ language: "en", locale: "en", words: english },
  screen: speakAs("en", english, {}),
});

export async function speak(language: Language, wanted: readonly string[]): Promise<void> {
  const { words, told } = await catalogues[language]();
  const locale = wanted.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
  formats.clear();
  spoken.value = { language, locale, words, screen: speakAs(language, words, told) };
}

/** The text of a key; `count` chooses among plural forms. */
export function t(key: Key, values: Values = {}): string {
  const { words, locale } = spoken.value;
  const isOne = (count: number): boolean =>
    kept("plural", () => new Intl.PluralRules(locale)).select(count) === "one";
  return phrase(words[key], values, { isOne, number });
}

/** A text that the server made in English, in the reader's language where its catalogue has it. */
export const told = (text: string): string => spoken.value.screen.told(text);

/** How the texts of `core/screen` are said on the page. */
export const speech = (): Speech<Key> => ({
  ...{ language: spoken.value.language, t, told, size, byteRate, linkRate },
  ...{ duration, percent, loss, date: dateTime },
});

/** Formatters are dear to make; there are as many as there are kinds. */
const formats = new Map<string, unknown>();

function kept<T>(kind: string, make: () => T): T {
  const known = formats.get(kind);
  if (known !== undefined) return known as T;
  const made = make();
  formats.set(kind, made);
  return made;
}

const numberFormat = (kind: string, options: Intl.NumberFormatOptions): Intl.NumberFormat => {
  const { locale } = spoken.value;
  return kept(`number ${kind}`, () => new Intl.NumberFormat(locale, options));
};

export const number = (value: number): string => numberFormat("plain", {}).format(value);

/** Never rounded up: 100 % is said of what is complete. */
export const percent = (fraction: number): string =>
  numberFormat("percent", { style: "percent" }).format(
    Math.floor(Math.min(1, Math.max(0, fraction)) * 100 + 1e-9) / 100,
  );

/** A loss: with as many digits as it needs. */
export const loss = (ratio: number): string =>
  numberFormat("loss", { style: "percent", maximumSignificantDigits: 2 }).format(ratio);

const byteUnits = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"] as const;

function scaled(value: number): { readonly value: number; readonly power: number } {
  let [left, power] = [Math.max(0, value), 0];
  while (left >= (power === 0 ? 1000 : 999.95) && power < byteUnits.length - 1) {
    left /= 1000;
    power++;
  }
  return { value: left, power };
}

const digits = (power: number): Intl.NumberFormatOptions => {
  const fraction = power === 0 ? 0 : 1;
  return { minimumFractionDigits: fraction, maximumFractionDigits: fraction };
};

/** Bytes, in decimal units, as disks are sold. */
export function size(bytes: number): string {
  const { value, power } = scaled(bytes);
  const unit = byteUnits[power] ?? "byte";
  return numberFormat(unit, { style: "unit", unit, ...digits(power) }).format(value);
}

/** Bytes a second. */
export function byteRate(bytesPerSecond: number): string {
  const { value, power } = scaled(bytesPerSecond);
  const unit = `${byteUnits[power] ?? "byte"}-per-second`;
  return numberFormat(unit, { style: "unit", unit, ...digits(power) }).format(value);
}

/** Bytes a second on a wire, as links are rated. */
export function linkRate(bytesPerSecond: number): string {
  const mbit = (bytesPerSecond * 8) / 1e6;
  const unit = mbit >= 999.5 ? "gigabit-per-second" : "megabit-per-second";
  const options = { style: "unit", unit, maximumSignificantDigits: 3 } as const;
  return numberFormat(unit, options).format(mbit >= 999.5 ? mbit / 1000 : mbit);
}

/** As exact as anybody needs it. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const part = (value: number, unit: "hour" | "minute" | "second"): string =>
    numberFormat(unit, { style: "unit", unit, unitDisplay: "short" }).format(value);
  if (whole < 60) return part(whole, "second");
  const minutes = whole < 600 ? Math.floor(whole / 60) : Math.round(whole / 60);
  const rest = whole < 600 ? whole % 60 : 0;
  if (minutes < 60)
    return rest === 0
      ? part(minutes, "minute")
      : `${part(minutes, "minute")} ${part(rest, "second")}`;
  const hours = part(Math.floor(minutes / 60), "hour");
  return minutes % 60 === 0 ? hours : `${hours} ${part(minutes % 60, "minute")}`;
}

/** A day and a time in the reader's own zone. */
export function dateTime(iso: string): string {
  const { locale } = spoken.value;
  const options = { dateStyle: "medium", timeStyle: "short" } as const;
  return kept("dateTime", () => new Intl.DateTimeFormat(locale, options)).format(new Date(iso));
}

/** A time of this day. */
export function clock(time: Date): string {
  const { locale } = spoken.value;
  return kept("clock", () => new Intl.DateTimeFormat(locale, { timeStyle: "short" })).format(time);
}

/** With seconds, for what just happened. */
export function clockSeconds(time: Date): string {
  const { locale } = spoken.value;
  return kept("seconds", () => new Intl.DateTimeFormat(locale, { timeStyle: "medium" })).format(
    time,
  );
}

/** `a, b and c` */
export function list(parts: readonly string[]): string {
  const { locale } = spoken.value;
  return kept("list", () => new Intl.ListFormat(locale)).format(parts);
}
