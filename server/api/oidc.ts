/** Who an operator is, by the site's own provider of identities: OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636). */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Configuration, UserInfoResponse } from "openid-client";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import type { Clock } from "../../core/ports.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import { printable } from "../../core/units/printable.ts";
import type { Role } from "../../core/wire/api.ts";

/** `[oidc]` of the configuration. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecretFile: string;
  /** What the button says. */
  readonly label: string;
  /** Which values of a claim mean which role. */
  readonly roles: {
    readonly claim: string;
    readonly admin?: readonly string[];
    readonly operator?: readonly string[];
    readonly viewer?: readonly string[];
  };
}

/** Who came back from the provider. */
export interface Identified {
  readonly issuer: string;
  readonly subject: string;
  /** What the person is called there; it may be anything. */
  readonly name: string;
  /** Null: none of the person's values means a role. */
  readonly role: Role | null;
}

/** A login that has been sent to the provider. */
interface Flow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly startedAt: number;
}

/** For a person to log in there, in milliseconds. */
export const flowMs = 10 * 60_000;
const flowsLimit = 1000;
/** The provider's description of itself is read again after so long, in milliseconds. */
const describedMs = 3600_000;
/** For an answer of the provider, in seconds. */
const answerSeconds = 10;

/** Roles from the highest: the first that fits counts. */
const roles = ["admin", "operator", "viewer"] as const;

type OpenidClient = typeof import("openid-client");

export class Oidc {
  readonly label: string;
  private readonly settings: OidcSettings;
  private readonly secret: string;
  private readonly openid: OpenidClient;
  private readonly clock: Clock;
  private readonly flows = new Map<string, Flow>();
  private described: { readonly configuration: Configuration; readonly at: number } | null = null;

  private constructor(
    settings: OidcSettings,
    own: { readonly secret: string; readonly openid: OpenidClient; readonly clock: Clock },
  ) {
    this.settings = settings;
    this.label = settings.label;
    this.secret = own.secret;
    this.openid = own.openid;
    this.clock = own.clock;
  }

  /** Asks the provider nothing yet. Throws `bad-input` for an issuer in clear elsewhere than on this host, and a secret that cannot be read. */
  static async open(settings: OidcSettings, clock: Clock): Promise<Oidc> {
    requireTls(settings.issuer);
    const secret = await readFile(settings.clientSecretFile, "utf8").catch((cause: unknown) => {
      const next = "correct [oidc] clientSecretFile in the configuration";
      throw new RoomcastError("bad-input", errorText(cause), next, { cause });
    });
    // Who has no provider need not load its client.
    const openid = await import("openid-client");
    return new Oidc(settings, { secret: secret.trim(), openid, clock });
  }

