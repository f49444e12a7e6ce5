/** The page's start: who is there, and which of its faces is shown. */
import { effect, signal } from "@preact/signals";
import { render } from "preact";
import type { LoginView } from "../../core/wire/api.ts";
import { keepMarks } from "./acts.ts";
import { signedOut } from "./api.ts";
import { AppContext, makeApp } from "./app.ts";
import { BeamerPage } from "./beamer.tsx";
import { Feed } from "./feed.ts";
import { Frame } from "./frame.tsx";
import { listenToKeys } from "./keys.ts";
import { LoginPage, logIn, whoIsThere } from "./login.tsx";
import "./page.css";
import { routeOf } from "./route.ts";
import { applySettings } from "./settings.ts";
import { Store } from "./store.ts";
import { Trouble } from "./ui.tsx";
import { t } from "./words.ts";

const store = new Store();
const feed = new Feed(store, findOut);
const app = makeApp(store, feed);
const query = new URLSearchParams(location.search);
const isWall = query.has("wall");
/** Behind the path of what is asked. A page that a wall's link has opened is that wall's, whoever is logged in beside it. */
let asked = query.get("wall") === "" ? "?wall" : "";
const isKnown = signal(false);
const trouble = signal<unknown>(null);

/** Asks who is logged in, and follows the server while somebody is. Another tab may have logged in somebody else. */
async function findOut(): Promise<void> {
  const before = app.account.peek();
  let account: LoginView | null;
  try {
    account = await whoIsThere(`/login${asked}`);
    if (account === null && asked !== "") {
      // The wall's link is over: whoever logs in here now is an operator.
      asked = "";
      if (before === null) account = await whoIsThere("/login");
    }
  } catch (error) {
    // Who was there stays: the server is away for a moment.
    if (before === null) trouble.value = error;
    return;
  }
  trouble.value = null;
  app.account.value = account;
  isKnown.value = true;
  if (account === null) feed.close();
  else if (!isSame(before, account)) feed.open(`/events${asked}`, account.role === "wall");
}

const isSame = (one: LoginView | null, other: LoginView): boolean =>
  one?.name === other.name && one.role === other.role && one.room === other.room;

/** The secret of a wall's link is behind the number sign, where no server's log has it; it is used up and taken away. */
async function enterWall(): Promise<void> {
  const secret = location.hash.slice(1);
  if (secret === "") return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await logIn({ wall: secret });
  } catch (error) {
    trouble.value = error;
  }
}

function Face() {
  const account = app.account.value;
  if (trouble.value !== null && account === null) {
    return (
      <main class="login">
        <h1>roomcast</h1>
        <Trouble error={trouble.value} />
        <button type="button" class="main" onClick={() => void findOut()}>
          {t("again")}
        </button>
      </main>
    );
  }
  if (!isKnown.value) return null;
  if (account === null) return <LoginPage onDone={() => void findOut()} />;
  const room = account.room ?? (isWall ? query.get("wall") || null : null);
  if (room !== null && (isWall || account.room !== null)) return <BeamerPage room={room} />;
  return <Frame />;
}

await applySettings();
addEventListener("hashchange", () => {
  const at = routeOf(location.hash);
  // Marks that another wall does not show are none.
  if (at.page === "wall") keepMarks(app, at.room);
  app.route.value = at;
  app.said.value = null;
});
addEventListener("beforeunload", (event) => {
  if (app.works.isBusy()) event.preventDefault();
});
effect(() => {
  if (signedOut.value > 0) void findOut();
});
listenToKeys(app);
const root = document.getElementById("root");
if (root !== null) {
  render(
    <AppContext.Provider value={app}>
      <Face />
    </AppContext.Provider>,
    root,
  );
}
if (isWall) await enterWall();
await findOut();
