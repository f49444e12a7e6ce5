/**
 * Texts that arrive in English, in another language: a reason, a notice, what a check found. What the
 * API and the agents say is English, and stays so; a screen in another language looks such a text up by
 * its English form, as a catalogue of messages does.
 */

/** English templates and what they are in another language; `{name}` stands for a value. */
export type Told = Readonly<Record<string, string>>;

interface Template {
  /** What the English begins and ends with: most templates need no more of a look. */
  readonly start: string;
  readonly end: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly text: string;
}

/** What texts are put together with. */
const joint = /[:;.] /g;
/** A text is tried to be parted at so many places: none of ours has more. */
const jointLimit = 8;
/** A longer text is none of ours, and what fits a template of several values by halves takes long to be refused. */
const textLimit = 600;
/** As many texts as a room's PCs have at once. */
const keptLimit = 1000;

export class Retold {
  /** The most particular first: a template of little more than values fits much. */
  private readonly templates: readonly Template[];
  private readonly figures: (text: string) => string;
  private readonly kept = new Map<string, string>();

  /** `figures` writes the quantities in a value as the language does. */
  constructor(told: Told, figures: (text: string) => string) {
    this.figures = figures;
    const wordy = (english: string): number => english.replace(/\{\w+\}/g, "").length;
    this.templates = Object.entries(told)
      .sort(([one], [other]) => wordy(other) - wordy(one))
      .map(([english, text]) => ({
        start: english.split("{", 1).join(""),
        end: english.slice(english.lastIndexOf("}") + 1),
        pattern: patternOf(english),
        names: [...english.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name),
        text,
      }));
  }

  /** The text in this language; parts that the catalogue does not have stay as they are. */
  of(text: string): string {
    if (this.templates.length === 0 || text.length > textLimit) return text;
    const known = this.kept.get(text);
    if (known !== undefined) return known;
    const said = this.whole(text) ?? this.inParts(text) ?? this.figures(text);
    if (this.kept.size >= keptLimit) this.kept.clear();
    this.kept.set(text, said);
    return said;
  }

  private whole(text: string): string | null {
    for (const { start, end, pattern, names, text: said } of this.templates) {
      if (!text.startsWith(start) || !text.endsWith(end)) continue;
      const found = pattern.exec(text);
      if (found === null) continue;
      const values = new Map(names.map((name, index) => [name, this.of(found[index + 1] ?? "")]));
      return said.replace(/\{(\w+)\}/g, (whole, name: string) => values.get(name) ?? whole);
    }
    return null;
  }

  /** `what: next`, each of which may be known. */
  private inParts(text: string): string | null {
    const places = [...text.matchAll(joint)].slice(0, jointLimit);
    for (const { index, 0: sign } of places) {
      const before = text.slice(0, index);
      const after = text.slice(index + sign.length);
      const first = this.whole(before);
      if (first !== null) return `${first}${sign}${this.of(after)}`;
      const last = this.whole(after);
      if (last !== null) return `${this.figures(before)}${sign}${last}`;
    }
    return null;
  }
}

const patternOf = (english: string): RegExp =>
  new RegExp(`^${english.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, "(.+?)")}$`, "s");
