/** What a reader has chosen for this browser: language, colours, keys, sound. */
import { effect, type Signal, signal } from "@preact/signals";
import type { Language } from "../../core/wire/language.ts";
import { languageOf, languages } from "../../core/words/languages.ts";
import { speak } from "./words.ts";

/** Kept by the browser under this name, where it keeps anything. */
function kept<T extends string>(name: string, allowed: readonly T[], usual: T): Signal<T> {
  const key = `roomcast.${name}`;
  const before = localStorage.getItem(key) as T | null;
  const chosen = signal(before !== null && allowed.includes(before) ? before : usual);
  effect(() => {
    if (chosen.value === usual) localStorage.removeItem(key);
    else localStorage.setItem(key, chosen.value);
  });
  return chosen;
}

export const theme = kept("theme", ["auto", "light", "dark"], "auto");
/** Single keys act, as in the console. */
export const keys = kept("keys", ["on", "off"], "on");
/** A tone for each request. */
export const sound = kept("sound", ["on", "off"], "off");
export const language = kept<Language | "auto">(
  "language",
  ["auto", ...(Object.keys(languages) as Language[])],
  "auto",
);

/** Puts language and colours into effect, and keeps them so. Resolves when the texts are there. */
export function applySettings(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  effect(() => {
    const { value } = theme;
    document.documentElement.dataset.theme = value;
  });
  effect(() => {
    const wanted = navigator.languages;
    const chosen = language.value === "auto" ? languageOf(wanted) : language.value;
    void speak(chosen, wanted).then(() => {
      document.documentElement.lang = chosen;
      resolve();
    }, resolve);
  });
  return promise;
}