  /** Where to send the browser, and what its cookie keeps meanwhile. `returnUrl`: where it comes back. Throws `unreachable`. */
  async begin(returnUrl: string): Promise<{ readonly url: URL; readonly handle: string }> {
    const configuration = await this.describe();
    const { openid } = this;
    const flow: Flow = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
      startedAt: this.now(),
    };
    const handle = randomBytes(32).toString("base64url");
    makeRoom(this.flows, flowsLimit);
    this.flows.set(hexSha256(handle), flow);
    const { claim } = this.settings.roles;
    const { scopes_supported: scopes = [] } = configuration.serverMetadata();
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: returnUrl,
      scope: ["openid", "profile", ...(scopes.includes(claim) ? [claim] : [])].join(" "),
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: "S256",
    });
    return { url, handle };
  }

  /** Who came back, by `handle` of the cookie, with `url`. Throws `unauthorized`, and `unreachable`. A handle counts once. */
  async finish(handle: string, url: URL): Promise<Identified> {
    const key = hexSha256(handle);
    const flow = this.flows.get(key);
    this.flows.delete(key);
    if (flow === undefined || this.now() - flow.startedAt >= flowMs) {
      throw unauthorized(
        "this login was not begun in this browser, or it took more than ten minutes",
      );
    }
    const configuration = await this.describe();
    const { openid, settings } = this;
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, url, {
        ...{ expectedState: flow.state, expectedNonce: flow.nonce, idTokenExpected: true },
        pkceCodeVerifier: flow.verifier,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error("there is no ID token");
      const { claim } = settings.roles;
      const { userinfo_endpoint: userinfo } = configuration.serverMetadata();
      const more: Partial<UserInfoResponse> =
        claims[claim] === undefined && userinfo !== undefined
          ? await openid.fetchUserInfo(configuration, tokens.access_token, claims.sub)
          : {};
      const all = { ...more, ...claims };
      const name = [all.preferred_username, all.email, all.name].find(
        (each): each is string => typeof each === "string",
      );
      return {
        ...{ issuer: claims.iss, subject: claims.sub, name: name ?? claims.sub },
        role: this.roleOf(all[claim]),
      };
    } catch (cause) {
      if (isNotReached(cause)) throw this.away(cause);
      const why = whyOf(cause);
      throw unauthorized(`the login by ${settings.label} did not succeed: ${why}`, cause);
    }
  }

  private roleOf(claim: unknown): Role | null {
    const has = new Set([claim].flat());
    return roles.find((role) => this.settings.roles[role]?.some((value) => has.has(value))) ?? null;
  }

  private async describe(): Promise<Configuration> {
    const now = this.now();
    if (this.described !== null && now - this.described.at < describedMs) {
      return this.described.configuration;
    }
    const { openid, settings, secret } = this;
    const issuer = new URL(settings.issuer);
    const insecure = issuer.protocol === "http:" ? [openid.allowInsecureRequests] : [];
    try {
      const found = await openid.discovery(issuer, settings.clientId, undefined, openid.None(), {
        ...{ execute: insecure, timeout: answerSeconds },
      });
      const metadata = found.serverMetadata();
      // OpenID Connect Discovery 1.0, section 3: left out, it is client_secret_basic alone.
      const ways = metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
      const way = ways.includes("client_secret_basic")
        ? openid.ClientSecretBasic(secret)
        : openid.ClientSecretPost(secret);
      const configuration = new openid.Configuration(metadata, settings.clientId, {}, way);
      configuration.timeout = answerSeconds;
      for (const allow of insecure) allow(configuration);
      this.described = { configuration, at: now };
      return configuration;
    } catch (cause) {
      throw this.away(cause);
    }
  }

  private away(cause: unknown): RoomcastError {
    const why = whyOf(cause);
    const what = `${this.settings.label} cannot be asked at ${this.settings.issuer} (${why})`;
    const next = "log in with a password or a token, or try again later";
    return new RoomcastError("unreachable", what, next, { cause });
  }

  private now(): number {
    return Date.parse(this.clock.isoTime());
  }
}

function requireTls(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url?.hostname ?? "");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isHere)) return;
  throw new RoomcastError(
    "bad-input",
    `[oidc] issuer ${issuer} is not an https address`,
    "write it as the provider does, like https://id.example.org; http:// is for this host alone",
  );
}

/** What was wrong at the bottom of it, in a line of at most 200 characters: it may be the provider's words. */
function whyOf(error: unknown): string {
  let why = errorText(error);
  for (let at = error; at instanceof Error; at = at.cause) why = at.message || why;
  return printable(why).slice(0, 200);
}

/** What `fetch` says when nobody answers, or not in time. */
const isNotReached = (cause: unknown): boolean =>
  cause instanceof Error &&
  (cause.name === "TimeoutError" ||
    ("code" in cause && cause.code === "OAUTH_TIMEOUT") ||
    (cause instanceof TypeError && cause.message === "fetch failed"));

const unauthorized = (what: string, cause?: unknown): RoomcastError =>
  new RoomcastError("unauthorized", what, "begin again at the server's page", { cause });
