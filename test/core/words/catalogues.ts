/** What every catalogue is held to: all texts of the English one, with the same values and forms. */
import assert from "node:assert/strict";
import type { Text } from "../../../core/words/text.ts";

const forms = (text: Text): string[] =>
  typeof text === "string" ? [text] : [text.one, text.other];
const valuesIn = (text: Text): string[] =>
  [...new Set(forms(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

export function assertComplete(
  en: Readonly<Record<string, Text>>,
  others: Readonly<Record<string, Readonly<Record<string, Text>>>>,
): void {
  for (const [language, catalogue] of Object.entries(others)) {
    assert.deepEqual(Object.keys(catalogue), Object.keys(en), language);
    for (const [key, text] of Object.entries(catalogue)) {
      assert(
        forms(text).every((form) => form.trim() !== ""),
        `${language}: ${key}`,
      );
      assert.deepEqual(valuesIn(text), valuesIn(en[key] ?? ""), `${language}: ${key}`);
      assert.equal(typeof text, typeof en[key], `${language}: ${key}`);
    }
  }
}

/** Keys of a catalogue that no source names: whole, or by the beginning of a template. */
export function unsaid(catalogue: Readonly<Record<string, Text>>, source: string): string[] {
  const begun = [...source.matchAll(/`([\w.-]+\.)\$\{/g)].map(([, start = ""]) => start);
  return Object.keys(catalogue).filter(
    (key) => !source.includes(`"${key}"`) && !begun.some((start) => key.startsWith(start)),
  );
}

/** Texts that count things and have one form alone: they say `1 PCs`. */
export const uncounted = (catalogue: Readonly<Record<string, Text>>): string[] =>
  Object.entries(catalogue).flatMap(([key, text]) =>
    typeof text === "string" && /\{count\} (?!more\b)\w/.test(text) ? [key] : [],
  );
