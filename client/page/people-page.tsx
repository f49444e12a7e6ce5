/** Who may do what: operators, administrators' SSH keys, and the key of the server itself. */
import type { OperatorView, SshKeyView, TrustView } from "../../core/wire/api.ts";
import { ask, useApp } from "./app.ts";
import { command } from "./orders/action.ts";
import {
  addOperatorAction,
  addSshKeyAction,
  editOperatorAction,
  removeOperatorAction,
  removeSshKeyAction,
} from "./orders/stock.ts";
import { finishRotationAction, rotateAction } from "./orders/trust.ts";
import { useReload } from "./other-pages.tsx";
import { hrefOf } from "./route.ts";
import { Button, Commands, Facts, ShapeIcon, Table, Title, Trouble, useFetched } from "./ui.tsx";
import { dateTime, list, t } from "./words.ts";

export function PeoplePage() {
  const { isAdmin } = useApp();
  return (
    <main>
      <Title>{t("people")}</Title>
      {isAdmin.value ? <Operators /> : null}
      <SshKeys />
      <ServerKey />
    </main>
  );
}

function Operators() {
  const app = useApp();
  const fetched = useFetched<readonly OperatorView[]>("/operators");
  useReload(fetched);
  return (
    <section>
      <h2>{t("operators")}</h2>
      <Trouble error={fetched.error} />
      <Table
        label={t("operators")}
        head={[t("field.name"), t("field.role"), t("started"), t("pc.lastSeen"), t("change")]}
      >
        {(fetched.value ?? []).map((each) => (
          <tr key={each.name}>
            <th scope="row">
              <a href={hrefOf({ page: "history", of: "operator", id: each.name })}>{each.name}</a>
            </th>
            <td>{t(`role.${each.role}`)}</td>
            <td>{dateTime(each.createdAt)}</td>
            <td>{each.lastSeen === null ? t("never") : dateTime(each.lastSeen)}</td>
            <td>
              <Button kind="quiet" onClick={() => ask(app, editOperatorAction(each))}>
                {t("change")}…<span class="unseen"> {each.name}</span>
              </Button>
              <Button kind="quiet" onClick={() => ask(app, removeOperatorAction(each))}>
                {t("remove")}…<span class="unseen"> {each.name}</span>
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      <div class="toolbar">
        <Button kind="main" onClick={() => ask(app, addOperatorAction())}>
          {t("operator.add")}…
        </Button>
      </div>
    </section>
  );
}

function SshKeys() {
  const app = useApp();
  const fetched = useFetched<readonly SshKeyView[]>("/ssh-keys");
  useReload(fetched);
  const all = fetched.value ?? [];
  return (
    <section>
      <h2>{t("sshKeys")}</h2>
      <p>{t("sshKeys.what")}</p>
      <Trouble error={fetched.error} />
      {all.length === 0 ? (
        <p class="empty">{t("sshKeys.none")}</p>
      ) : (
        <Table
          label={t("sshKeys")}
          head={[t("field.name"), t("field.keys"), t("started"), t("change")]}
        >
          {all.map((each) => (
            <tr key={each.name}>
              <th scope="row">{each.name}</th>
              <td>
                {each.keys.map(({ fingerprint, type, comment }) => (
                  <code key={fingerprint}>
                    {type} {fingerprint} {comment}
                  </code>
                ))}
              </td>
              <td>
                {dateTime(each.addedAt)}, {each.by}
              </td>
              <td>
                {app.isAdmin.value ? (
                  <Button kind="quiet" onClick={() => ask(app, removeSshKeyAction(each))}>
                    {t("remove")}…<span class="unseen"> {each.name}</span>
                  </Button>
                ) : null}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {app.isAdmin.value ? (
        <div class="toolbar">
          <Button onClick={() => ask(app, addSshKeyAction())}>{t("sshKey.add")}…</Button>
        </div>
      ) : null}
    </section>
  );
}

/** What PCs and other hosts know the server by. */
function ServerKey() {
  const app = useApp();
  const fetched = useFetched<TrustView>("/trust");
  useReload(fetched);
  const { value } = fetched;
  const since = (key: string, time: string) => (
    <>
      <code class="key">{key}</code> <small>{t("trust.since", { time: dateTime(time) })}</small>
    </>
  );
  return (
    <section>
      <h2>{t("trust")}</h2>
      <p>{t("trust.what")}</p>
      <Trouble error={fetched.error} />
      {value === null ? null : (
        <>
          <Facts
            rows={[
              [t("trust.gate"), value.gate],
              [t("trust.present"), since(value.key, value.since)],
              value.next === null
                ? null
                : [t("trust.next"), since(value.next.key, value.next.since)],
              [t("trust.signing"), since(value.signing.key, value.signing.since)],
              ...value.signing.earlier.map(
                (key) => [t("trust.earlier"), <code class="key">{key}</code>] as const,
              ),
              ...value.signing.campus.map(
                ({ server, key }) =>
                  [t("trust.signing.at", { server }), <code class="key">{key}</code>] as const,
              ),
            ]}
          />
          {value.next === null ? null : (
            <p class="notice">
              <ShapeIcon shape="warn" /> {t("trust.half")}{" "}
              {value.away.length === 0 ? null : t("trust.away", { names: list(value.away) })}
            </p>
          )}
          {app.isAdmin.value ? (
            <div class="toolbar">
              {value.next === null ? (
                <Button onClick={() => ask(app, rotateAction(value))}>{t("trust.rotate")}…</Button>
              ) : (
                <Button kind="main" onClick={() => ask(app, finishRotationAction(value))}>
                  {t("trust.finish")}…
                </Button>
              )}
            </div>
          ) : null}
        </>
      )}
      <Commands lines={[command("trust", "show")]} />
    </section>
  );
}
