import { readFile } from "node:fs/promises";
import { parse } from "smol-toml";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { type DailyWindow, decodeDailyWindow } from "../../core/units/daily-window.ts";
import { decodeDiskSize } from "../../core/wire/fit-size.ts";
import { Ipv4 } from "../../core/wire/ipv4.ts";
import { Language } from "../../core/wire/language.ts";
import { foldedName } from "../../core/wire/names.ts";

/** None of what GRUB's and iPXE's scripts read as their own: quotes, `$`, `;`, `|`, `#`, braces. */
const kernelArgument = Type.String({ pattern: "^[A-Za-z0-9_.,:=/@+%^~!*-]+$" });
const Port = Type.Integer({ minimum: 1, maximum: 65535 });
const closed = { additionalProperties: false };
const FileName = Type.String({ minLength: 1, maxLength: 4096 });
/** Mbit/s as a number, or with its unit: `400 Mbit/s`, `400M`, `1.5 Gbit/s`, `500k`. */
const Rate = Type.Union([
  Type.Number({ exclusiveMinimum: 0 }),
  // A rate of zero is none.
  Type.String({ pattern: "^(?!0+(\\.0+)? ?[kMG])\\d+(\\.\\d+)? ?[kMG](bit/s)?$" }),
]);

/** Where the server listens when nobody says otherwise. */
export const usualPorts = { httpPort: 8080, httpsPort: 8443 };

