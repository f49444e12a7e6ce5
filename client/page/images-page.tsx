/** The images: what is in them, what has to be known of them, and what can be done with them. */
import { useState } from "preact/hooks";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { StatusView } from "../../core/wire/api.ts";
import type { ImageView } from "../../core/wire/views.ts";
import { follow } from "./api.ts";
import { ask, useApp } from "./app.ts";
import { command } from "./orders/action.ts";
import { imagesToChoose, restoreAction } from "./orders/restore.ts";
import { addStepAction, deleteImageAction, removeStepAction } from "./orders/stock.ts";
import { roomNames } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import {
  Bar,
  Button,
  Commands,
  Facts,
  ShapeIcon,
  Table,
  Title,
  Trouble,
  useFetched,
} from "./ui.tsx";
import { dateTime, number, percent, size, t } from "./words.ts";

export function ImagesPage() {
  const { store } = useApp();
  const status = useFetched<StatusView>("/status");
  const images = imagesToChoose(store);
  return (
    <main>
      <Title>{t("images")}</Title>
      {status.value === null ? null : (
        <p class="lead">
          {t("store", {
            stored: size(status.value.storedBytes),
            free: size(status.value.freeBytes),
          })}
        </p>
      )}
      {images.length === 0 ? <p class="empty">{t("images.none")}</p> : null}
      <div class="cards">
        {images.map((image) => (
          <ImageCard key={image.id} image={image} />
        ))}
      </div>
      <Commands
        lines={[
          command("image", "list"),
          command("image", "import", "FILE", "NAME"),
          command("image", "export", "NAME", "FILE"),
        ]}
      />
    </main>
  );
}

function ImageCard({ image }: { image: ImageView }) {
  const { store } = useApp();
  const name = imageName(image);
  const origin = image.fitOf === null ? undefined : store.images.get(image.fitOf);
  return (
    <article class="card" aria-label={name}>
      <h2>{name}</h2>
      <p>
        {dateTime(image.capturedAt)}, {image.source}
      </p>
      {origin === undefined ? null : <p>{t("image.fitOf", { image: imageName(origin) })}</p>}
      <Facts
        rows={[
          [t("image.used"), size(image.usedBytes)],
          [t("image.stored"), size(image.storedBytes)],
          [t("disk"), size(image.diskBytes)],
          image.leastDiskBytes === null ? null : [t("image.least"), size(image.leastDiskBytes)],
        ]}
      />
      {image.warnings.map((warning) => (
        <p key={warning} class="notice">
          <ShapeIcon shape="warn" /> {warning}
        </p>
      ))}
      <details>
        <summary>{t("partitions", { count: image.partitions.length })}</summary>
        <Partitions image={image} />
      </details>
      <Steps image={image} />
      <ImageActs image={image} />
    </article>
  );
}

const Partitions = ({ image }: { image: ImageView }) => (
  <Table
    label={t("partitions", { count: image.partitions.length })}
    head={["№", t("partition.fs"), t("partition.label"), t("size"), t("image.used")]}
  >
    {image.partitions.map(({ index, fs, type, label, size: bytes, usedBytes, mode }) => (
      <tr key={index}>
        <th scope="row">{number(index)}</th>
        <td>{fs ?? type}</td>
        <td>{label}</td>
        <td>{size(bytes)}</td>
        <td>
          {size(usedBytes)} {mode === "used" ? "" : t(`partition.${mode}`)}
        </td>
      </tr>
    ))}
  </Table>
);

function Steps({ image }: { image: ImageView }) {
  const app = useApp();
  if (image.steps.length === 0 && !app.isAdmin.value) return null;
  return (
    <details>
      <summary>{t("steps", { count: image.steps.length })}</summary>
      <ol>
        {image.steps.map((step) => (
          <li key={step.name}>
            {t("step.text", { step: step.name, size: size(step.bytes), by: step.by })}{" "}
            {app.isAdmin.value ? (
              <Button kind="quiet" onClick={() => ask(app, removeStepAction(image, step.name))}>
                {t("remove")}…
              </Button>
            ) : null}
          </li>
        ))}
      </ol>
      {app.isAdmin.value ? (
        <Button onClick={() => ask(app, addStepAction(image))}>{t("step.add")}…</Button>
      ) : null}
    </details>
  );
}

/** The answer of an image's check. */
interface Verified {
  readonly damaged: readonly { readonly reason: string }[];
}

function ImageActs({ image }: { image: ImageView }) {
  const app = useApp();
  const [checked, setChecked] = useState<number | Verified | null>(null);
  const [error, setError] = useState<unknown>(null);
  const name = imageName(image);
  const verify = async (): Promise<void> => {
    setChecked(0);
    setError(null);
    try {
      const path = `/images/${encodeURIComponent(image.id)}/verify`;
      setChecked(await follow<Verified>(path, setChecked, new AbortController().signal));
    } catch (cause) {
      setChecked(null);
      setError(cause);
    }
  };
  return (
    <>
      {typeof checked === "number" ? (
        <p>
          {t("verify.busy")} <Bar fraction={checked} label={t("verify.busy")} /> {percent(checked)}
        </p>
      ) : null}
      {checked !== null && typeof checked === "object" ? (
        <Found found={checked} name={name} />
      ) : null}
      <Trouble error={error} />
      {app.mayOperate.value ? (
        <div class="toolbar">
          <Button kind="main" onClick={() => restoreSomewhere(app, image)}>
            {t("restore")}…
          </Button>
          <Button onClick={() => void verify()} disabled={typeof checked === "number"}>
            {t("verify")}
          </Button>
          <a class="button" href={hrefOf({ page: "history", of: "image", id: name })}>
            {t("history")}
          </a>
          <Button kind="danger" onClick={() => ask(app, deleteImageAction(image))}>
            {t("delete")}…
          </Button>
        </div>
      ) : null}
      {image.fitOf === null ? (
        <Commands
          lines={[
            command("image", "verify", name),
            command("image", "fit", name, "--disk-size", "240GB"),
          ]}
        />
      ) : null}
    </>
  );
}

/** To the room that was looked at last, or the first one. */
function restoreSomewhere(app: ReturnType<typeof useApp>, image: ImageView): void {
  const pc = app.store.pcs.peek(app.chosen.value ?? "");
  const [first] = roomNames(app.store).filter((name) => (app.store.rooms.peek(name)?.pcs ?? 0) > 0);
  const room = pc?.room ?? first;
  if (room === undefined) app.said.value = { text: t("empty.none"), isGood: false };
  else ask(app, restoreAction(app.store, { room, pcs: [] }, image.id));
}

function Found({ found: { damaged }, name }: { found: Verified; name: string }) {
  const [first] = damaged;
  if (first === undefined) {
    return (
      <p role="status">
        <ShapeIcon shape="good" /> {t("verify.good")}
      </p>
    );
  }
  const why = t("verify.bad", { count: damaged.length, reason: first.reason });
  return <Trouble error={new RoomcastError("bad-input", why, t("verify.next", { image: name }))} />;
}
