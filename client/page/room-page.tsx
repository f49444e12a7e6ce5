/** The page of a room: its settings, its seats, its list, and who is shut out. */
import { useState } from "preact/hooks";
import type { Finding } from "../../core/wire/api.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import { getText, send } from "./api.ts";
import { ask, useApp } from "./app.ts";
import { command } from "./orders/action.ts";
import {
  addSeatAction,
  createRoomAction,
  deleteRoomAction,
  gridAction,
  importAction,
  removeSeatAction,
  settingAction,
  settingKeys,
  settingText,
  unlockAction,
  walkAction,
} from "./orders/rooms.ts";
import { Findings } from "./other-pages.tsx";
import { hrefOf } from "./route.ts";
import { Button, Commands, Facts, ShapeIcon, Table, Title, Trouble } from "./ui.tsx";
import { clock, number, t } from "./words.ts";

export function RoomPage({ name }: { name: string }) {
  const app = useApp();
  const room = app.store.rooms.get(name);
  if (room === undefined) {
    return (
      <main>
        <Title>{name}</Title>
        <p>{app.store.isComplete.value ? t("gone.room") : t("loading")}</p>
      </main>
    );
  }
  const taken = room.seats.filter(({ pc }) => pc !== null).length;
  return (
    <main class="room-page">
      <p class="crumbs">
        <a href={hrefOf({ page: "wall", room: name })}>{t("wall")}</a>
      </p>
      <Title>{t("room.name", { room: name })}</Title>
      <Facts
        rows={[
          [t("pcs.label"), t("room.pcs", { count: room.pcs, online: number(room.online) })],
          [t("seats"), t("room.seats", { count: room.seats.length, taken: number(taken) })],
          room.walk === null
            ? null
            : [
                t("walk"),
                room.walk.next === null ? t("walk.full") : t("walk.next", { seat: room.walk.next }),
              ],
        ]}
      />
      {room.shutUntil === null ? null : (
        <p class="notice">
          <ShapeIcon shape="warn" /> {t("unlock.why", { time: clock(new Date(room.shutUntil)) })}
        </p>
      )}
      {app.mayOperate.value ? <RoomActs room={room} /> : null}
      <section>
        <h2>{t("settings")}</h2>
        <Settings room={room} />
      </section>
      <Commands
        lines={[
          command("room", "show", name),
          command("seat", "list", name),
          command("doctor", "--room", name),
        ]}
      />
    </main>
  );
}

function RoomActs({ room }: { room: RoomView }) {
  const app = useApp();
  const [error, setError] = useState<unknown>(null);
  const [found, setFound] = useState<readonly Finding[] | "busy" | null>(null);
  const check = async (): Promise<void> => {
    setFound("busy");
    setError(null);
    try {
      const path = `/rooms/${encodeURIComponent(room.name)}/check`;
      setFound(await send<readonly Finding[]>({ method: "post", path }));
    } catch (cause) {
      setFound(null);
      setError(cause);
    }
  };
  const exportList = async (): Promise<void> => {
    try {
      const text = await getText(`/rooms/${encodeURIComponent(room.name)}/export`);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = `${room.name}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <>
      <div class="toolbar" role="toolbar" aria-label={t("toolbar")}>
        <Button onClick={() => ask(app, walkAction(room))}>
          {room.walk === null ? t("walk.start") : t("walk.end")}…
        </Button>
        <Button onClick={() => ask(app, gridAction(room))}>{t("grid")}…</Button>
        <Button onClick={() => ask(app, addSeatAction(app.store, room))}>{t("seat.add")}…</Button>
        {room.seats.length === 0 ? null : (
          <Button onClick={() => ask(app, removeSeatAction(app.store, room))}>
            {t("seat.remove")}…
          </Button>
        )}
        <Button onClick={() => ask(app, importAction(room))}>{t("import")}…</Button>
        <Button onClick={() => void exportList()}>{t("export")}</Button>
        {room.shutUntil === null ? null : (
          <Button kind="main" onClick={() => ask(app, unlockAction(room))}>
            {t("unlock")}…
          </Button>
        )}
        <Button onClick={() => void check()} disabled={found === "busy"}>
          {t("check")}
        </Button>
        <a class="button" href={hrefOf({ page: "history", of: "room", id: room.name })}>
          {t("history")}
        </a>
        <Button onClick={() => ask(app, createRoomAction())}>{t("room.create")}…</Button>
        {room.name === "default" ? null : (
          <Button kind="danger" onClick={() => ask(app, deleteRoomAction(room))}>
            {t("delete")}…
          </Button>
        )}
      </div>
      <Trouble error={error} />
      {found === "busy" ? <p role="status">{t("check.busy")}</p> : null}
      {found === null || found === "busy" ? null : (
        <section aria-label={t("check")}>
          <Findings all={found} />
        </section>
      )}
    </>
  );
}

function Settings({ room }: { room: RoomView }) {
  const app = useApp();
  return (
    <Table label={t("settings")} head={[t("setting"), t("value"), t("change")]}>
      {settingKeys.map((key) => (
        <tr key={key}>
          <th scope="row">{t(`setting.${key}`)}</th>
          <td>{settingText(room, key) || t("none")}</td>
          <td>
            {app.mayOperate.value ? (
              <Button kind="quiet" onClick={() => ask(app, settingAction(room, key))}>
                {t("change")}…<span class="unseen"> {t(`setting.${key}`)}</span>
              </Button>
            ) : null}
          </td>
        </tr>
      ))}
    </Table>
  );
}
