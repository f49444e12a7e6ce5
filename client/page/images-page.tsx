/** The images: what is in them, what has to be known of them, and what can be done with them. */
import { useState } from "preact/hooks";
import { imageName } from "../../core/image/manifest.ts";
import type { StatusView, TrustView } from "../../core/wire/api.ts";
import type { ImageView } from "../../core/wire/views.ts";
import { get } from "./api.ts";
import { type App, ask, useApp } from "./app.ts";
import { command } from "./orders/action.ts";
import {
  addStepAction,
  deleteImageAction,
  exportAction,
  fitAction,
  importImageAction,
  notesAction,
  removeStepAction,
} from "./orders/images.ts";
import { imagesToChoose, restoreAction } from "./orders/restore.ts";
import { roomNames } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { Button, Commands, Facts, ShapeIcon, Table, Title, Trouble, useFetched } from "./ui.tsx";
import { dateTime, number, size, t } from "./words.ts";

export function ImagesPage() {
  const app = useApp();
  const { store } = app;
  const [error, setError] = useState<unknown>(null);
  const importImage = async (): Promise<void> => {
    setError(null);
    try {
      ask(app, importImageAction(await get<TrustView>("/trust"), location.origin));
    } catch (cause) {
      setError(cause);
    }
  };
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
      {app.mayOperate.value ? (
        <div class="toolbar" role="toolbar" aria-label={t("toolbar")}>
          <Button onClick={() => void importImage()}>{t("image.import")}…</Button>
          <Button onClick={() => verify(app, null)}>{t("verify.all")}</Button>
        </div>
      ) : null}
      <Trouble error={error} />
      {images.length === 0 ? <p class="empty">{t("images.none")}</p> : null}
      <div class="cards">
        {images.map((image) => (
          <ImageCard key={image.id} image={image} />
        ))}
      </div>
      <Commands lines={[command("image", "list"), command("image", "verify")]} />
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
      {image.notes === "" ? null : <p class="written">{image.notes}</p>}
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

/** The answer of a check of an image, or of all. */
interface Verified {
  readonly ok: boolean;
  readonly damaged: readonly { readonly reason: string }[];
  readonly problems?: readonly string[];
}

/** Has every chunk of an image hashed again, or of all of them; what is found is said wherever one is then. */
function verify(app: App, image: ImageView | null): void {
  const name = image === null ? null : imageName(image);
  const path = image === null ? "/store/verify" : `/images/${encodeURIComponent(image.id)}/verify`;
  const title = name === null ? t("verify.all") : t("verify.one", { image: name });
  app.works.begin<Verified>(title, { method: "post", path }, ({ damaged, problems = [] }) => {
    const reasons = [...problems, ...damaged.map(({ reason }) => reason)];
    const [reason] = reasons;
    if (reason === undefined) {
      app.said.value = { text: `${title}: ${t("verify.good")}`, isGood: true };
      return;
    }
    const next = t("verify.next", {
      command: command("image", "verify", ...(name === null ? [] : [name])),
    });
    const text = t("verify.bad", { count: reasons.length, reason });
    app.said.value = { text: `${title}: ${text} ${t("error.next")} ${next}`, isGood: false };
  });
}

function ImageActs({ image }: { image: ImageView }) {
  const app = useApp();
  const name = imageName(image);
  return (
    <>
      {app.mayOperate.value ? (
        <div class="toolbar">
          <Button kind="main" onClick={() => restoreSomewhere(app, image)}>
            {t("restore")}…
          </Button>
          {image.fitOf === null ? (
            <Button onClick={() => ask(app, fitAction(app.store, image))}>{t("fit")}…</Button>
          ) : null}
          <Button onClick={() => ask(app, notesAction(image))}>{t("notes")}…</Button>
          <Button onClick={() => ask(app, exportAction(image))}>{t("image.export")}…</Button>
          <Button onClick={() => verify(app, image)}>{t("verify")}</Button>
          <a class="button" href={hrefOf({ page: "history", of: "image", id: name })}>
            {t("history")}
          </a>
          <Button kind="danger" onClick={() => ask(app, deleteImageAction(app.store, image))}>
            {t("delete")}…
          </Button>
        </div>
      ) : null}
      <Commands lines={[command("image", "show", name), command("image", "verify", name)]} />
    </>
  );
}

/** To the room that was looked at last, or the first one. */
function restoreSomewhere(app: App, image: ImageView): void {
  const pc = app.store.pcs.peek(app.chosen.value ?? "");
  const [first] = roomNames(app.store).filter((name) => (app.store.rooms.peek(name)?.pcs ?? 0) > 0);
  const room = pc?.room ?? first;
  if (room === undefined) app.said.value = { text: t("empty.none"), isGood: false };
  else ask(app, restoreAction(app.store, { room, pcs: [] }, image.id));
}
