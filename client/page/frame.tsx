/** What is around every page: where one can go, whether the server is reached, and what was done last. */
import { useEffect } from "preact/hooks";
import type { CampusStatus } from "../../core/wire/campus.ts";
import { send, signedOut } from "./api.ts";
import { useApp } from "./app.ts";
import { ActionDialog, Dialog, TokenDialog } from "./dialog.tsx";
import { actKeys, placeKeys } from "./keys.ts";
import { late } from "./late.tsx";
import { PcPage } from "./pc-page.tsx";
import { RequestBanner } from "./requests.tsx";
import { hrefOf, type Route } from "./route.ts";
import { Announcer } from "./session-line.tsx";
import { SessionPage, SessionsPage } from "./session-page.tsx";
import { SettingsMenu } from "./settings-menu.tsx";
import { Bar, Button, ShapeIcon, Trouble, useFetched } from "./ui.tsx";
import { WallPage } from "./wall.tsx";
import { WallLinkDialog } from "./wall-link.tsx";
import { clock, clockSeconds, dateTime, percent, t } from "./words.ts";
import type { Work } from "./works.ts";

const ImagesPage = late(async () => (await import("./images-page.tsx")).ImagesPage);
const RoomPage = late(async () => (await import("./room-page.tsx")).RoomPage);
const PeoplePage = late(async () => (await import("./people-page.tsx")).PeoplePage);
const SchedulePage = late(async () => (await import("./other-pages.tsx")).SchedulePage);
const DoctorPage = late(async () => (await import("./other-pages.tsx")).DoctorPage);
const CampusPage = late(async () => (await import("./campus-page.tsx")).CampusPage);
const ElsewherePage = late(async () => (await import("./campus-page.tsx")).ElsewherePage);
const HistoryPage = late(async () => (await import("./other-pages.tsx")).HistoryPage);

export function Frame() {
  const app = useApp();
  const { route, overlay } = app;
  const at = route.value;
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads somewhere on this page. */}
      <a
        class="skip"
        href="#page"
        onClick={(event) => {
          // What stands behind the number sign says which page is shown: it stays.
          event.preventDefault();
          document.querySelector<HTMLElement>("#page h1")?.focus();
        }}
      >
        {t("skip")}
      </a>
      <TopBar />
      <RequestBanner />
      <ConnectionLine />
      <Warnings />
      <WorkLines />
      <div id="page" key={JSON.stringify(at)}>
        <PageAt at={at} />
      </div>
      <Said />
      <Announcer room={at.page === "wall" ? at.room : null} />
      {overlay.value?.kind === "action" ? (
        // Another order is another dialog: nothing that was typed for one is in the next.
        <ActionDialog key={overlay.value.action} action={overlay.value.action} />
      ) : null}
      {overlay.value?.kind === "token" ? <TokenDialog {...overlay.value} /> : null}
      {overlay.value?.kind === "help" ? <HelpDialog /> : null}
      {overlay.value?.kind === "wall-link" ? <WallLinkDialog room={overlay.value.room} /> : null}
    </>
  );
}

function PageAt({ at }: { at: Route }) {
  switch (at.page) {
    case "wall":
      return <WallPage room={at.room} />;
    case "pc":
      return <PcPage id={at.id} />;
    case "session":
      return <SessionPage id={at.id} />;
    case "room":
      return <RoomPage name={at.name} />;
    case "history":
      return <HistoryPage at={at} />;
    case "sessions":
      return <SessionsPage />;
    case "images":
      return <ImagesPage />;
    case "schedule":
      return <SchedulePage />;
    case "people":
      return <PeoplePage />;
    case "doctor":
      return <DoctorPage />;
    case "campus":
      return <CampusPage />;
    case "elsewhere":
      return <ElsewherePage server={at.server} name={at.name} />;
  }
}

