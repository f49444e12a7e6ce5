/** The link that shows one room on a projector, and nothing else: made, and ended. */
import { useEffect, useState } from "preact/hooks";
import type { MadeWallLink, WallLink } from "../../core/wire/api.ts";
import { get, send } from "./api.ts";
import { useApp, useIsOpen } from "./app.ts";
import { Dialog } from "./dialog.tsx";
import { command } from "./orders/action.ts";
import { sayRefused } from "./send-plan.ts";
import { Button, Commands, Trouble } from "./ui.tsx";
import { dateTime, t } from "./words.ts";

/** What is known of the link; `undefined`: the server has not answered yet. */
type Known = MadeWallLink | null | undefined;

export function WallLinkDialog({ room }: { room: string }) {
  const app = useApp();
  const path = `/rooms/${encodeURIComponent(room)}/wall-link`;
  const [known, setKnown] = useState<Known>(undefined);
  const [url, setUrl] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    get<MadeWallLink | null>(path).then(setKnown, setError);
  }, [path]);
  const isOpen = useIsOpen();
  const act = async (what: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(null);
    await what().catch((cause: unknown) => {
      if (isOpen()) setError(cause);
      else sayRefused(app, t("wallLink.title", { room }), cause);
    });
    setBusy(false);
  };
  const make = (): Promise<void> =>
    act(async () => {
      const made = await send<WallLink>({ method: "post", path });
      setUrl(made.url);
      setKnown(await get<MadeWallLink | null>(path));
    });
  const end = (): Promise<void> =>
    act(async () => {
      await send({ method: "delete", path });
      app.said.value = { text: t("wallLink.ended", { room }), isGood: true };
      if (isOpen()) app.overlay.value = null;
    });
  return (
    <Dialog title={t("wallLink.title", { room })}>
      <p>{t("wallLink.what")}</p>
      {url === null ? <KnownLink known={known} /> : <NewLink url={url} />}
      <Trouble error={error} />
      <Commands
        lines={[
          command("room", "wall-link", room),
          ...(known ? [command("room", "wall-link", room, "--end")] : []),
        ]}
      />
      <footer>
        {known ? (
          <Button kind="danger" disabled={isBusy} onClick={() => void end()}>
            {t("wallLink.end")}
          </Button>
        ) : null}
        {known === undefined || url !== null ? null : (
          <Button kind="main" disabled={isBusy} onClick={() => void make()}>
            {known === null ? t("wallLink.make") : t("wallLink.makeNew")}
          </Button>
        )}
      </footer>
    </Dialog>
  );
}

function KnownLink({ known }: { known: Known }) {
  if (known === undefined) return null;
  if (known === null) return <p>{t("wallLink.none")}</p>;
  const { by, createdAt } = known;
  return <p>{t("wallLink.known", { by, time: dateTime(createdAt) })}</p>;
}

function NewLink({ url }: { url: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <>
      <p>{t("wallLink.once")}</p>
      <p class="secret">
        <a href={url}>{url}</a>
      </p>
      <Button
        kind="main"
        onClick={() => void navigator.clipboard.writeText(url).then(() => setCopied(true))}
      >
        {isCopied ? t("command.copied") : t("command.copy")}
      </Button>
    </>
  );
}
