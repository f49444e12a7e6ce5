/** What can be done with a room, or with the PCs that are marked. */
import { useComputed } from "@preact/signals";
import { type Act, acts, atHand } from "./acts.ts";
import { ask, useApp } from "./app.ts";
import { wakeRoomAction } from "./orders/pcs.ts";
import { filteredPcs } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { Button } from "./ui.tsx";
import { t } from "./words.ts";

export function Toolbar({ room }: { room: string | null }) {
  const app = useApp();
  const { marked, mayOperate, view, filter, store, isArranging } = app;
  const count = marked.value.size;
  const act = (what: Act) => () => what(app, room, atHand(app, room));
  const known = useComputed(() => room !== null && store.rooms.get(room) !== undefined);
  return (
    <div class="toolbar" role="toolbar" aria-label={t("toolbar")}>
      {mayOperate.value && count === 0 && room !== null && known.value ? (
        <>
          <Button kind="main" onClick={act(acts.restore)}>
            {t("restore")}…
          </Button>
          <Button
            onClick={() => {
              const view = store.rooms.peek(room);
              if (view !== undefined) ask(app, wakeRoomAction(view));
            }}
          >
            {t("power.wake")}…
          </Button>
        </>
      ) : null}
      {mayOperate.value && count > 0 ? <MarkedActs act={act} /> : null}
      {count > 0 ? <span class="count">{t("marked", { count })}</span> : null}
      <Button
        onClick={() => {
          const all = filteredPcs(store, room, filter.value);
          marked.value = new Set(count > 0 ? [] : all.map(({ id }) => id));
        }}
      >
        {count > 0 ? t("mark.none") : t("mark.all")}
      </Button>
      <span class="gap" />
      <input
        type="search"
        class="filter"
        value={filter.value}
        aria-label={t("filter")}
        placeholder={t("filter")}
        onInput={({ currentTarget }) => {
          filter.value = currentTarget.value;
        }}
      />
      {room === null ? null : (
        <>
          <Button
            onClick={() => {
              view.value = view.value === "map" ? "list" : "map";
            }}
          >
            {view.value === "map" ? t("view.list") : t("view.map")}
          </Button>
          {mayOperate.value ? (
            <>
              <Button
                aria-pressed={isArranging.value}
                onClick={() => {
                  isArranging.value = !isArranging.value;
                }}
              >
                {t("arrange")}
              </Button>
              <Button
                onClick={() => {
                  app.overlay.value = { kind: "wall-link", room };
                }}
              >
                {t("wallLink")}…
              </Button>
            </>
          ) : null}
          <a class="button" href={hrefOf({ page: "room", name: room })}>
            {t("room.settings")}
          </a>
        </>
      )}
    </div>
  );
}

function MarkedActs({ act }: { act: (what: Act) => () => void }) {
  return (
    <>
      <Button kind="main" onClick={act(acts.restore)}>
        {t("restore")}…
      </Button>
      <Button onClick={act(acts.capture)}>{t("capture")}…</Button>
      <Button onClick={act(acts.cast)}>{t("cast")}…</Button>
      <Button onClick={act(acts.wake)}>{t("power.wake")}…</Button>
      <Button onClick={act(acts.reboot)}>{t("power.reboot")}…</Button>
      <Button onClick={act(acts.poweroff)}>{t("power.poweroff")}…</Button>
      <Button onClick={act(acts.bootDisk)}>{t("power.boot-disk")}…</Button>
      <Button onClick={act(acts.move)}>{t("move")}…</Button>
      <Button onClick={act(acts.admit)}>{t("admit")}…</Button>
      <Button kind="danger" onClick={act(acts.wipe)}>
        {t("wipe")}…
      </Button>
    </>
  );
}