function TopBar() {
  const app = useApp();
  const { account, route } = app;
  const at = route.value.page;
  const campus = useFetched<CampusStatus | null>("/campus").value;
  const until = account.value?.until ?? null;
  const link = (page: Route["page"], target: Route, text: string) => (
    <a href={hrefOf(target)} aria-current={at === page ? "page" : undefined}>
      {text}
    </a>
  );
  const logOut = async (): Promise<void> => {
    await send({ method: "post", path: "/logout" }).catch(() => undefined);
    signedOut.value++;
  };
  return (
    <header class="top">
      <b class="mark">roomcast</b>
      <nav aria-label={t("pages")}>
        {link("wall", { page: "wall", room: null }, t("wall"))}
        {link("sessions", { page: "sessions" }, t("sessions"))}
        {link("images", { page: "images" }, t("images"))}
        {link("schedule", { page: "schedule" }, t("schedule"))}
        {link("people", { page: "people" }, t("people"))}
        {link("doctor", { page: "doctor" }, t("doctor"))}
        {campus === null ? null : link("campus", { page: "campus" }, t("campus"))}
      </nav>
      <details class="account">
        <summary>{account.value?.name}</summary>
        <div class="menu">
          <p>
            {t(`role.${account.value?.role ?? "viewer"}`)}
            {until === null ? null : <small>{t("account.until", { time: dateTime(until) })}</small>}
          </p>
          <SettingsMenu isLoggedIn />
          <Button
            onClick={() => {
              app.overlay.value = { kind: "help" };
            }}
          >
            {t("help")} (?)
          </Button>
          <Button onClick={() => void logOut()}>{t("logout")}</Button>
        </div>
      </details>
    </header>
  );
}

/** Nothing while all is well. */
export function ConnectionLine() {
  const { feed } = useApp();
  const connection = feed.connection.value;
  return (
    <div role="status" class="connection">
      {connection.state === "down" ? (
        <p>
          <ShapeIcon shape="warn" />{" "}
          {t("connection.lost", { time: clockSeconds(connection.since) })}
        </p>
      ) : null}
    </div>
  );
}

function Warnings() {
  const { store } = useApp();
  const shut = store.rooms
    .all()
    .flatMap(({ name, shutUntil }) =>
      shutUntil === null
        ? []
        : [t("warning.shut", { room: name, time: clock(new Date(shutUntil)) })],
    );
  const [first, ...others] = [...store.warnings.value, ...shut];
  if (first === undefined) return null;
  return (
    <p class="warning-line">
      <ShapeIcon shape="warn" /> {first}{" "}
      {others.length === 0 ? null : (
        <a href={hrefOf({ page: "doctor" })}>{t("warning.more", { count: others.length })}</a>
      )}
    </p>
  );
}

/** Milliseconds for which it is said that something was done; what went wrong stays until the next thing. */
const saidMs = 8000;

function Said() {
  const { said } = useApp();
  const { value } = said;
  useEffect(() => {
    if (value === null || !value.isGood) return;
    const timer = setTimeout(() => {
      said.value = null;
    }, saidMs);
    return () => clearTimeout(timer);
  }, [value, said]);
  return (
    <div class="said" role="status">
      {value === null ? null : (
        <p>
          <ShapeIcon shape={value.isGood ? "good" : "warn"} /> {value.text}{" "}
          <button
            type="button"
            class="quiet close"
            aria-label={t("close")}
            onClick={() => {
              said.value = null;
            }}
          >
            ×
          </button>
        </p>
      )}
    </div>
  );
}

/** What the server is at for this page, wherever one is on it. */
function WorkLines() {
  const { works } = useApp();
  return (
    <section class="works" aria-label={t("works")} hidden={works.all.value.length === 0}>
      {works.all.value.map((work) => (
        <WorkLine key={work.id} work={work} />
      ))}
    </section>
  );
}

function WorkLine({ work: { title, fraction, error, stop } }: { work: Work }) {
  const isOver = error.value !== null;
  return (
    <div>
      <b>{title}</b>
      {isOver ? null : (
        <>
          <Bar fraction={fraction.value} label={title} /> {percent(fraction.value)}
        </>
      )}
      <Trouble error={error.value} />
      <Button onClick={stop}>
        {isOver ? t("close") : t("cancel")}
        <span class="unseen"> {title}</span>
      </Button>
    </div>
  );
}

function HelpDialog() {
  const rows = [
    ...placeKeys.map(([key, text]) => [key, t(text)] as const),
    ...actKeys.map(([key, , text]) => [key, t(text)] as const),
  ];
  return (
    <Dialog title={t("help.title")}>
      <dl class="help" tabIndex={0}>
        {rows.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
