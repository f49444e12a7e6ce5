/** A room's session in one line: how many PCs have joined, are verified and came up, and what time is left. */
import { useComputed } from "@preact/signals";
import { fittingText } from "../../core/screen/fit.ts";
import { isRunning } from "../../core/screen/pc-state.ts";
import { sentence } from "../../core/screen/report.ts";
import { useApp } from "./app.ts";
import { roomBar } from "./room-bar.ts";
import { sessionTitle } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { Bar, ShapeIcon } from "./ui.tsx";
import { duration, linkRate, number, percent, speech, t, told } from "./words.ts";

export function SessionLine({ id, isBig = false }: { id: string; isBig?: boolean }) {
  const { store } = useApp();
  const session = store.sessions.get(id);
  if (session === undefined) return null;
  const title = sessionTitle(store, session);
  const link = isBig ? title : <a href={hrefOf({ page: "session", id })}>{title}</a>;
  if (!isRunning(session)) {
    const isGood = session.members.every(({ result }) => result === "verified");
    return (
      <section class="session over" aria-label={t("session")}>
        <p>
          <ShapeIcon shape={isGood ? "good" : "bad"} /> <b>{link}</b> {sentence(session, speech())}
        </p>
      </section>
    );
  }
  const bar = roomBar(session);
  const { joined, expected, verified, failed, cameUp, medianSeconds, slowestSeconds, cause } = bar;
  const figures: readonly (readonly [string, string] | null)[] = [
    [t("bar.joined"), t("of", { some: joined, all: expected })],
    [t("bar.verified"), t("of", { some: verified, all: expected })],
    failed === 0 ? null : [t("bar.failed"), number(failed)],
    cameUp === null ? null : [t("bar.cameUp"), t("of", { some: cameUp, all: expected })],
    session.rateBps === null ? null : [t("bar.rate"), linkRate(session.rateBps)],
    medianSeconds === null ? null : [t("bar.median"), duration(medianSeconds)],
    slowestSeconds === null ? null : [t("bar.slowest"), duration(slowestSeconds)],
  ];
  const label = `${title}, ${t(`session.${session.state}`)}`;
  return (
    <section class="session" aria-label={t("session")}>
      <p class="head">
        <b>{link}</b> <span>{fittingText(session, speech()) ?? t(`session.${session.state}`)}</span>
        <span class="percent">{percent(bar.fraction)}</span>
      </p>
      <Bar fraction={bar.fraction} label={label} />
      <dl class="figures">
        {figures.flatMap((figure) =>
          figure === null
            ? []
            : [
                <div key={figure[0]}>
                  <dt>{figure[0]}</dt>
                  <dd>{figure[1]}</dd>
                </div>,
              ],
        )}
      </dl>
      {cause === null ? null : (
        <p class="cause">{t("bar.cause", { pc: cause.name, why: cause.why })}</p>
      )}
      {session.notices.map((notice) => (
        <p key={notice} class="notice">
          <ShapeIcon shape="warn" /> {told(notice)}
        </p>
      ))}
    </section>
  );
}

/** What is said aloud of a room: results, not every percent. */
export function Announcer({ room }: { room: string | null }) {
  const { store } = useApp();
  const text = useComputed(() => {
    const running = store.sessions
      .all()
      .filter((session) => isRunning(session) && (room === null || session.room === room));
    return running
      .map((session) => {
        const { verified, expected, failed } = roomBar(session);
        const counts = { verified, expected, failed, session: session.id };
        return t(failed === 0 ? "announce" : "announce.failed", counts);
      })
      .join(" ");
  });
  return (
    <p class="unseen" role="status">
      {text}
    </p>
  );
}
