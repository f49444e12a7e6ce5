/** A text of a catalogue, and how it is said with its values. */

/** A text; with a number in it, its forms. `{name}` stands for a value. */
export type Text = string | { readonly one: string; readonly other: string };

export type Values = Readonly<Record<string, string | number>>;

/** How a language counts, and writes a number. */
export interface Grammar {
  isOne(count: number): boolean;
  number(value: number): string;
}

/** The text with its values; `count` chooses among plural forms. */
export function phrase(text: Text, values: Values, { isOne, number }: Grammar): string {
  const form =
    typeof text === "string" ? text : isOne(Number(values.count)) ? text.one : text.other;
  if (!form.includes("{")) return form;
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : (value ?? whole);
  });
}
