/** Views that are fetched when they are first opened, so that the first one is there sooner. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { RoomcastError } from "../../core/errors.ts";
import { Button, Trouble } from "./ui.tsx";
import { t } from "./words.ts";

/** A component that `load` fetches, once for all its uses. */
export function late<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function Late(props: Props) {
    const [Component, setComponent] = useState<{ readonly it: ComponentType<Props> } | null>(
      loaded === undefined ? null : { it: loaded },
    );
    const [hasFailed, setFailed] = useState(false);
    useEffect(() => {
      if (Component !== null) return;
      load().then(
        (it) => {
          loaded = it;
          setComponent({ it });
        },
        () => setFailed(true),
      );
    }, [Component]);
    if (Component !== null) return <Component.it {...props} />;
    return <main>{hasFailed ? <Failed /> : <p role="status">{t("loading")}</p>}</main>;
  };
}

/** The server is away, or has another version of the page by now. */
function Failed() {
  const next = t("error.unreachableNext");
  return (
    <>
      <Trouble error={new RoomcastError("unreachable", t("error.unreachable"), next)} />
      <Button kind="main" onClick={() => location.reload()}>
        {t("again")}
      </Button>
    </>
  );
}
