import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { assert, RoomcastError } from "../../core/errors.ts";
import { LoginView, LoginWays } from "../../core/wire/api.ts";
import type { Lab } from "../lab/lab.ts";
import { RareLine } from "../lab/rare-line.ts";
import { AsWall, cookieName, wallCookieName } from "./access.ts";
import type { Login, Logins } from "./logins.ts";
import type { Oidc } from "./oidc.ts";
import type { Operators } from "./operators.ts";
import { longestPassword } from "./passwords.ts";
import { closed } from "./schemas.ts";
import type { CountTry } from "./tries.ts";

export interface LoginPorts {
  readonly lab: Lab;
  readonly operators: Operators;
  readonly logins: Logins;
  /** The site's provider of identities; null: it has none. */
  readonly oidc: Oidc | null;
}

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Credential = Type.Union([
  Type.Object({ name: Text(64), password: Text(longestPassword) }, closed),
  Type.Object({ token: Text(256) }, closed),
  /** The secret of a wall's link. */
  Type.Object({ wall: Text(64) }, closed),
]);
type Credential = Static<typeof Credential>;

/** As RFC 6265bis has it: no script reads it, it goes over TLS only, and no other site's page sends it. */
const cookie = { httpOnly: true, secure: true, sameSite: "strict", path: "/" } as const;

const nameFor = ({ room }: Pick<LoginView, "room">): string =>
  room === null ? cookieName : wallCookieName;

/** Sets the cookie of a new login; the one that the browser had of this kind ends, whoever put it there. */
export function giveCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  logins: Logins,
  opened: { readonly secret: string; readonly login: Login },
): LoginView {
  const name = nameFor(opened.login);
  const before = logins.use(request.cookies[name] ?? "");
  if (before !== null) logins.end(before.hash);
  reply.setCookie(name, opened.secret, cookie);
  return viewOf(opened.login);
}

/** What whoever has no login yet may ask: `POST /login` and `/login/ways`. */
export const doorRoutes =
  (
    { lab, operators, logins, oidc }: LoginPorts,
    tries: { readonly address: CountTry; readonly name: CountTry },
  ): FastifyPluginAsyncTypebox =>
  async (app) => {
    const strangers = new RareLine(() => performance.now());

    async function open(credential: Credential, request: FastifyRequest, reply: FastifyReply) {
      if ("wall" in credential) return logins.openWall(credential.wall);
      if ("token" in credential) {
        const holder = await operators.check(credential.token);
        return holder === null ? null : logins.open(holder);
      }
      await tries.name(request, reply);
      const { name, password } = credential;
      const operator = await operators.checkPassword(name, password);
      return operator === null ? null : logins.open(operator);
    }

    app.get(
      "/login/ways",
      { schema: { summary: "say how one may log in", response: { 200: LoginWays } } },
      async () => ({
        password: true,
        oidc: oidc === null ? null : { label: oidc.label, url: "/api/v1/login/oidc" },
      }),
    );
    app.post(
      "/login",
      {
        schema: {
          summary: "log a browser in, with a password, a token or a wall's link",
          body: Credential,
          response: { 200: LoginView },
        },
      },
      async (request, reply) => {
        const { body, ip } = request;
        await tries.address(request, reply);
        const opened = await open(body, request, reply);
        const way = "wall" in body ? "a wall's link" : "token" in body ? "a token" : "a password";
        if (opened === null) {
          // What somebody typed as a name may be a password: it is told of operators only.
          const known = "name" in body ? operators.get(body.name) : null;
          const of = known === null ? "" : ` of ${known.name}`;
          const line = strangers.take(`${ip} tried ${way}${of}, which is not right`);
          if (line !== null) lab.announcer.note({}, `${line} (refused: 401)`);
          throw new RoomcastError("unauthorized", ...wrong(body));
        }
        const { name, room } = opened.login;
        lab.announcer.note(
          room === null ? { operator: name } : { room },
          `${room === null ? name : "the wall"} from ${ip}: logged in with ${way}`,
        );
        return giveCookie(request, reply, logins, opened);
      },
    );
  };

function wrong(credential: Credential): [what: string, next: string] {
  if ("wall" in credential) {
    return [
      "this link to a wall is over",
      "ask an operator for a new one: `roomcast room wall-link`",
    ];
  }
  if ("token" in credential) return ["this is no operator's token", "take all of it: NAME.SECRET"];
  const next = "type them again; an admin sets a password with `roomcast operator password NAME`";
  return ["name and password do not belong together", next];
}

const Logout = Type.Object(
  {
    /** All browsers of the operator; else this one. */
    everywhere: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** What whoever is let in may ask about that: `GET /login`, `POST /logout`. */
export const loginRoutes =
  (logins: Logins): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/login",
      {
        config: { wall: true, ordered: false },
        schema: { summary: "say who calls", querystring: AsWall, response: { 200: LoginView } },
      },
      async ({ caller }) => {
        assert(caller !== null, "the guard knows who calls");
        return viewOf(caller);
      },
    );
    app.post(
      "/logout",
      {
        config: { role: "viewer", wall: true, ordered: false },
        schema: { summary: "log a browser out", querystring: AsWall, body: Logout },
      },
      async ({ caller, body }, reply) => {
        assert(caller !== null, "the guard knows who calls");
        const { name, room, login } = caller;
        if (body.everywhere === true && room === null) logins.endAll(name);
        if (login !== null) {
          logins.end(login);
          reply.clearCookie(nameFor(caller), cookie);
        }
        return reply.code(204).send();
      },
    );
  };

const viewOf = ({ name, role, room, until }: LoginView): LoginView => ({ name, role, room, until });
