/** A shell on a PC. The terminal is fetched when one is opened. */
import { useEffect, useRef, useState } from "preact/hooks";
import { errorText } from "../../core/errors.ts";
import type { ShellOver } from "../../core/wire/shell.ts";
import { get } from "./api.ts";
import { Button } from "./ui.tsx";
import { t, told } from "./words.ts";

export function Shell({ id, name, onEnd }: { id: string; name: string; onEnd: () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const [ended, setEnded] = useState<string | null>(null);
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const leaving = new AbortController();
    const end = (text: string): void => {
      if (!leaving.signal.aborted) setEnded(text);
    };
    void openShell(current, id, { signal: leaving.signal, onEnd: end }).catch((error: unknown) =>
      end(errorText(error)),
    );
    return () => leaving.abort();
  }, [id]);
  return (
    <section class="look shell" aria-label={t("shell.label", { pc: name })}>
      <p>{t("shell.leave")}</p>
      <div ref={place} class="terminal" />
      {ended === null ? null : <p role="status">{t("shell.ended", { why: told(ended) })}</p>}
      <Button onClick={onEnd}>{t("shell.close")}</Button>
    </section>
  );
}

async function openShell(
  place: HTMLElement,
  id: string,
  { signal, onEnd }: { readonly signal: AbortSignal; onEnd(text: string): void },
): Promise<void> {
  const { openTerminal } = await import("./terminal.ts");
  if (signal.aborted) return;
  const terminal = openTerminal(place);
  const query = new URLSearchParams({
    ...{ term: "xterm-256color", columns: `${terminal.columns}`, lines: `${terminal.lines}` },
  });
  const path = `/pcs/${encodeURIComponent(id)}/shell?${query}`;
  const url = new URL(`/api/v1${path}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  terminal.onTyped((bytes) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
  });
  terminal.onResize((size) => {
    if (socket.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: "resize", ...size }));
  });
  socket.onopen = () => {
    wasOpen = true;
    terminal.focus();
  };
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data !== "string") return terminal.show(new Uint8Array(data));
    const said = JSON.parse(data) as ShellOver;
    if (said.type !== "ended") return;
    socket.onclose = null;
    onEnd(said.reason ?? t("shell.status", { status: said.status ?? 0 }));
  };
  let wasOpen = false;
  socket.onclose = () => {
    if (wasOpen) return onEnd(t("shell.broke"));
    // A WebSocket does not tell why it was refused; the same call without one does.
    get(path).then(
      () => onEnd(t("shell.broke")),
      (error: unknown) => onEnd(errorText(error)),
    );
  };
  signal.addEventListener("abort", () => {
    socket.onclose = null;
    socket.close();
    terminal.close();
  });
}
