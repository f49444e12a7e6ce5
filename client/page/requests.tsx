/** What people at PCs ask for: a banner that stays until somebody answers, on whatever page is open. */
import { useEffect, useRef } from "preact/hooks";
import { ask, useApp } from "./app.ts";
import { answerNo } from "./keys.ts";
import { yesAction } from "./orders/sessions.ts";
import { sound } from "./settings.ts";
import { Button, ShapeIcon } from "./ui.tsx";
import { t, told } from "./words.ts";

export function RequestBanner() {
  const app = useApp();
  const all = app.store.requests.all();
  const [request] = all;
  useRing(all.map(({ id }) => id));
  useEffect(() => {
    document.title =
      request === undefined ? "roomcast" : `(${all.length}) ${request.name}: ${told(request.what)}`;
  });
  if (request === undefined) return null;
  const { name, what } = request;
  return (
    <section class="ringing" role="alert" aria-label={t("requests")}>
      <p>
        <ShapeIcon shape="warn" /> {t("request.asks", { pc: name, what: told(what) })}
        {all.length > 1 ? <small> {t("request.more", { count: all.length - 1 })}</small> : null}
      </p>
      {app.mayOperate.value ? (
        <div class="toolbar">
          <Button kind="main" onClick={() => ask(app, yesAction(request))}>
            {t("yes")}…
          </Button>
          <Button onClick={() => answerNo(app, request)}>{t("no")}</Button>
        </div>
      ) : null}
    </section>
  );
}

/** Each request rings once. */
function useRing(ids: readonly string[]): void {
  const heard = useRef(new Set<string>());
  useEffect(() => {
    const isNew = ids.some((id) => !heard.current.has(id));
    heard.current = new Set(ids);
    if (isNew && sound.value === "on") ring();
  });
}

/** Hertz, and seconds of each of two tones. */
const tones = [660, 880];
const toneSeconds = 0.18;

function ring(): void {
  const audio = new AudioContext();
  const gain = audio.createGain();
  gain.gain.value = 0.15;
  gain.connect(audio.destination);
  for (const [index, frequency] of tones.entries()) {
    const oscillator = audio.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(gain);
    oscillator.start(audio.currentTime + index * toneSeconds);
    oscillator.stop(audio.currentTime + (index + 1) * toneSeconds);
  }
  setTimeout(() => void audio.close(), 1000 * toneSeconds * tones.length + 200);
}
