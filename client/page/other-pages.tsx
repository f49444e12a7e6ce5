/** The schedule, the operators and keys, what is wrong, and what happened. */

import { useEffect } from "preact/hooks";
import type {
  DoctorView,
  HistoryEvent,
  OperatorView,
  ScheduleView,
  SshKeyView,
} from "../../core/wire/api.ts";
import { ask, useApp } from "./app.ts";
import { command } from "./orders/action.ts";
import {
  addOperatorAction,
  addSshKeyAction,
  editOperatorAction,
  removeOperatorAction,
  removeSshKeyAction,
  scheduleAction,
  unscheduleAction,
} from "./orders/stock.ts";
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
import { dateTime, t } from "./words.ts";

/** What no event reports is fetched anew when a dialog over it has closed. */
function useReload({ reload }: Fetched<unknown>): void {
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

export function PeoplePage() {
  const { isAdmin } = useApp();
  return (
    <main>
      <Title>{t("people")}</Title>
      {isAdmin.value ? <Operators /> : null}
      <SshKeys />
    </main>
  );
}

function Operators() {
  const app = useApp();
  const fetched = useFetched<readonly OperatorView[]>("/operators");
  useReload(fetched);
  return (
    <section>
      <h2>{t("operators")}</h2>
      <Trouble error={fetched.error} />
      <Table
        label={t("operators")}
        head={[t("field.name"), t("field.role"), t("started"), t("pc.lastSeen"), t("change")]}
      >
        {(fetched.value ?? []).map((each) => (
          <tr key={each.name}>
            <th scope="row">{each.name}</th>
            <td>{t(`role.${each.role}`)}</td>
            <td>{dateTime(each.createdAt)}</td>
            <td>{each.lastSeen === null ? t("never") : dateTime(each.lastSeen)}</td>
            <td>
              <Button kind="quiet" onClick={() => ask(app, editOperatorAction(each))}>
                {t("change")}…<span class="unseen"> {each.name}</span>
              </Button>
              <Button kind="quiet" onClick={() => ask(app, removeOperatorAction(each))}>
                {t("remove")}…<span class="unseen"> {each.name}</span>
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      <div class="toolbar">
        <Button kind="main" onClick={() => ask(app, addOperatorAction())}>
          {t("operator.add")}…
        </Button>
      </div>
    </section>
  );
}

function SshKeys() {
  const app = useApp();
  const fetched = useFetched<readonly SshKeyView[]>("/ssh-keys");
  useReload(fetched);
  const all = fetched.value ?? [];
  return (
    <section>
      <h2>{t("sshKeys")}</h2>
      <p>{t("sshKeys.what")}</p>
      <Trouble error={fetched.error} />
      {all.length === 0 ? (
        <p class="empty">{t("sshKeys.none")}</p>
      ) : (
        <Table
          label={t("sshKeys")}
          head={[t("field.name"), t("field.keys"), t("started"), t("change")]}
        >
          {all.map((each) => (
            <tr key={each.name}>
              <th scope="row">{each.name}</th>
              <td>
                {each.keys.map(({ fingerprint, type, comment }) => (
                  <code key={fingerprint}>
                    {type} {fingerprint} {comment}
                  </code>
                ))}
              </td>
              <td>
                {dateTime(each.addedAt)}, {each.by}
              </td>
              <td>
                {app.isAdmin.value ? (
                  <Button kind="quiet" onClick={() => ask(app, removeSshKeyAction(each))}>
                    {t("remove")}…<span class="unseen"> {each.name}</span>
                  </Button>
                ) : null}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {app.isAdmin.value ? (
        <div class="toolbar">
          <Button onClick={() => ask(app, addSshKeyAction())}>{t("sshKey.add")}…</Button>
        </div>
      ) : null}
    </section>
  );
}

const shapeOf = { ok: "good", warning: "warn", problem: "bad" } as const;

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
          <ul class="findings">
            {value.findings.map(({ check, level, text, mend }) => (
              <li key={`${check} ${text}`} class={level}>
                <ShapeIcon shape={shapeOf[level]} />
                <div>
                  <b>{check}</b> <span class="unseen">{t(`level.${level}`)}</span>
                  <p>{text}</p>
                  {mend === null || mend === "" ? null : (
                    <p>
                      <b>{t("error.next")}</b> {mend}
                    </p>
                  )}
                </div>
              </li>
            ))}
          </ul>
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
          : { page: "images" };
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
            <td>{event.session}</td>
            <td>{event.operator}</td>
            <td>{event.text}</td>
          </tr>
        ))}
      </Table>
      <Commands lines={[command("history", `--${at.of}`, name)]} />
    </main>
  );
}
