/** The XML that S3 answers: elements and text, and nothing else of what XML has. It is from the network. */
import type { Decoded } from "../../core/errors.ts";

/** A page of a thousand names takes some 400 KB. */
export const xmlLimitBytes = 4 * 1024 * 1024;
/** A page of a thousand names has some ten an object. */
const elementLimit = 50_000;
/** ListBucketResult, Contents, Owner, ID. */
const depthLimit = 8;

export interface XmlElement {
  readonly name: string;
  /** Its own, without that of the elements in it. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

type Growing = { name: string; text: string; children: Growing[] };

const declaration = /^\uFEFF?\s*(?:<\?xml[^<>?]*\?>\s*)?/;
// Which of the three matched tells what is there: a tag (end, name, attributes, empty), or text.
const token =
  /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;

/** Reads a whole document. Comments, CDATA, document types and entities of their own are refused. */
export function readXml(bytes: Uint8Array): Decoded<XmlElement> {
  if (bytes.length > xmlLimitBytes) return bad("too long");
  let source: string;
  try {
    source = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return bad("not UTF-8");
  }
  const top: Growing = { name: "", text: "", children: [] };
  const open = [top];
  let elements = 0;
  token.lastIndex = declaration.exec(source)?.[0].length ?? 0;
  while (token.lastIndex < source.length) {
    const [, end, name, attributes, empty, text] = token.exec(source) ?? [];
    const inner = open.at(-1) as Growing;
    if (text !== undefined) {
      const plain = unescaped(text);
      if (plain === null) return bad("an entity that is not known");
      inner.text += plain;
    } else if (name === undefined) return bad("something that is no element");
    else if (end === "/") {
      if (attributes !== "" || empty !== "" || name !== inner.name) return bad("a wrong end");
      open.pop();
    } else {
      elements += 1;
      const element: Growing = { name, text: "", children: [] };
      if (elements > elementLimit || open.length > depthLimit) return bad("too many elements");
      inner.children.push(element);
      if (empty === "") open.push(element);
    }
  }
  const [root] = top.children;
  const isWhole = open.length === 1 && top.children.length === 1 && top.text.trim() === "";
  return isWhole && root !== undefined ? { ok: true, value: root } : bad("not one whole element");
}

/** The text of the first element of this name in another one. */
export const textIn = (element: XmlElement, name: string): string | null =>
  element.children.find((child) => child.name === name)?.text ?? null;

/** One answer to ListObjectsV2. */
export interface ListPage {
  readonly objects: readonly { readonly name: string; readonly bytes: number }[];
  /** What to ask the next page with; null: this is the last. */
  readonly next: string | null;
}

/** Reads a page of a listing. */
export function readListPage(bytes: Uint8Array): Decoded<ListPage> {
  const read = readXml(bytes);
  if (!read.ok) return read;
  const { name: root, children } = read.value;
  if (root !== "ListBucketResult") return bad("not a listing");
  const objects: { name: string; bytes: number }[] = [];
  for (const child of children) {
    if (child.name !== "Contents") continue;
    const name = textIn(child, "Key");
    const size = textIn(child, "Size") ?? "";
    if (!name || !/^\d{1,15}$/.test(size)) return bad("an object without name or size");
    objects.push({ name, bytes: Number(size) });
  }
  const truncated = textIn(read.value, "IsTruncated");
  if (truncated === "false") return { ok: true, value: { objects, next: null } };
  const next = textIn(read.value, "NextContinuationToken");
  if (truncated !== "true" || !next) return bad("does not say how it goes on");
  return { ok: true, value: { objects, next } };
}

const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** Null: it has an entity that XML does not have by itself, or one of no character. */
function unescaped(text: string): string | null {
  let isKnown = true;
  const plain = text.replace(/&([^;&]*;?)/g, (_, word: string) => {
    const character = characterOf(word);
    if (character === null) isKnown = false;
    return character ?? "";
  });
  return isKnown ? plain : null;
}

function characterOf(word: string): string | null {
  if (!word.endsWith(";")) return null;
  const name = word.slice(0, -1);
  if (Object.hasOwn(named, name)) return named[name] as string;
  const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name) ?? [];
  const point = Number.parseInt(hex ?? decimal ?? "", hex === undefined ? 10 : 16);
  const isCharacter = point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
  return isCharacter ? String.fromCodePoint(point) : null;
}

const bad = (reason: string): { readonly ok: false; readonly reason: string } => ({
  ok: false,
  reason,
});
