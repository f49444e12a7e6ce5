/** What a person pressed, and a line of text typed key by key. */

export interface Key {
  /** `up`, `enter`, `escape`, `backspace`, `pageup`, `f5`, `C-c`; a character is its own name: `a`, `A`, `/`, ` `. */
  readonly name: string;
  /** The character typed; empty for all other keys. */
  readonly text: string;
}

/** The value of a field after one more key: characters of ASCII at its end, backspace, Ctrl-U to empty it. */
export const typed = (value: string, key: Key, maxLength: number): string =>
  key.text <= "~" ? typedLetter(value, key, maxLength) : value;

/** The same for a field that takes letters of every language. */
export function typedLetter(value: string, key: Key, maxLength: number): string {
  if (key.name === "backspace") return [...value].slice(0, -1).join("");
  if (key.name === "C-u") return "";
  return value.length + key.text.length <= maxLength ? value + key.text : value;
}

/** Where a list's choice is after a key that moves it; the same index for any other key. `page`: lines shown at once. */
export function moved(index: number, key: Key, count: number, page: number): number {
  const to = {
    up: index - 1,
    down: index + 1,
    pageup: index - page,
    pagedown: index + page,
    home: 0,
    end: count - 1,
  }[key.name];
  return to === undefined ? index : Math.max(0, Math.min(count - 1, to));
}
