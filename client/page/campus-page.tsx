/** The rooms of all servers of the campus, and one of another server: as that one has told it, and what can be ordered there. */
import { useState } from "preact/hooks";
import type { CampusRoomView, CampusStatus } from "../../core/wire/campus.ts";
import { ask, useApp } from "./app.ts";
import { type Action, command } from "./orders/action.ts";
import { atServer, sessionAt, storeOf } from "./orders/elsewhere.ts";
import { powerAction } from "./orders/pcs.ts";
import { restoreAction } from "./orders/restore.ts";
import { stopAction } from "./orders/sessions.ts";
import { roomPcs } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { Button, Commands, Facts, ShapeIcon, Table, Title, Trouble, useFetched } from "./ui.tsx";
import { dateTime, number, t, told } from "./words.ts";

/** Milliseconds between two looks at what the servers have told. */
const lookEveryMs = 5000;

const useRooms = () => useFetched<readonly CampusRoomView[]>("/campus/rooms", lookEveryMs);

export function CampusPage() {
  const status = useFetched<CampusStatus | null>("/campus", lookEveryMs);
  const { value, error } = useRooms();
  const own = status.value?.server ?? null;
  return (
    <main>
      <Title>{t("campus")}</Title>
      <Trouble error={error ?? status.error} />
      <ul class="findings">
        {(status.value?.servers ?? []).map(({ name, address, away }) => (
          <li key={name}>
            <ShapeIcon shape={away === null ? "good" : "warn"} />
            <div>
              <b>{name}</b> {address === null ? null : <a href={address}>{address}</a>}
              {away === null ? null : <p>{t("campus.away", { time: dateTime(away) })}</p>}
            </div>
          </li>
        ))}
      </ul>
      <Table
        label={t("rooms")}
        head={[t("room"), t("server"), t("pcs.label"), t("session"), t("campus.asOf")]}
      >
        {(value ?? []).map((room) => (
          <tr key={`${room.server} ${room.name}`}>
            <th scope="row">
              <a href={hrefTo(room, own)}>{room.name}</a>
            </th>
            <td>{serverText(room)}</td>
            <td>{t("room.pcs", { count: room.pcs, online: number(room.online) })}</td>
            <td>{runningText(room)}</td>
            <td>{room.since === null ? t("campus.now") : dateTime(room.since)}</td>
          </tr>
        ))}
      </Table>
      <Commands lines={[command("room", "list")]} />
    </main>
  );
}

const hrefTo = ({ server, name }: CampusRoomView, own: string | null): string =>
  hrefOf(
    server === null || server === own
      ? { page: "wall", room: name }
      : { page: "elsewhere", server, name },
  );

const serverText = ({ server, owner }: CampusRoomView): string =>
  owner === server || owner === null
    ? (server ?? "")
    : t("campus.copy", { server: server ?? "", owner });

const runningText = ({ session, running }: CampusRoomView): string =>
  session === null ? "" : `${session}: ${told(running ?? "")}`;

/** A room of another server. */
export function ElsewherePage({ server, name }: { server: string; name: string }) {
  const app = useApp();
  const { value, error } = useRooms();
  const room = value?.find((each) => each.server === server && each.name === name);
  return (
    <main>
      <p class="crumbs">
        <a href={hrefOf({ page: "campus" })}>{t("campus")}</a>
      </p>
      <Title>{t("room.name", { room: name })}</Title>
      <Trouble error={error} />
      {room === undefined ? (
        <p>{value === null ? t("loading") : t("gone.room")}</p>
      ) : (
        <>
          {room.since === null ? null : (
            <p class="notice">
              <ShapeIcon shape="warn" /> {t("campus.then", { server, time: dateTime(room.since) })}
            </p>
          )}
          <Facts
            rows={[
              [t("server"), server],
              [t("pcs.label"), t("room.pcs", { count: room.pcs, online: number(room.online) })],
              [t("session"), runningText(room) || t("none")],
            ]}
          />
          {app.mayOperate.value ? <ElsewhereActs room={room} server={server} /> : null}
          <Commands
            lines={[command("room", "show", name), command("pc", "list", "--room", name)]}
          />
        </>
      )}
    </main>
  );
}

/** Each first asks that server what there is, and so says what keeps it. */
function ElsewhereActs({ room, server }: { room: CampusRoomView; server: string }) {
  const app = useApp();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { name, session } = room;
  const open = async (make: () => Promise<Action>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      ask(app, atServer(server, await make()));
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  const restore = async (): Promise<Action> =>
    restoreAction(await storeOf(server), { room: name, pcs: [] });
  const wake = async (): Promise<Action> => {
    const store = await storeOf(server);
    return powerAction(store, roomPcs(store, name), "wake");
  };
  return (
    <>
      <div class="toolbar" role="toolbar" aria-label={t("toolbar")}>
        <Button kind="main" onClick={() => void open(restore)} disabled={isBusy}>
          {t("restore")}…
        </Button>
        <Button onClick={() => void open(wake)} disabled={isBusy}>
          {t("power.wake")}…
        </Button>
        {session === null ? null : (
          <Button
            kind="danger"
            onClick={() =>
              void open(async () => stopAction(app.store, await sessionAt(server, session)))
            }
            disabled={isBusy}
          >
            {t("stop")}…
          </Button>
        )}
      </div>
      {isBusy ? <p role="status">{t("busy")}</p> : null}
      <Trouble error={error} />
    </>
  );
}
