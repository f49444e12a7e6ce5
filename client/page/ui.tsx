/** Small parts that many pages have. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { get } from "./api.ts";
import type { Shape } from "./seat-view.ts";
import { percent, t, told } from "./words.ts";

/** Each state has a form of its own, so that it can be told without colour. */
const paths: Readonly<Record<Shape, JSX.Element>> = {
  off: <circle cx="8" cy="8" r="5.5" class="line" />,
  on: <circle cx="8" cy="8" r="4" class="full" />,
  busy: (
    <>
      <circle cx="8" cy="8" r="5.5" class="line" />
      <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" class="full" />
    </>
  ),
  work: <path d="M3.5 2.5 13.5 8l-10 5.5z" class="full" />,
  good: (
    <>
      <circle cx="8" cy="8" r="7" class="full" />
      <path d="m4.6 8.3 2.4 2.4 4.5-5" class="cut" />
    </>
  ),
  warn: (
    <>
      <path d="M8 1.2 15.4 14.6H.6z" class="full" />
      <path d="M8 6v4m0 1.6v1" class="cut" />
    </>
  ),
  bad: (
    <>
      <rect x="1.2" y="1.2" width="13.6" height="13.6" rx="2" class="full" />
      <path d="m5 5 6 6m0-6-6 6" class="cut" />
    </>
  ),
};

export const ShapeIcon = ({ shape }: { shape: Shape }) => (
  <svg class={`shape ${shape}`} viewBox="0 0 16 16" aria-hidden="true">
    {paths[shape]}
  </svg>
);

/** How far something is; its number stands beside it. */
export const Bar = ({ fraction, label }: { fraction: number; label?: string }) => (
  <div
    class="bar"
    {...(label === undefined
      ? { "aria-hidden": true }
      : {
          role: "progressbar",
          "aria-label": label,
          "aria-valuenow": Math.floor(fraction * 100),
          "aria-valuetext": percent(fraction),
        })}
  >
    <div class="fill" style={{ transform: `scaleX(${fraction})` }} />
  </div>
);

/** An error's three parts: what, why and what to do next are in its message and its next. */
export function Trouble({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  const next = error instanceof RoomcastError ? told(error.next) : "";
  return (
    <div class="trouble" role="alert">
      <ShapeIcon shape="bad" />
      <div>
        <strong>{t("error.title")}</strong>
        <p>{told(errorText(error))}</p>
        {next === "" ? null : (
          <p>
            <b>{t("error.next")}</b> {next}
          </p>
        )}
      </div>
    </div>
  );
}

/** Titles and what is known under them. */
export const Facts = ({
  rows,
}: {
  rows: readonly (readonly [title: string, text: ComponentChildren] | null)[];
}) => (
  <dl class="facts">
    {rows.flatMap((row) =>
      row === null
        ? []
        : [
            <div key={row[0]}>
              <dt>{row[0]}</dt>
              <dd>{row[1]}</dd>
            </div>,
          ],
    )}
  </dl>
);

/** A table that scrolls inside of itself where it is too wide; its region can be reached by keyboard. */
export const Table = ({
  label,
  head,
  children,
}: {
  label: string;
  head: readonly string[];
  children: ComponentChildren;
}) => (
  <section class="scroll" tabIndex={0} aria-label={label}>
    <table>
      <thead>
        <tr>
          {head.map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </section>
);

export const Button = ({
  onClick,
  children,
  kind = "",
  ...more
}: {
  onClick: () => void;
  children: ComponentChildren;
  kind?: "" | "main" | "danger" | "quiet";
  title?: string;
  disabled?: boolean;
  "aria-pressed"?: boolean;
}) => (
  <button type="button" class={kind} onClick={onClick} {...more}>
    {children}
  </button>
);

/** A page's heading; it has the focus when its page is opened, so that a reader by ear hears where they are. */
export function Title({ children }: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const { activeElement } = document;
    if (activeElement === null || activeElement === document.body) heading.current?.focus();
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

/** A command that can be copied. */
export function Commands({
  lines,
  isOpen = false,
}: {
  lines: readonly string[];
  isOpen?: boolean;
}) {
  const [isCopied, setCopied] = useState(false);
  if (lines.length === 0) return null;
  return (
    <details class="commands" open={isOpen}>
      <summary>{t("command.title")}</summary>
      <pre tabIndex={0}>
        <code>{lines.join("\n")}</code>
      </pre>
      <Button
        kind="quiet"
        onClick={() =>
          void navigator.clipboard.writeText(lines.join("\n")).then(() => setCopied(true))
        }
      >
        {isCopied ? t("command.copied") : t("command.copy")}
      </Button>
    </details>
  );
}

export interface Fetched<T> {
  readonly value: T | null;
  readonly error: unknown;
  reload(): void;
}

/** Fetches what no event reports; again every `everyMs`, if it is said, and at `reload`. */
export function useFetched<T>(path: string, everyMs?: number): Fetched<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const fetchIt = async (): Promise<void> => {
      try {
        const answer = await get<T>(path);
        if (isOver) return;
        setValue(answer);
        setError(null);
      } catch (cause) {
        if (!isOver) setError(cause);
      }
      if (everyMs !== undefined && !isOver) timer = setTimeout(() => void fetchIt(), everyMs);
    };
    void fetchIt();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [path, everyMs, round]);
  return { value, error, reload: () => setRound((before) => before + 1) };
}
