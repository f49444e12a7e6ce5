/** A certificate on paper: a page for each PC. */
import { dateText, sizeText } from "../../core/screen/format.ts";
import type { GenuineCertificate } from "../../core/trust/certificate.ts";
import type { Certificate, CertifiedPc } from "../../core/wire/certificate.ts";
import { escapeHtml } from "./report.ts";

const style = `
@page { size: A4; margin: 18mm }
body { font: 10.5pt/1.4 "Liberation Sans", Arial, sans-serif; margin: 1.5em; color: #000 }
section { break-after: page } section:last-of-type { break-after: auto }
h1 { font-size: 17pt; margin: 0 0 .2em }
h2 { font-size: 12pt; margin: 1.4em 0 .3em }
.result { font-size: 14pt; font-weight: bold; border: 2px solid #000; padding: .5em .8em; margin: .8em 0 }
dl { display: grid; grid-template-columns: 11em auto; gap: .15em 1.2em; margin: 0 }
dt { font-weight: bold } dd { margin: 0; overflow-wrap: anywhere }
ul { margin: .2em 0; padding-left: 1.4em } li { overflow-wrap: anywhere }
footer { margin-top: 2em; border-top: 1px solid #777; padding-top: .6em; font-size: 8.5pt; color: #444; overflow-wrap: anywhere }
@media print { body { margin: 0 } }
`;

/** Of the changed files of one step, so many are printed; the JSON has all. */
const filesShown = 24;

/** HTML that prints a page a PC, and refers to nothing outside of it. */
export function certificatePages(genuine: GenuineCertificate): string {
  const { document } = genuine;
  const title = `Certificate of session ${document.session.id}`;
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>`,
    `<style>${style}</style></head><body>`,
    ...document.pcs.map((pc) => page(genuine, pc)),
    "</body></html>",
  ].join("\n");
}

function page({ document, signer, signature }: GenuineCertificate, pc: CertifiedPc): string {
  const { session, serverVersion, issuedAt } = document;
  const steps = pc.steps.map(
    ({ name, result, detail, files }) =>
      `<li>${escapeHtml([name, result, detail].filter(Boolean).join(", "))}${fileList(files)}</li>`,
  );
  return [
    `<section><h1>${escapeHtml(pc.name)}</h1>`,
    `<p class="result">${pc.result.toUpperCase()}${pc.reason === null ? "" : `: ${escapeHtml(pc.reason)}`}</p>`,
    facts(factsOf(document, pc)),
    ...(document.kind === "wipe" ? [] : ["<h2>Changed after that</h2>", list(steps)]),
    "<footer>",
    `A page of the certificate of session ${escapeHtml(session.id)}, made ${when(issuedAt)} by roomcast ${escapeHtml(serverVersion)}.`,
    `Signed by the key ${signer}; the signature begins with ${signature.slice(0, 24)}.`,
    "This page proves nothing by itself: check the file with <b>roomcast report check FILE</b>, and compare",
    "the key with <b>roomcast trust show</b>.</footer></section>",
  ].join("\n");
}

const list = (items: readonly string[]): string =>
  items.length === 0 ? "<p>Nothing.</p>" : `<ul>${items.join("")}</ul>`;

type Fact = readonly [name: string, text: string | null];

function factsOf(document: Certificate, pc: CertifiedPc): readonly Fact[] {
  const { image, verify, orderedBy } = document;
  const { disk, boot, wipe } = pc;
  return [
    ["Room and seat", [pc.room, pc.seat].filter((part) => part !== null).join(", ")],
    ["MAC addresses", pc.macs.join(", ")],
    ["PC's id", pc.id],
    ["Ordered by", orderedBy],
    ["Disk", disk === null ? null : [disk.model, sizeText(disk.size)].filter(Boolean).join(", ")],
    ["Serial number", disk?.serial ?? null],
    ["WWN", disk?.wwn ?? null],
    ["Image", image?.name ?? null],
    ["Its root hash", image?.rootHash ?? null],
    [verify === "read-back" ? "Root hash read back" : "Root hash written", pc.rootHash],
    ["Wiped", wipe?.detail ?? null],
    ["NIST SP 800-88", wipe === null ? null : (wipe.sanitization ?? "neither clear nor purge")],
    ["Read back", wipe?.readBack.detail ?? null],
    ["Began", pc.startedAt === null ? null : when(pc.startedAt)],
    ["Ended", pc.endedAt === null ? null : when(pc.endedAt)],
    ["Came up", boot === null ? null : bootText(boot)],
  ];
}

function bootText({ state, seconds, name, system, evidence }: NonNullable<CertifiedPc["boot"]>) {
  if (state === "pending") return "not seen yet";
  if (state === "missing") return "not seen";
  const told = [name, system, evidence].filter((part) => part !== null && part !== "");
  return [`seen${seconds === null ? "" : ` after ${Math.round(seconds)} s`}`, ...told].join(", ");
}

const when = (iso: string): string => escapeHtml(`${dateText(iso)} UTC`);

const facts = (all: readonly Fact[]): string =>
  `<dl>${all
    .filter(([, text]) => text !== null && text !== "")
    .map(([name, text]) => `<dt>${name}</dt><dd>${escapeHtml(text ?? "")}</dd>`)
    .join("")}</dl>`;

function fileList(files: readonly string[]): string {
  if (files.length === 0) return "";
  const rest = files.length > filesShown ? `<li>and ${files.length - filesShown} more</li>` : "";
  const shown = files.slice(0, filesShown).map((file) => `<li>${escapeHtml(file)}</li>`);
  return `<ul>${shown.join("")}${rest}</ul>`;
}
