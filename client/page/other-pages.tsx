/** The schedule, what is wrong, and what happened. */
import { useEffect } from "preact/hooks";
import type { DoctorView, Finding, HistoryEvent, ScheduleView } from "../../core/wire/api.ts";
import { ask, useApp } from "./app.ts";
import { command } from "./orders/action.ts";
import { scheduleAction, unscheduleAction } from "./orders/stock.ts";
import { hrefOf, type Route } from "./route.ts";
import {
  Button,
  Commands,
  type Fetched,
  ShapeIcon,
  Table,
  Title,
  Trouble,
  useFetched,
} from "./ui.tsx";
import { dateTime, t, told } from "./words.ts";

/** What no event reports is fetched anew when a dialog over it has closed. */
export function useReload({ reload }: Fetched<unknown>): void {
  const { overlay } = useApp();
  const isOpen = overlay.value !== null;
  useEffect(() => {
    if (!isOpen) reload();
  }, [isOpen]);
}

export function SchedulePage() {
  const app = useApp();
  const fetched = useFetched<readonly ScheduleView[]>("/schedule");
  useReload(fetched);
  const all = fetched.value ?? [];
  const head = [
    t("field.cron"),
    t("room"),
    t("image"),
    t("schedule.next"),
    t("schedule.last"),
    t("change"),
  ];
  return (
    <main>
      <Title>{t("schedule")}</Title>
      <Trouble error={fetched.error} />
      {fetched.value !== null && all.length === 0 ? (
        <p class="empty">{t("schedule.none")}</p>
      ) : null}
      {all.length === 0 ? null : (
        <Table label={t("schedule")} head={head}>
          {all.map((each) => (
            <tr key={each.id}>
              <th scope="row">
                <code>{each.cron}</code> {each.timeZone}
              </th>
              <td>{each.room}</td>
              <td>{each.image}</td>
              <td>{each.run === null ? dateTime(each.dueAt) : t(`schedule.${each.run.stage}`)}</td>
              <td>
                {each.last === null
                  ? t("never")
                  : `${dateTime(each.last.at)}: ${each.last.outcome}`}
              </td>
              <td>
                {app.mayOperate.value ? (
                  <Button kind="quiet" onClick={() => ask(app, unscheduleAction(each))}>
                    {t("remove")}…
                  </Button>
                ) : null}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {app.mayOperate.value ? (
        <div class="toolbar">
          <Button kind="main" onClick={() => ask(app, scheduleAction(app.store, null))}>
            {t("schedule.title")}…
          </Button>
        </div>
      ) : null}
      <Commands lines={[command("schedule", "list")]} />
    </main>
  );
}

const shapeOf = { ok: "good", warning: "warn", problem: "bad" } as const;

/** What a check has found, with what to do about it. */
export const Findings = ({ all }: { all: readonly Finding[] }) => (
  <ul class="findings">
    {all.map(({ check, level, text, mend }) => (
      <li key={`${check} ${text}`} class={level}>
        <ShapeIcon shape={shapeOf[level]} />
        <div>
          <b>{check}</b> <span class="unseen">{t(`level.${level}`)}</span>
          <p>{told(text)}</p>
          {mend === null || mend === "" ? null : (
            <p>
              <b>{t("error.next")}</b> {told(mend)}
            </p>
          )}
        </div>
      </li>
    ))}
  </ul>
);

export function DoctorPage() {
  const { store } = useApp();
  const { value, error } = useFetched<DoctorView>("/doctor");
  return (
    <main>
      <Title>{t("doctor")}</Title>
      {store.warnings.value.map((text) => (
        <p key={text} class="notice">
          <ShapeIcon shape="warn" /> {text}
        </p>
      ))}
      <Trouble error={error} />
      {value === null && error === null ? <p role="status">{t("doctor.busy")}</p> : null}
      {value === null ? null : (
        <>
          <p class="lead">{value.isWell ? t("doctor.well") : t("doctor.ill")}</p>
          <Findings all={value.findings} />
        </>
      )}
      <Commands lines={[command("doctor")]} />
    </main>
  );
}

/** Milliseconds between two requests for what happened. */
const historyEveryMs = 5000;

export function HistoryPage({ at }: { at: Extract<Route, { page: "history" }> }) {
  const { store } = useApp();
  const query = new URLSearchParams({ [at.of]: at.id });
  const { value, error } = useFetched<readonly HistoryEvent[]>(`/history?${query}`, historyEveryMs);
  const name = at.of === "pc" ? (store.pcs.get(at.id)?.name ?? at.id) : at.id;
  const back: Route =
    at.of === "pc"
      ? { page: "pc", id: at.id }
      : at.of === "session"
        ? { page: "session", id: at.id }
        : at.of === "room"
          ? { page: "room", name: at.id }
          : { page: at.of === "operator" ? "people" : "images" };
  return (
    <main>
      <p class="crumbs">
        <a href={hrefOf(back)}>{name}</a>
      </p>
      <Title>{t("history.of", { name })}</Title>
      <Trouble error={error} />
      <Table
        label={t("history")}
        head={[t("time"), t("pc"), t("session"), t("operator"), t("what")]}
      >
        {(value ?? []).toReversed().map((event) => (
          <tr key={`${event.at} ${event.text}`}>
            <td>{dateTime(event.at)}</td>
            <td>{event.pcName ?? event.pc}</td>
            <td>{[event.session, event.server].filter(Boolean).join(", ")}</td>
            <td>{event.operator}</td>
            <td>{event.text}</td>
          </tr>
        ))}
      </Table>
      <Commands lines={[command("history", `--${at.of}`, name)]} />
    </main>
  );
}
