/**
 * The answer file of a generalised Windows: what its first start asks for, answered for one PC. By
 * Microsoft's reference of the components and of the passes in which each of their settings is valid.
 */
import type { Decoded } from "../../../core/errors.ts";
import {
  attributeOf,
  decodeXml,
  element,
  elementsIn,
  encodeXml,
  textIn,
  type XmlDocument,
  type XmlElement,
} from "./xml.ts";

export interface Answers {
  readonly name: string;
  /** As in `de-DE`: of language, formats, keyboard and old programs. */
  readonly locale: string | null;
  /** As `tzutil /l` names it: `W. Europe Standard Time`. */
  readonly timeZone: string | null;
  /** What `djoin /provision` made for this PC. */
  readonly joinBlob: string | null;
  /** A command line for the first person who logs on, who has to be an administrator. */
  readonly firstLogon: string | null;
  /** A command line that runs as the system itself, before the first logon. */
  readonly setup: string | null;
  /** `amd64`, `arm64` or `x86`. */
  readonly architecture: string;
}

/** The passes that are to come on a generalised disk, in which we answer something. */
type Pass = "specialize" | "oobeSystem";

const namespace = "urn:schemas-microsoft-com:unattend";
const configuration = "http://schemas.microsoft.com/WMIConfig/2002/State";

/**
 * Whether Windows would still take something from this answer file: it marks each pass in it that it has
 * gone through, and goes by the marks.
 */
export function isPending(file: string): Decoded<boolean> {
  const document = readAnswerFile(file);
  if (!document.ok) return document;
  const pending = elementsIn(document.value.root, "settings").filter(isToCome);
  return { ok: true, value: pending.some(({ children }) => children.length > 0) };
}

/**
 * The image's answer file (null: it has none) with our answers in it. What else it answers stays, to the
 * character. The same again changes nothing.
 */
export function answerFile(image: string | null, answers: Answers): Decoded<string> {
  const document = image === null ? { ok: true as const, value: blank() } : readAnswerFile(image);
  if (!document.ok) return document;
  const { root } = document.value;
  const component = (pass: Pass, short: string) =>
    componentOf(settingsOf(root, pass), `Microsoft-Windows-${short}`, answers.architecture);

  const shell = component("specialize", "Shell-Setup");
  set(shell, "ComputerName", answers.name);
  const { locale, timeZone, joinBlob, firstLogon, setup } = answers;
  if (joinBlob !== null) {
    const account = element("AccountData", {}, joinBlob);
    const identification = element("Identification", {}, element("Provisioning", {}, account));
    put(component("specialize", "UnattendedJoin"), identification);
  }
  if (setup !== null) {
    const place = listIn(component("specialize", "Deployment"), "RunSynchronous");
    addCommand(place, "RunSynchronousCommand", { Path: setup, WillReboot: "Never" });
  }
  // What the same setting says in an earlier pass is over by then.
  if (timeZone !== null) set(component("oobeSystem", "Shell-Setup"), "TimeZone", timeZone);
  if (locale !== null) {
    const international = component("oobeSystem", "International-Core");
    for (const setting of ["InputLocale", "SystemLocale", "UILanguage", "UserLocale"])
      set(international, setting, locale);
  }
  if (firstLogon !== null) {
    const place = listIn(component("oobeSystem", "Shell-Setup"), "FirstLogonCommands");
    addCommand(place, "SynchronousCommand", { CommandLine: firstLogon });
  }
  return { ok: true, value: encodeXml(document.value) };
}

const blank = (): XmlDocument => ({
  before: '<?xml version="1.0" encoding="utf-8"?>\n',
  root: element("unattend", { xmlns: namespace }),
  after: "\n",
});

function readAnswerFile(file: string): Decoded<XmlDocument> {
  const document = decodeXml(file);
  if (!document.ok) return document;
  const { root } = document.value;
  if (root.name === "unattend" && attributeOf(root, "xmlns") === namespace) return document;
  return { ok: false, reason: "its root is no <unattend> as Windows writes it" };
}

const wasProcessed = (settings: XmlElement): boolean =>
  attributeOf(settings, "wasPassProcessed")?.toLowerCase() === "true";

const isToCome = (settings: XmlElement): boolean =>
  ["specialize", "oobeSystem"].includes(attributeOf(settings, "pass") ?? "") &&
  !wasProcessed(settings);

/** One that Windows has gone through would not be looked at again, and makes room for ours. */
function settingsOf(root: XmlElement, pass: Pass): XmlElement {
  const found = elementsIn(root, "settings").find((each) => attributeOf(each, "pass") === pass);
  if (found !== undefined && !wasProcessed(found)) return found;
  const made = element("settings", { pass });
  if (found === undefined) append(root, made);
  else root.children = root.children.map((child) => (child === found ? made : child));
  return made;
}

function componentOf(settings: XmlElement, name: string, architecture: string): XmlElement {
  const found = elementsIn(settings, "component").find(
    (each) =>
      attributeOf(each, "name") === name &&
      attributeOf(each, "processorArchitecture")?.toLowerCase() === architecture,
  );
  if (found !== undefined) return found;
  return append(
    settings,
    element("component", {
      name,
      processorArchitecture: architecture,
      publicKeyToken: "31bf3856ad364e35",
      language: "neutral",
      versionScope: "nonSxS",
    }),
  );
}

const set = (component: XmlElement, name: string, text: string): void =>
  put(component, element(name, {}, text));

/** In place of those of its name. */
function put(component: XmlElement, made: XmlElement): void {
  const [first, ...others] = elementsIn(component, made.name);
  if (first === undefined) append(component, made);
  else {
    const kept = component.children.filter((child) => !others.some((other) => other === child));
    component.children = kept.map((child) => (child === first ? made : child));
  }
}

const listIn = (component: XmlElement, name: string): XmlElement =>
  elementsIn(component, name)[0] ?? append(component, element(name, {}));

/** After all that are there, unless the same line is: it is the first of `settings`. */
function addCommand(
  list: XmlElement,
  name: string,
  settings: Readonly<Record<string, string>>,
): void {
  const [[lineName, line]] = Object.entries(settings) as [[string, string]];
  const commands = elementsIn(list, name);
  const textOf = (command: XmlElement, part: string): string =>
    elementsIn(command, part).map(textIn).join("");
  const asRead = textIn(element(lineName, {}, line));
  if (commands.some((command) => textOf(command, lineName) === asRead)) return;
  const orders = commands.map((command) => Number(textOf(command, "Order")) || 0);
  const all = { ...settings, Order: String(Math.max(0, ...orders) + 1) };
  // By their names, as Windows' own tool writes them.
  const parts = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
  append(
    list,
    element(
      name,
      { "xmlns:wcm": configuration, "wcm:action": "add" },
      ...parts.map(([part, text]) => element(part, {}, text)),
    ),
  );
}

function append(parent: XmlElement, child: XmlElement): XmlElement {
  parent.children.push(child);
  return child;
}
