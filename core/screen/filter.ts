/** Which of several things are meant by a few letters that somebody types. */

/** Whether one of the texts has what was typed, whatever its capitals and accents; nothing typed is in each. */
export function hasTyped(texts: readonly (string | null | undefined)[], typed: string): boolean {
  const wanted = plain(typed.trim());
  return (
    wanted === "" ||
    texts.some((text) => text !== null && text !== undefined && plain(text).includes(wanted))
  );
}

const plain = (text: string): string =>
  (/^[ -~]*$/.test(text) ? text : text.normalize("NFD").replace(/\p{M}/gu, "")).toLowerCase();