/** The file that `serve --config` names. Everything in it is optional; see `docs/configuration.md`. */
export const Config = Type.Object(
  {
    /** `--http-port` and `--https-port` override it. */
    server: Type.Optional(
      Type.Object(
        {
          httpPort: Type.Optional(Port),
          httpsPort: Type.Optional(Port),
          /** Of the PCs' screens, where their room has no other. */
          language: Type.Optional(Language),
          /** What the other servers of its campus call it; by default its host name. */
          name: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$" })),
        },
        closed,
      ),
    ),
    dhcp: Type.Optional(
      Type.Object(
        {
          /** FIRST-LAST; `--range` overrides it. */
          range: Type.Optional(Type.String()),
          leaseSeconds: Type.Optional(Type.Integer({ minimum: 120 })),
          router: Type.Optional(Ipv4),
          dns: Type.Optional(Type.Array(Ipv4, { maxItems: 4 })),
          /** MAC = address: these PCs always get the same address. */
          static: Type.Optional(Type.Record(Type.String(), Ipv4)),
        },
        closed,
      ),
    ),
    /** One an interface; those that `--interface` names need none. */
    network: Type.Optional(
      Type.Array(
        Type.Object(
          {
            interface: Type.String({ pattern: "^[^\\s/]{1,15}$" }),
            /** As `--dhcp`, which overrides it. */
            dhcp: Type.Optional(
              Type.Union([
                Type.Literal("auto"),
                Type.Literal("server"),
                Type.Literal("proxy"),
                Type.Literal("off"),
              ]),
            ),
            /** FIRST-LAST */
            range: Type.Optional(Type.String()),
            /** Those of `[dhcp]`, for this network. */
            router: Type.Optional(Ipv4),
            dns: Type.Optional(Type.Array(Ipv4, { maxItems: 4 })),
            /** The highest rate of a session on this network. */
            rate: Type.Optional(Rate),
          },
          closed,
        ),
        { maxItems: 64 },
      ),
    ),
    /** Networks whose PCs a DHCP relay brings here. */
    relayed: Type.Optional(
      Type.Array(
        Type.Object(
          {
            /** As in 10.20.0.0/24. */
            subnet: Type.String({ pattern: "^\\d{1,3}(\\.\\d{1,3}){3}/(\\d|[12]\\d|30)$" }),
            /** By which their relay comes; by default the server's first. */
            interface: Type.Optional(Type.String()),
            /** FIRST-LAST; by default the upper half of the subnet. */
            range: Type.Optional(Type.String()),
            /** By default the relay. */
            router: Type.Optional(Ipv4),
            dns: Type.Optional(Type.Array(Ipv4, { maxItems: 4 })),
          },
          closed,
        ),
        { maxItems: 256 },
      ),
    ),
    cast: Type.Optional(
      Type.Object(
        {
          /** The highest rate of a session. */
          rate: Type.Optional(Rate),
          /** The same as a number of Mbit/s; `rate` overrides it. */
          rateMbps: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
        },
        closed,
      ),
    ),
    /** By room name. */
    rooms: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          {
            /** The highest rate of a session of this room; it overrides `cast.rate`. */
            rate: Type.Optional(Rate),
          },
          closed,
        ),
      ),
    ),
    /** The database of a campus, PostgreSQL. With it goes `store.s3`. */
    state: Type.Optional(
      Type.Object(
        {
          /** `postgres://USER@HOST:PORT/DATABASE`, or `postgres:///DATABASE?host=FOLDER` for a socket. */
          url: Type.String({ minLength: 1, maxLength: 1024 }),
          passwordFile: Type.Optional(FileName),
          /** PEM: who signs the database's certificate, if not those whom the system trusts. */
          caFile: Type.Optional(FileName),
        },
        closed,
      ),
    ),
    store: Type.Optional(
      Type.Object(
        {
          /** FROM-TO of each day: then images are packed anew, while no session has PCs at work. */
          optimise: Type.Optional(Type.String()),
          /** What the images of a campus may take on this server, as in `500GB`. */
          cache: Type.Optional(Type.String()),
          /** The file of the key with which all servers of a campus seal what lies in the storage. */
          seal: Type.Optional(FileName),
          /** The storage of a campus. With it goes `state`. */
          s3: Type.Optional(
            Type.Object(
              {
                endpoint: Type.String({ minLength: 1, maxLength: 1024 }),
                region: Type.String({ minLength: 1, maxLength: 64 }),
                bucket: Type.String({ minLength: 3, maxLength: 63 }),
                accessKeyFile: FileName,
                secretKeyFile: FileName,
                /** The bucket is named in the path, and not in the host's name. */
                forcePathStyle: Type.Optional(Type.Boolean()),
                /** PEM: who signs the storage's certificate, if not those whom the system trusts. */
                caFile: Type.Optional(FileName),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    history: Type.Optional(
      Type.Object(
        {
          /** What happened longer ago is forgotten. */
          keepDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
        },
        closed,
      ),
    ),
    tls: Type.Optional(
      Type.Object(
        {
          /** For operators and browsers, in PEM: the site's own certificate, with its chain, and its key. */
          certificate: Type.Optional(Type.String()),
          key: Type.Optional(Type.String()),
          /** Names by which the server is called, beside its own host name. */
          names: Type.Optional(Type.Array(Type.String({ pattern: "^[A-Za-z0-9.-]{1,253}$" }))),
        },
        closed,
      ),
    ),
    /** The site's own provider of identities, for logins at the page. */
    oidc: Type.Optional(
      Type.Object(
        {
          /** As the provider writes it, an https address. */
          issuer: Type.String({ maxLength: 1024 }),
          clientId: Type.String({ minLength: 1, maxLength: 256 }),
          clientSecretFile: Type.String({ minLength: 1 }),
          /** What the page's button says. */
          label: Type.String({ minLength: 1, maxLength: 64 }),
          roles: Type.Object(
            {
              /** The claim, of the ID token or of userinfo, whose values mean roles. */
              claim: Type.String({ minLength: 1, maxLength: 256 }),
              admin: Type.Optional(Type.Array(Type.String())),
              operator: Type.Optional(Type.Array(Type.String())),
              viewer: Type.Optional(Type.Array(Type.String())),
            },
            closed,
          ),
        },
        closed,
      ),
    ),
    boot: Type.Optional(
      Type.Object(
        {
          /** The folder of kernel, initrd and loaders; by default `build/boot` of this roomcast. */
          folder: Type.Optional(Type.String()),
          /** Added to the PCs' kernel command line. */
          kernelArguments: Type.Optional(Type.Array(kernelArgument)),
          /** `full`: with the drivers of rare hardware; `small`: without them. */
          image: Type.Optional(Type.Union([Type.Literal("full"), Type.Literal("small")])),
          /** PCs with Secure Boot start the image of `make secure-boot-image`, and no GRUB. */
          secureBootImage: Type.Optional(Type.Boolean()),
          /** Kernels that the boot menu offers in addition to the standard one. */
          kernels: Type.Optional(
            Type.Array(
              Type.Object(
                {
                  /** Its folder in the boot folder is `kernels/NAME/`, made by `make kernel`. */
                  name: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$" }),
                  /** The menu's text after "roomcast with"; by default "kernel NAME". */
                  title: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9 ._()-]{1,40}$" })),
                  arguments: Type.Optional(Type.Array(kernelArgument)),
                },
                closed,
              ),
              { maxItems: 8 },
            ),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type Config = Static<typeof Config>;

/** How long the history is kept where nobody says, in days. */
export const usualHistoryDays = 365;

/** The operator's cap on the rate of a session of this room, in bits a second, or null. */
export function rateLimitOf({ cast, rooms }: Config, room: string | null): number | null {
  const named = Object.entries(rooms ?? {}).find(
    ([name]) => room !== null && foldedName(name) === foldedName(room),
  );
  const own = named?.[1].rate;
  const rate = own ?? cast?.rate ?? cast?.rateMbps;
  return rate === undefined ? null : bpsOf(rate);
}

/** When images are packed anew that nobody named, or null. */
export function optimiseAtOf({ store }: Config): DailyWindow | null {
  const window = store?.optimise === undefined ? null : decodeDailyWindow(store.optimise);
  return window?.ok === true ? window.value : null;
}

/** What a server of a campus is told of it. */
export interface CampusConfig {
  /** Null: its host name. */
  readonly server: string | null;
  readonly database: NonNullable<Config["state"]>;
  readonly storage: NonNullable<NonNullable<Config["store"]>["s3"]>;
  /** The file of the key; null: nothing is sealed. */
  readonly seal: string | null;
  /** What the images may take here, in bytes; null: the disk is the bound. */
  readonly cacheBytes: number | null;
}

/** Null: the server belongs to none. */
export function campusOf({ server, state, store }: Config): CampusConfig | null {
  if (state === undefined || store?.s3 === undefined) return null;
  const cache = store.cache === undefined ? null : decodeDiskSize(store.cache);
  return {
    ...{ server: server?.name ?? null, database: state, storage: store.s3 },
    ...{ seal: store.seal ?? null, cacheBytes: cache?.ok === true ? cache.value.bytes : null },
  };
}

const unitBps = { k: 1e3, M: 1e6, G: 1e9 } as const;

/** Of a rate as the configuration words it. */
export function bpsOf(rate: number | string): number {
  if (typeof rate === "number") return rate * unitBps.M;
  const unit = /[kMG]/.exec(rate)?.[0] as keyof typeof unitBps;
  return Number.parseFloat(rate) * unitBps[unit];
}

/** What does not go together of a campus's settings; null: all does. */
function campusFault({ state, store }: Config): string | null {
  const { s3, seal, cache } = store ?? {};
  if (state !== undefined && s3 === undefined)
    return "/state names the database of a campus, whose images need [store.s3] too";
  if (s3 !== undefined && state === undefined)
    return "/store/s3 names the storage of a campus, which needs its database too: [state] url";
  if (s3 === undefined && seal !== undefined) return "/store/seal is for a campus: see [store.s3]";
  if (s3 === undefined && cache !== undefined)
    return "/store/cache is for a campus: see [store.s3]";
  const size = cache === undefined ? null : decodeDiskSize(cache);
  return size?.ok === false ? `/store/cache ${cache} is no size, as 500GB is` : null;
}

/** Reads and checks a configuration file; throws `bad-input` and names the setting that is wrong. */
export async function readConfig(path: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const next = "name a file that is there and may be read";
    throw new RoomcastError("bad-input", `${path}: ${errorText(cause)}`, next, { cause });
  }
  return decodeConfig(text, path);
}

/** The same of a text; `path`: of its file, for the error. */
export function decodeConfig(text: string, path: string): Config {
  const refuse = (why: string, cause?: unknown): RoomcastError =>
    new RoomcastError(
      "bad-input",
      `${path}: ${why}`,
      "correct it; docs/configuration.md lists the settings",
      { cause },
    );
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw refuse(
      error instanceof Error ? (error.message.split("\n")[0] ?? "") : "unreadable",
      error,
    );
  }
  if (Value.Check(Config, value)) {
    const optimise = value.store?.optimise;
    const window = optimise === undefined ? null : decodeDailyWindow(optimise);
    if (window?.ok === false) throw refuse(`/store/optimise ${window.reason}`);
    const fault = campusFault(value);
    if (fault !== null) throw refuse(fault);
    return value;
  }
  const [first] = Value.Errors(Config, value);
  throw refuse(`${first?.instancePath ?? ""} ${first?.message ?? "is not a configuration"}`.trim());
}
