/** PCs as a list, those that failed first. */
import { useComputed } from "@preact/signals";
import { useApp } from "./app.ts";
import { EmptyRoom } from "./empty-room.tsx";
import { byUrgency, filteredPcs, toggled } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { useSeat } from "./seat.tsx";
import { Bar, ShapeIcon, Table } from "./ui.tsx";
import { t } from "./words.ts";

/** PCs of a room, or of all rooms, as they are listed. */
export function useListed(room: string | null): readonly string[] {
  const { store, filter } = useApp();
  const listed = useComputed(() => {
    const pcs = filteredPcs(store, room, filter.value);
    return byUrgency(store, pcs)
      .map(({ id }) => id)
      .join("\n");
  });
  return listed.value === "" ? [] : listed.value.split("\n");
}

export function PcList({ room }: { room: string | null }) {
  const pcs = useListed(room);
  if (pcs.length === 0) return <EmptyRoom room={room} />;
  const head = [t("mark"), t("pc"), t("state"), t("progress"), t("wrong"), t("seat"), t("address")];
  return (
    <Table label={t("pcs.label")} head={head}>
      {pcs.map((id) => (
        <PcRow key={id} id={id} />
      ))}
    </Table>
  );
}

function PcRow({ id }: { id: string }) {
  const { store, marked, chosen } = useApp();
  const seat = useSeat(id);
  const isMarked = useComputed(() => marked.value.has(id));
  const ip = useComputed(() => store.pcs.get(id)?.ip ?? "");
  if (seat === null) return null;
  const { name, shape, word, wrong, fraction, rate } = seat;
  return (
    <tr data-pc={id}>
      <td>
        <input
          type="checkbox"
          aria-label={t("mark.pc", { pc: name })}
          checked={isMarked.value}
          onChange={() => {
            marked.value = toggled(marked.value, id);
          }}
        />
      </td>
      <th scope="row">
        <a
          href={hrefOf({ page: "pc", id })}
          onFocus={() => {
            chosen.value = id;
          }}
        >
          {name}
        </a>
      </th>
      <td>
        <span class={`state ${shape}`}>
          <ShapeIcon shape={shape} /> <span class="word">{word}</span>
        </span>
      </td>
      <td class="progress">
        {fraction === null ? null : (
          <>
            <Bar fraction={fraction} /> <span class="percent">{seat.percent}</span> {rate}
          </>
        )}
      </td>
      <td class="wrong">{wrong}</td>
      <td>{seat.seat}</td>
      <td>{ip}</td>
    </tr>
  );
}
