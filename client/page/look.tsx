/** A PC's screen or log, fetched again and again while it is looked at. */
import { useEffect, useRef } from "preact/hooks";
import { Trouble, useFetched } from "./ui.tsx";
import { t } from "./words.ts";

/** Milliseconds between two requests. */
const lookEveryMs = 1000;

export function LookAt({ id, what }: { id: string; what: "screen" | "log" }) {
  const path = `/pcs/${encodeURIComponent(id)}/${what}`;
  const { value, error } = useFetched<{ readonly lines: readonly string[] }>(path, lookEveryMs);
  const shown = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const { current } = shown;
    if (what === "log" && current !== null && isAtEnd.current)
      current.scrollTop = current.scrollHeight;
  });
  return (
    <section class="look" aria-label={t(`look.${what}`)}>
      <Trouble error={error} />
      <pre
        ref={shown}
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 8;
        }}
      >
        {value === null ? t("loading") : value.lines.join("\n")}
      </pre>
    </section>
  );
}
