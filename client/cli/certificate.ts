/** Certificates as files: written, and checked with or without a server. */
import { open, readFile, writeFile } from "node:fs/promises";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { certificateVerifier, checkBytes } from "../../core/node/ed25519.ts";
import { isPin } from "../../core/node/pin.ts";
import { checkCertificate, type GenuineCertificate } from "../../core/trust/certificate.ts";
import type { TrustView } from "../../core/wire/api.ts";
import { type Certificate, certificateLimit } from "../../core/wire/certificate.ts";
import type { ApiClient } from "../api/client.ts";
import { certificatePages } from "./certificate-pages.ts";
import type { CliContext } from "./context.ts";

/** The certificate of a session that is over, as its file has it. */
export async function certificateText(client: ApiClient, session: string): Promise<string> {
  const { signal } = new AbortController();
  const path = `/sessions/${encodeURIComponent(session)}/certificate`;
  return (await client.bytes("GET", path, { signal })).toString("utf8");
}

/** Rejects with `bad-input` where the file cannot be written. */
export async function writePages(file: string, text: string): Promise<void> {
  const checked = checkCertificate(text, null, certificateVerifier);
  if (!checked.ok) throw notGenuine("the server's answer", checked.reason);
  await writeFile(file, certificatePages(checked.value)).catch((cause: unknown) => {
    throw new RoomcastError("bad-input", errorText(cause), "check --pages", { cause });
  });
}

/** Says what the file certifies; rejects with `bad-input` when it is not genuine. */
export async function checkFile(
  { client, say, document }: CliContext,
  file: string,
  { key, isNamed }: { readonly key: string | undefined; readonly isNamed: boolean },
): Promise<number> {
  if (key !== undefined && !isPin(key)) {
    const next = "take it from `roomcast trust show` of the server: sha256:…";
    throw new RoomcastError("usage", `${key} is not the SHA-256 of a key`, next);
  }
  const bytes = await readLimited(file);
  const own = key === undefined ? await ownKeys(client, isNamed) : null;
  const known = key === undefined ? own && keysOf(own) : [key];
  const checked = checkBytes(bytes, known);
  if (!checked.ok) throw notGenuine(file, checked.reason);
  const { signer } = checked.value;
  document({ genuine: true, signer, known: known !== null, document: checked.value.document });
  say(certified(checked.value));
  if (own !== null) say(whose(signer, own));
  if (known === null)
    say(
      "No server was asked: compare the key with `roomcast trust show` of the server, or give --key.",
    );
  return 0;
}

const keysOf = ({ key, earlier, campus }: TrustView["signing"]): string[] => [
  ...[key, ...earlier],
  ...campus.map((other) => other.key),
];

function whose(signer: string, { key, campus }: TrustView["signing"]): string {
  if (signer === key) return "This server has that key.";
  const other = campus.find((each) => each.key === signer);
  return other === undefined
    ? "That is an earlier key of this server."
    : `That is a key of the server ${other.server} of its campus.`;
}

/** Null: no server runs here. One that was named has to answer. */
async function ownKeys(client: ApiClient, isNamed: boolean): Promise<TrustView["signing"] | null> {
  try {
    return (await client.get<TrustView>("/trust")).signing;
  } catch (error) {
    const isAway = error instanceof RoomcastError && error.code === "unreachable";
    if (isAway && !isNamed) return null;
    throw error;
  }
}

/** What it says, in one line. */
export function certified({ document, signer }: GenuineCertificate): string {
  const { session, pcs } = document;
  const good = pcs.filter(({ result }) => result === "verified").length;
  const count = pcs.length === 1 ? "1 PC" : `${pcs.length} PCs`;
  return `${count}, ${good} verified, of session ${session.id} (${substance(document)}), signed by ${signer}`;
}

function substance({ kind, image, pcs }: Certificate): string {
  const disk = kind === "wipe" ? pcs[0]?.disk : null;
  const what = image?.name ?? (disk ? `disk ${disk.serial ?? disk.model ?? ""}`.trimEnd() : null);
  return what === null ? kind : `${kind} of ${what}`;
}

async function readLimited(file: string): Promise<Uint8Array> {
  try {
    await using opened = await open(file, "r");
    if ((await opened.stat()).size > certificateLimit)
      throw notGenuine(file, "it is too long for a certificate");
    return await readFile(opened);
  } catch (cause) {
    if (cause instanceof RoomcastError) throw cause;
    throw new RoomcastError("bad-input", errorText(cause), "check the name of the file", { cause });
  }
}

const notGenuine = (file: string, reason: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${file} is not genuine: ${reason}`,
    "get it anew with `roomcast report S --format certificate`; one of another server is checked with --key",
  );
