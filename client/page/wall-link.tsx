/** A link that shows one room on a projector, and nothing else. */
import { useEffect, useState } from "preact/hooks";
import type { WallLink } from "../../core/wire/api.ts";
import { send } from "./api.ts";
import { Dialog } from "./dialog.tsx";
import { Button, Trouble } from "./ui.tsx";
import { t } from "./words.ts";

export function WallLinkDialog({ room }: { room: string }) {
  const [url, setUrl] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const path = `/rooms/${encodeURIComponent(room)}/wall-link`;
    send<WallLink>({ method: "post", path }).then((made) => setUrl(made.url), setError);
  }, [room]);
  return (
    <Dialog title={t("wallLink.title", { room })}>
      <p>{t("wallLink.what")}</p>
      <Trouble error={error} />
      {url === null ? null : (
        <>
          <p class="secret">
            <a href={url}>{url}</a>
          </p>
          <Button kind="main" onClick={() => void navigator.clipboard.writeText(url)}>
            {t("command.copy")}
          </Button>
        </>
      )}
    </Dialog>
  );
}
