/** The dialog of every order: fields, what will be lost, the typed word, and the command that does the same. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { showToken, useApp, useIsOpen } from "./app.ts";
import type { Action, Field, Plan, Values } from "./orders/action.ts";
import { sayRefused, sendPlan } from "./send-plan.ts";
import { Button, Commands, ShapeIcon, Trouble } from "./ui.tsx";
import { t } from "./words.ts";

/** A window over the page: Escape closes it, and the focus goes back to where it was. */
export function Dialog({
  title,
  children,
  onClose,
}: {
  title: string;
  children: ComponentChildren;
  onClose?: () => void;
}) {
  const { overlay } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = useIsOpen();
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={() => {
        // Its closing is told late.
        if (!isOpen()) return;
        onClose?.();
        overlay.value = null;
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
      </header>
      {children}
      {/* Behind the rest, so that the first field has the focus. */}
      <button
        type="button"
        class="quiet close"
        aria-label={t("close")}
        onClick={() => dialog.current?.close()}
      >
        ×
      </button>
    </dialog>
  );
}

export function ActionDialog({ action }: { action: Action }) {
  const app = useApp();
  const [values, setValues] = useState<Values>(
    Object.fromEntries(action.fields.map(({ name, value }) => [name, value])),
  );
  const [word, setWord] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isOpen = useIsOpen();
  // It reads signals, and so what is shown follows the room.
  const planned = action.plan(values);
  const isReady = planned.refused === null && (planned.word === null || word === planned.word);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!isReady || isBusy) return;
    setBusy(true);
    setError(null);
    try {
      const { answer, said } = await sendPlan(app, planned);
      if (isOpen()) {
        app.marked.value = new Set();
        app.overlay.value = null;
      }
      if (said !== null) app.said.value = said;
      if (hasToken(answer)) showToken(app, planned.done, answer.token);
    } catch (cause) {
      if (isOpen()) setError(cause);
      else sayRefused(app, action.title, cause);
    } finally {
      setBusy(false);
    }
  };
  /** What was sent is not called back by it. */
  const leave = (): void => {
    if (isBusy)
      app.said.value = { text: t("order.goesOn", { order: action.title }), isGood: false };
  };
  return (
    <Dialog title={action.title} onClose={leave}>
      <form onSubmit={(event) => void submit(event)}>
        <Fields fields={action.fields} values={values} onValues={setValues} />
        <PlanText planned={planned} />
        {planned.word === null ? null : (
          <WordField word={planned.word} value={word} onValue={setWord} />
        )}
        <Trouble error={error} />
        <Commands lines={planned.commands} isOpen={action.submit === null} />
        <footer>
          <Button
            onClick={() => {
              leave();
              app.overlay.value = null;
            }}
          >
            {action.submit === null || isBusy ? t("close") : t("cancel")}
          </Button>
          {action.submit === null ? null : (
            <button
              type="submit"
              class={action.isDanger ? "danger" : "main"}
              disabled={!isReady || isBusy}
            >
              {isBusy ? t("busy") : action.submit}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

/** Those that are seldom needed stand behind a word; once it is opened, it stays open. */
function Fields({
  fields,
  values,
  onValues,
}: {
  fields: readonly Field[];
  values: Values;
  onValues: (change: (before: Values) => Values) => void;
}) {
  const meant = fields.filter(({ isMeant }) => isMeant?.(values) ?? true);
  const rare = meant.filter(({ isRare }) => isRare === true);
  const row = (field: Field) => (
    <FieldRow
      key={field.name}
      field={field}
      value={values[field.name] ?? ""}
      onValue={(value) => onValues((before) => ({ ...before, [field.name]: value }))}
    />
  );
  return (
    <>
      <div class="fields">{meant.filter(({ isRare }) => isRare !== true).map(row)}</div>
      {rare.length === 0 ? null : (
        <details class="more">
          <summary>{t("more")}</summary>
          <div class="fields">{rare.map(row)}</div>
        </details>
      )}
    </>
  );
}

function PlanText({ planned: { facts, lost, warnings, refused } }: { planned: Plan }) {
  return (
    <>
      {facts.length === 0 ? null : (
        <section class={lost === null ? "plain" : "lost"}>
          {lost === null ? null : <h3>{lost}</h3>}
          <ul tabIndex={0} aria-label={t("facts")}>
            {facts.map((fact) => (
              <li key={fact}>{fact}</li>
            ))}
          </ul>
        </section>
      )}
      {warnings.length === 0 ? null : (
        <ul class="notes">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {refused === null ? null : (
        <p class="refused">
          <ShapeIcon shape="warn" /> {refused}
        </p>
      )}
    </>
  );
}

function WordField({
  word,
  value,
  onValue,
}: {
  word: string;
  value: string;
  onValue: (value: string) => void;
}) {
  const id = useId();
  return (
    <div class="field word">
      <label for={id}>{t("word.type", { word })}</label>
      <input
        id={id}
        name="word"
        value={value}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
    </div>
  );
}

function FieldRow({
  field,
  value,
  onValue,
}: {
  field: Field;
  value: string;
  onValue: (value: string) => void;
}) {
  const id = useId();
  const { name, label, kind, hint, options } = field;
  const described = hint === undefined ? {} : { "aria-describedby": `${id}-hint` };
  const common = { id, name, ...described };
  const input =
    kind === "choice" ? (
      <select {...common} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {(options ?? []).map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    ) : kind === "lines" ? (
      <textarea {...common} rows={8} onInput={(event) => onValue(event.currentTarget.value)}>
        {value}
      </textarea>
    ) : kind === "secret" ? (
      <input
        {...common}
        type="password"
        value={value}
        autocomplete="new-password"
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    ) : kind === "tick" ? (
      <input
        {...common}
        type="checkbox"
        checked={value === "yes"}
        onChange={(event) => onValue(event.currentTarget.checked ? "yes" : "")}
      />
    ) : (
      <input
        {...common}
        type="text"
        value={value}
        autocomplete="off"
        spellcheck={false}
        {...(options === undefined ? {} : { list: `${id}-list` })}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    );
  return (
    <div class={`field ${kind}`}>
      <label for={id}>{label}</label>
      {input}
      {kind === "text" && options !== undefined ? (
        <datalist id={`${id}-list`}>
          {options.map((option) => (
            <option key={option.value} value={option.value} />
          ))}
        </datalist>
      ) : null}
      {hint === undefined ? null : <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

const hasToken = (value: unknown): value is { readonly token: string } =>
  typeof value === "object" && value !== null && "token" in value;

/** A token is shown once. */
export function TokenDialog({ title, token }: { title: string; token: string }) {
  return (
    <Dialog title={title}>
      <p>{t("token.once")}</p>
      <p class="secret">
        <code>{token}</code>
      </p>
    </Dialog>
  );
}
