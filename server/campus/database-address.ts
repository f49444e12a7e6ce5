/** Where the campus's database is, and how a connection to it is made safe. */
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { userInfo } from "node:os";
import type { ConnectionOptions } from "node:tls";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { readSecretFile } from "./secret-file.ts";

/** `[state]` of the configuration. */
export interface DatabaseSettings {
  /** `postgres://USER@HOST:PORT/DATABASE`, or `postgres:///DATABASE?host=FOLDER` for a socket. */
  readonly url: string;
  /** Holds the password and nothing else, readable by its owner alone. */
  readonly passwordFile?: string;
  /** Certificates, in PEM, one of which signed the database's; by default those that the system trusts. */
  readonly caFile?: string;
}

export interface DatabaseAddress {
  readonly target:
    | { readonly path: string }
    | { readonly host: string; readonly port: number; readonly tls: ConnectionOptions | null };
  readonly user: string;
  readonly database: string;
  /** Empty: there is none. */
  readonly password: string;
  /** Everybody on the way can read and change what goes there: to be warned of. */
  readonly goesInClear: boolean;
  /** As it is named in messages: without user and password. */
  readonly shown: string;
}

const usualPort = "5432";
const parameters = ["host", "port", "user", "sslmode"];

/** Reads the settings, and the files that they name. Throws `bad-input` and `refused`; never with the password in it. */
export async function readAddress(settings: DatabaseSettings): Promise<DatabaseAddress> {
  const url = parsed(settings.url);
  const { searchParams } = url;
  for (const name of searchParams.keys()) {
    if (!parameters.includes(name)) throw badUrl(`the parameter ${name} is not known`);
  }
  const host = searchParams.get("host") ?? decoded(url.hostname).replace(/^\[(.*)\]$/, "$1");
  const port = searchParams.get("port") ?? (url.port || usualPort);
  if (host === "") throw badUrl("it names no host, and no folder of a socket");
  if (!(Number(port) >= 1 && Number(port) <= 65_535)) throw badUrl(`${port} is no port`);
  const user = searchParams.get("user") ?? (decoded(url.username) || userInfo().username);
  const inline = decoded(url.password);
  if (settings.passwordFile !== undefined && inline !== "") {
    throw badUrl("it has a password, and passwordFile names another");
  }
  const database = decoded(url.pathname.slice(1)) || user;
  const isSocket = host.startsWith("/");
  const tls = isSocket ? null : await tlsOf(host, searchParams.get("sslmode"), settings);
  return {
    target: isSocket ? { path: `${host}/.s.PGSQL.${port}` } : { host, port: Number(port), tls },
    goesInClear: !isSocket && tls === null && !isLoopback(host),
    user,
    database,
    password:
      settings.passwordFile === undefined
        ? inline
        : await readSecretFile(settings.passwordFile, "[state] passwordFile"),
    shown: isSocket ? `${host} (database ${database})` : `${host}:${port} (database ${database})`,
  };
}

/** A host by name or address whose packets do not leave this machine. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|::1)$/.test(host);

async function tlsOf(
  host: string,
  sslmode: string | null,
  { caFile }: DatabaseSettings,
): Promise<ConnectionOptions | null> {
  const isPlain = isLoopback(host) && caFile === undefined;
  const mode = sslmode ?? (isPlain ? "disable" : "verify-full");
  if (mode === "disable") return null;
  const ca = caFile === undefined ? {} : { ca: await readCa(caFile) };
  // Of a name, TLS tells the database which one is meant; of an address it must not (RFC 6066, section 3).
  const name = isIP(host) === 0 ? { servername: host, host } : { host };
  switch (mode) {
    case "verify-full":
      return { ...name, ...ca };
    default:
      // The others of libpq leave out a check, and with it whoever is in the way is the database.
      throw badUrl("sslmode is verify-full or disable; a certificate of your own goes into caFile");
  }
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const next = "correct [state] caFile in the configuration";
    throw new RoomcastError("bad-input", errorText(cause), next, { cause });
  }
}

function parsed(text: string): URL {
  // What URL throws has the text in it, and with it a password.
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw badUrl("it is not a URL");
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") {
    throw badUrl("it does not begin with postgres://");
  }
  return url;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl("it has a % that is followed by no two hexadecimal digits");
  }
}

const badUrl = (why: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `[state] url: ${why}`,
    "write it as postgres://USER@HOST:PORT/DATABASE, and the password into a file that passwordFile names",
  );
