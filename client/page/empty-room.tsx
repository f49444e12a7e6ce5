/** What stands where a room has no PCs to show, and why. */
import { useApp } from "./app.ts";
import { t } from "./words.ts";

export function EmptyRoom({ room }: { room: string | null }) {
  const { store, filter } = useApp();
  const text = !store.isComplete.value
    ? t("loading")
    : filter.value !== ""
      ? t("empty.filter")
      : store.pcs.keys.size === 0
        ? t("empty.none")
        : t("empty.room", { room: room ?? "" });
  return <p class="empty">{text}</p>;
}
