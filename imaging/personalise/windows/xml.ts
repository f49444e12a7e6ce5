/**
 * XML as far as answer files need it: read, changed and written with all that was not changed as it was,
 * to the character. No document types, and so no entities but the five that XML has by itself.
 */
import type { Decoded } from "../../../core/errors.ts";

export interface XmlElement {
  readonly name: string;
  /** By name, as written: with their quotes. */
  readonly attributes: Map<string, string>;
  /** Elements; and text, comments and instructions as they are written. */
  children: (XmlElement | string)[];
}

/** What stands before and after the root element, and the root. */
export interface XmlDocument {
  readonly before: string;
  readonly root: XmlElement;
  readonly after: string;
}

const name = "[A-Za-z_:][\\w:.-]*";
const value = `"[^"<]*"|'[^'<]*'`;
/** What an element is made of, one after another. */
const pieces = new RegExp(
  [
    "<!--(?:(?!--)[^])*-->",
    "<\\?[^]*?\\?>",
    "<!\\[CDATA\\[[^]*?\\]\\]>",
    `</(?<closed>${name})\\s*>`,
    `<(?<opened>${name})(?<attributes>(?:\\s+${name}\\s*=\\s*(?:${value}))*)\\s*(?<isEmpty>/?)>`,
    "[^<]+",
  ].join("|"),
  "y",
);
const attribute = new RegExp(`(${name})\\s*=\\s*(${value})`, "g");
/** The registry's own depth; no answer file is a tenth as deep. */
const depthLimit = 512;

export function decodeXml(text: string): Decoded<XmlDocument> {
  const open: XmlElement[] = [];
  let before = "";
  let root: XmlElement | null = null;
  let after = "";
  pieces.lastIndex = 0;
  for (let at = 0; at < text.length; at = pieces.lastIndex) {
    const match = pieces.exec(text);
    if (match === null) return failure(text, at, "what stands there is not understood");
    const [piece] = match;
    const { closed, opened, attributes = "", isEmpty } = match.groups ?? {};
    const parent = open.at(-1);
    if (closed !== undefined) {
      if (parent?.name !== closed) return failure(text, at, `no <${closed}> is open`);
      open.pop();
    } else if (opened !== undefined) {
      const element = { name: opened, attributes: attributesIn(attributes), children: [] };
      if (parent === undefined && root !== null) return failure(text, at, "a second root");
      if (open.length === depthLimit) return failure(text, at, "it is too deep");
      parent?.children.push(element);
      root ??= element;
      if (isEmpty === "") open.push(element);
    } else if (parent !== undefined) parent.children.push(piece);
    else if (/^[^<\s]/.test(piece.trim())) return failure(text, at, "text outside of the root");
    else if (root === null) before += piece;
    else after += piece;
  }
  if (root === null || open.length > 0) return failure(text, text.length, "it ends too early");
  return { ok: true, value: { before, root, after } };
}

export const encodeXml = ({ before, root, after }: XmlDocument): string =>
  `${before}${elementText(root)}${after}`;

/** A new element; attributes and text are plain, and are escaped here. */
export const element = (
  elementName: string,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly (XmlElement | string)[]
): XmlElement => ({
  name: elementName,
  attributes: new Map(Object.entries(attributes).map(([key, text]) => [key, `"${escaped(text)}"`])),
  children: children
    .filter((child) => child !== "")
    .map((child) => (typeof child === "string" ? escaped(child) : child)),
});

/** The elements in it, of this name. */
export const elementsIn = (parent: XmlElement, wanted: string): XmlElement[] =>
  parent.children
    .filter((child) => typeof child !== "string")
    .filter((child) => child.name === wanted);

/** An attribute's value; undefined: it has none of this name. */
export function attributeOf({ attributes }: XmlElement, wanted: string): string | undefined {
  const written = attributes.get(wanted);
  return written === undefined ? undefined : plain(written.slice(1, -1));
}

/** The text in an element, without what surrounds it. */
export const textIn = ({ children }: XmlElement): string =>
  children
    .map((child) => {
      if (typeof child !== "string" || /^<[!?](?!\[)/.test(child)) return "";
      return child.startsWith("<![CDATA[") ? child.slice(9, -3) : plain(child);
    })
    .join("")
    .trim();

const attributesIn = (text: string): Map<string, string> =>
  new Map([...text.matchAll(attribute)].map(([, key = "", written = ""]) => [key, written]));

function elementText({ name: elementName, attributes, children }: XmlElement): string {
  const words = [...attributes].map(([key, written]) => ` ${key}=${written}`).join("");
  const inner = children.map((child) => (typeof child === "string" ? child : elementText(child)));
  return inner.length === 0
    ? `<${elementName}${words}/>`
    : `<${elementName}${words}>${inner.join("")}</${elementName}>`;
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** No character that XML 1.0 does not have (2.2) is left in it, nor one that ends a text or a value. */
const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);

const plain = (written: string): string =>
  written.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (whole, decimal, hex, word) => {
    if (word !== undefined) return entities[word] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

const failure = (text: string, at: number, reason: string): Decoded<never> => ({
  ok: false,
  reason: `line ${text.slice(0, at).split("\n").length}: ${reason}`,
});
