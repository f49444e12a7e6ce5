/** Which of the languages a person reads. */
import type { Language } from "../wire/language.ts";

/** Each in its own language. */
export const languages: Readonly<Record<Language, string>> = {
  en: "English",
  es: "Español",
  fr: "Français",
  pt: "Português",
};

export const isLanguage = (text: string): text is Language => Object.hasOwn(languages, text);

/** The first of the reader's languages that there is; English where there is none. Tags as `pt-BR` or `pt_BR.UTF-8`. */
export function languageOf(wanted: readonly string[]): Language {
  const known = wanted.map((tag) =>
    tag
      .split(/[-_.@]/, 1)
      .join("")
      .toLowerCase(),
  );
  return known.find(isLanguage) ?? "en";
}

/** What a terminal's environment says of its reader. */
export interface Locale {
  readonly language: Language;
  /** The terminal takes UTF-8. */
  readonly isUnicode: boolean;
}

/** Of a terminal of which nothing is known. */
export const plainLocale: Locale = { language: "en", isUnicode: false };

/** By POSIX.1-2017, 8.2: LC_ALL before the category's own variable before LANG; an empty one says nothing. */
export function localeOf(environment: Readonly<Record<string, string | undefined>>): Locale {
  const said = (category: string): string =>
    ["LC_ALL", category, "LANG"]
      .map((name) => environment[name] ?? "")
      .find((value) => value !== "") ?? "";
  return {
    language: languageOf([said("LC_MESSAGES")]),
    isUnicode: /utf-?8/i.test(said("LC_CTYPE")),
  };
}
