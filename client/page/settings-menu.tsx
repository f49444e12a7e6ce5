/** Language, colours, sound and keys of this browser. */
import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { languages } from "../../core/words/languages.ts";
import { keys, language, sound, theme } from "./settings.ts";
import { t } from "./words.ts";

function Choice<T extends string>({
  label,
  value,
  options,
}: {
  label: string;
  value: Signal<T>;
  options: readonly (readonly [T, string])[];
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value.value}
        onChange={({ currentTarget }) => {
          value.value = currentTarget.value as T;
        }}
      >
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

export function SettingsMenu({ isLoggedIn = false }: { isLoggedIn?: boolean }) {
  const onOff = [
    ["on", t("choice.on")],
    ["off", t("choice.off")],
  ] as const;
  return (
    <div class="settings-menu">
      <Choice
        label={t("language")}
        value={language}
        options={[
          ["auto", t("language.auto")],
          ...(Object.entries(languages) as [keyof typeof languages, string][]),
        ]}
      />
      <Choice
        label={t("theme")}
        value={theme}
        options={[
          ["auto", t("theme.auto")],
          ["light", t("theme.light")],
          ["dark", t("theme.dark")],
        ]}
      />
      {isLoggedIn ? (
        <>
          <Choice label={t("sound")} value={sound} options={onOff} />
          <Choice label={t("keys")} value={keys} options={onOff} />
        </>
      ) : null}
    </div>
  );
}
