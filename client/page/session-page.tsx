/** The sessions, and one session with every PC's result. */
import { useComputed } from "@preact/signals";
import { triedAgain } from "../../core/screen/again.ts";
import { memberBootText } from "../../core/screen/boots.ts";
import { diskIdentity } from "../../core/screen/disk.ts";
import { secondsBetween } from "../../core/screen/format.ts";
import { isRunning, stateOf } from "../../core/screen/pc-state.ts";
import { memberFraction, resultCounts } from "../../core/screen/progress.ts";
import { membersByResult, sentence } from "../../core/screen/report.ts";
import type { MemberView, SessionView } from "../../core/wire/views.ts";
import { ask, useApp } from "./app.ts";
import { command } from "./orders/action.ts";
import { retryAction, startAction, stopAction } from "./orders/sessions.ts";
import { roomSessions, sessionTitle } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { SessionLine } from "./session-line.tsx";
import { Bar, Button, Commands, Facts, ShapeIcon, Table, Title } from "./ui.tsx";
import {
  byteRate,
  dateTime,
  duration,
  loss,
  number,
  percent,
  size,
  speech,
  t,
  told,
} from "./words.ts";

export function SessionsPage() {
  const { store } = useApp();
  const sessions = roomSessions(store, null);
  const head = [t("session"), t("room"), t("state"), t("bar.verified"), t("started"), t("took")];
  return (
    <main>
      <Title>{t("sessions")}</Title>
      {sessions.length === 0 ? <p class="empty">{t("sessions.none")}</p> : null}
      {sessions.length === 0 ? null : (
        <Table label={t("sessions")} head={head}>
          {sessions.map((session) => (
            <SessionRow key={session.id} session={session} />
          ))}
        </Table>
      )}
    </main>
  );
}

function SessionRow({ session }: { session: SessionView }) {
  const { store } = useApp();
  const { id, room, members, startedAt, endedAt, state } = session;
  const { verified } = resultCounts(session);
  const shape = isRunning(session) ? "work" : verified === members.length ? "good" : "bad";
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf({ page: "session", id })}>
          {id} {sessionTitle(store, session)}
        </a>
      </th>
      <td>
        {room ?? (members.length === 1 ? members[0]?.name : t("pcs", { count: members.length }))}
      </td>
      <td>
        <span class={`state ${shape}`}>
          <ShapeIcon shape={shape} /> {t(`session.${state}`)}
        </span>
      </td>
      <td>{t("of", { some: verified, all: members.length })}</td>
      <td>{dateTime(startedAt)}</td>
      <td>{endedAt === null ? "" : duration(secondsBetween(startedAt, endedAt))}</td>
    </tr>
  );
}

export function SessionPage({ id }: { id: string }) {
  const app = useApp();
  const { store, mayOperate } = app;
  const session = store.sessions.get(id);
  if (session === undefined) {
    return (
      <main>
        <Title>{t("session")}</Title>
        <p>{store.isComplete.value ? t("gone.session") : t("loading")}</p>
      </main>
    );
  }
  const { startedAt, endedAt, bytesSent, repairBytes, passes, kind } = session;
  const canRetry =
    !isRunning(session) && triedAgain(session, (each) => store.pcs.get(each)).length > 0;
  const isCertified = !isRunning(session) && kind !== "capture";
  return (
    <main class="session-page">
      <p class="crumbs">
        <a href={hrefOf({ page: "sessions" })}>{t("sessions")}</a>
        {session.room === null ? null : (
          <a href={hrefOf({ page: "wall", room: session.room })}>{session.room}</a>
        )}
      </p>
      <Title>
        {id} {sessionTitle(store, session)}
      </Title>
      <SessionLine id={id} />
      <div class="toolbar" role="toolbar" aria-label={t("toolbar")}>
        {mayOperate.value && session.state === "gathering" ? (
          <Button kind="main" onClick={() => ask(app, startAction(session))}>
            {t("start")}…
          </Button>
        ) : null}
        {mayOperate.value && isRunning(session) ? (
          <Button kind="danger" onClick={() => ask(app, stopAction(store, session))}>
            {t("stop")}…
          </Button>
        ) : null}
        {mayOperate.value && canRetry ? (
          <Button kind="main" onClick={() => ask(app, retryAction(store, session))}>
            {t("retry")}…
          </Button>
        ) : null}
        <a class="button" href={hrefOf({ page: "history", of: "session", id })}>
          {t("history")}
        </a>
        {isCertified ? (
          <a
            class="button"
            href={`/api/v1/sessions/${encodeURIComponent(id)}/certificate`}
            download={`${id}.json`}
          >
            {t("certificate")}
          </a>
        ) : null}
        {isRunning(session) ? null : <Button onClick={() => print()}>{t("print")}</Button>}
      </div>
      <Facts
        rows={[
          [t("started"), dateTime(startedAt)],
          endedAt === null
            ? null
            : [t("ended"), `${dateTime(endedAt)}, ${duration(secondsBetween(startedAt, endedAt))}`],
          [
            t("sent"),
            t("sent.text", {
              size: size(bytesSent),
              repairs: loss(bytesSent === 0 ? 0 : repairBytes / bytesSent),
              passes: number(passes),
            }),
          ],
          isRunning(session) ? [t("result"), sentence(session, speech())] : null,
        ]}
      />
      <MemberTable session={session} />
      <Commands
        lines={[
          command("session", "show", id),
          command("report", id, "--format", "csv"),
          command("report", id, "--format", "html"),
        ]}
      />
    </main>
  );
}

const MemberTable = ({ session }: { session: SessionView }) => (
  <Table
    label={t("members")}
    head={[t("pc"), t("result"), t("progress"), t("rate"), t("loss"), t("disk"), t("wrong")]}
  >
    {membersByResult(session).map((member) => (
      <MemberRow key={member.pc} member={member} session={session} />
    ))}
  </Table>
);

function MemberRow({ member, session }: { member: MemberView; session: SessionView }) {
  const { store } = useApp();
  const running = isRunning(session) && member.result === "pending";
  const fraction = running ? memberFraction(member) : null;
  // The PC's own word for its part, also where it takes part in a later session by now.
  const word = useComputed(() => {
    const pc = store.pcs.get(member.pc);
    return pc === undefined || running
      ? null
      : stateOf({ ...pc, state: "idle", doubt: null, identity: null }, { session, member });
  });
  const shape = running
    ? "work"
    : member.result === "verified"
      ? "good"
      : member.result === "failed"
        ? "bad"
        : "warn";
  const said = running
    ? t(`word.${member.state === "offline" ? "off" : member.state}`)
    : word.value === null
      ? t(`result.${member.result}`)
      : t(`word.${word.value.word}`);
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf({ page: "pc", id: member.pc })}>{member.name}</a>
      </th>
      <td>
        <span class={`state ${shape}`}>
          <ShapeIcon shape={shape} /> {said}
        </span>
      </td>
      <td class="progress">
        {fraction === null ? null : (
          <>
            <Bar fraction={fraction} /> {percent(fraction)}
          </>
        )}
      </td>
      <td>{member.writeBps === null || !running ? "" : byteRate(member.writeBps)}</td>
      <td>{member.lossRatio === null ? "" : loss(member.lossRatio)}</td>
      <td>{member.disk === null ? "" : diskIdentity(member.disk)}</td>
      <td class="wrong">
        {[told(member.reason ?? member.laneReason ?? ""), memberBootText(member, speech())]
          .filter((part) => part !== null && part !== "")
          .join(", ")}
      </td>
    </tr>
  );
}
