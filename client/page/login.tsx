/** Who is there: with a name and password, with a token, or by the site's own login. */
import { useEffect, useState } from "preact/hooks";
import type { LoginView, LoginWays } from "../../core/wire/api.ts";
import { get, send } from "./api.ts";
import { SettingsMenu } from "./settings-menu.tsx";
import { Trouble } from "./ui.tsx";
import { t } from "./words.ts";

/** Milliseconds within which the server says who is logged in, if it is reached. */
const answerMs = 15_000;

/** Who is logged in, by the answer of `GET` to this path; null: nobody. Rejects where the server is not reached. */
export const whoIsThere = (path: string): Promise<LoginView | null> =>
  get<LoginView>(path, undefined, AbortSignal.timeout(answerMs)).catch(
    (error: { code?: string }) => {
      if (error.code === "unauthorized") return null;
      throw error;
    },
  );

/** Rejects with the server's refusal. */
export const logIn = (
  body:
    | { readonly name: string; readonly password: string }
    | { readonly token: string }
    | { readonly wall: string },
): Promise<unknown> => send({ method: "post", path: "/login", body });

export function LoginPage({ onDone }: { onDone: () => void }) {
  const [ways, setWays] = useState<LoginWays | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [isByToken, setByToken] = useState(false);
  useEffect(() => {
    get<LoginWays>("/login/ways").then(setWays, setError);
  }, []);
  const byToken = isByToken || ways?.password === false;
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const said = (name: string): string => String(form.get(name) ?? "");
    setBusy(true);
    setError(null);
    try {
      await logIn(
        byToken
          ? { token: said("token").trim() }
          : { name: said("name"), password: said("password") },
      );
      onDone();
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <h1>roomcast</h1>
      <p>{t("login.lead")}</p>
      {ways?.oidc ? (
        <a class="button main" href={ways.oidc.url}>
          {ways.oidc.label}
        </a>
      ) : null}
      <form onSubmit={(event) => void submit(event)}>
        {byToken ? (
          <div class="field">
            <label for="token">{t("login.token")}</label>
            <input
              id="token"
              name="token"
              type="password"
              autocomplete="off"
              aria-describedby="token-hint"
              required
            />
            <small id="token-hint">{t("login.tokenHint")}</small>
          </div>
        ) : (
          <>
            <div class="field">
              <label for="name">{t("field.name")}</label>
              <input
                id="name"
                name="name"
                autocomplete="username"
                autocapitalize="off"
                spellcheck={false}
                required
              />
            </div>
            <div class="field">
              <label for="password">{t("login.password")}</label>
              <input
                id="password"
                name="password"
                type="password"
                autocomplete="current-password"
                required
              />
            </div>
          </>
        )}
        <Trouble error={error} />
        <button type="submit" class="main" disabled={isBusy}>
          {isBusy ? t("busy") : t("login")}
        </button>
        {ways?.password === false ? null : (
          <button type="button" class="quiet" onClick={() => setByToken(!byToken)}>
            {byToken ? t("login.byPassword") : t("login.byToken")}
          </button>
        )}
      </form>
      <SettingsMenu />
    </main>
  );
}
