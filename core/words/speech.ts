/** How a screen speaks: its catalogue's texts, and quantities as its language writes them. */
import type { Language } from "../wire/language.ts";
import { Retold, type Told } from "./retold.ts";
import { type Grammar, phrase, type Text, type Values } from "./text.ts";

export interface Speech<Key extends string> {
  readonly language: Language;
  /** The text of a key; `count` chooses among plural forms. */
  t(key: Key, values?: Values): string;
  /** A text that was made in English elsewhere, by a server or an agent: in this language where its catalogue has it. */
  told(text: string): string;
  /** Bytes in decimal units, as disks are sold: 12_400_000_000 → `12.4 GB`. */
  size(byteCount: number): string;
  /** Bytes a second: `98.2 MB/s`. */
  byteRate(bytesPerSecond: number): string;
  /** Bytes a second on a wire, as links are rated: 118_000_000 → `944 Mbit/s`. */
  linkRate(bytesPerSecond: number): string;
  /** `43 s`, `5 min 20 s`, `12 min`, `1 h 05 min`: as exact as anybody needs it. */
  duration(seconds: number): string;
  /** 0.437 → `43 %`. Never rounded up: 100 % is said of what is complete. */
  percent(fraction: number): string;
  /** A loss ratio: `0 %`, `0.02 %`, `1.3 %`, `12 %`. */
  loss(ratio: number): string;
  /** ISO 8601 UTC → `2026-11-21 14:03`. */
  date(iso: string): string;
}

/** How a language writes quantities. */
interface Figures {
  readonly decimal: string;
  /** The unit of what disks hold, behind its prefix. */
  readonly byte: string;
  readonly percent: string;
  readonly date: string;
}

const european: Figures = { decimal: ",", byte: "B", percent: " %", date: "D/M/Y" };
const figuresOf: Readonly<Record<Language, Figures>> = {
  en: { decimal: ".", byte: "B", percent: " %", date: "Y-M-D" },
  es: european,
  fr: { ...european, byte: "o" },
  pt: { ...european, percent: "%" },
};

const prefixes = ["", "k", "M", "G", "T", "P"];

/** `told`: what of English texts from elsewhere this language has. */
export function speak<Key extends string>(
  language: Language,
  words: Readonly<Record<Key, Text>>,
  told: Told,
): Speech<Key> {
  const figures = figuresOf[language];
  const rules = new Intl.PluralRules(language);
  const grammar: Grammar = { isOne: (count) => rules.select(count) === "one", number: String };
  const decimal = (value: number, digits: number): string =>
    value.toFixed(digits).replace(".", figures.decimal);
  const retold = new Retold(told, (text) => inFigures(text, figures));

  const size = (byteCount: number): string => {
    let value = Math.max(0, byteCount);
    let unit = 0;
    // 999.95 would be shown as 1000.0 of the smaller unit.
    while (value >= (unit === 0 ? 1000 : 999.95) && unit < prefixes.length - 1) {
      value /= 1000;
      unit++;
    }
    return `${decimal(value, unit === 0 ? 0 : 1)} ${prefixes[unit]}${figures.byte}`;
  };
  return {
    language,
    t: (key, values = {}) => phrase(words[key], values, grammar),
    told: (text) => retold.of(text),
    size,
    byteRate: (bytesPerSecond) => `${size(bytesPerSecond)}/s`,
    linkRate(bytesPerSecond) {
      const mbit = (bytesPerSecond * 8) / 1e6;
      if (mbit >= 999.5) return `${decimal(mbit / 1000, 1)} Gbit/s`;
      return `${decimal(mbit, mbit >= 10 ? 0 : 1)} Mbit/s`;
    },
    duration,
    percent: (fraction) =>
      `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100 + 1e-9)}${figures.percent}`,
    loss(ratio) {
      const percent = ratio * 100;
      if (percent === 0) return `0${figures.percent}`;
      return `${decimal(percent, percent >= 10 ? 0 : percent >= 1 ? 1 : 2)}${figures.percent}`;
    },
    date(iso) {
      const [year = "", month = "", day = ""] = iso.slice(0, 10).split("-");
      const date = figures.date.replace("Y", year).replace("M", month).replace("D", day);
      return `${date} ${iso.slice(11, 16)}`.trimEnd();
    },
  };
}

/** The same in every language: these signs are the SI's. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Quantities in an English text, as the language writes them. */
const inFigures = (text: string, { decimal, byte, percent }: Figures): string =>
  text.replace(
    /\b(\d+)(?:\.(\d+))? (?:([kMGTP]?)B|([MG]bit)|%)/g,
    (_, whole: string, fraction: string | undefined, prefix?: string, bit?: string) => {
      const number = fraction === undefined ? whole : `${whole}${decimal}${fraction}`;
      if (bit !== undefined) return `${number} ${bit}`;
      return prefix === undefined ? `${number}${percent}` : `${number} ${prefix}${byte}`;
    },
  );
