/**
 * What the service manager wants to hear of its service: sd_notify(3). Node has no sockets of this kind, UNIX
 * datagrams.
 */
import koffi from "koffi";

/** The environment that a service manager gives its service. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/** For how long the manager is asked to be patient each time, and how often it is asked, in milliseconds. */
const patienceMs = 60_000;
const askEveryMs = 10_000;

export interface ServiceManager extends Disposable {
  /** The start may take longer than the manager's limit, until this is disposed of. */
  takesLong(status: string): Disposable;
  /** Every listener is up. From then on it hears that the main loop turns, if it wants to. */
  ready(status: string): void;
  /** The service ends in order. */
  stopping(): void;
}

/** A manager that hears nothing where the environment names none. Throws for one whose socket cannot be made. */
export function openServiceManager(environment: ServiceEnvironment): ServiceManager {
  const { NOTIFY_SOCKET: path } = environment;
  if (path === undefined || !/^[/@]/.test(path))
    return { takesLong: () => nothing, ready() {}, stopping() {}, ...nothing };
  const tell = openNotifySocket(path);
  const everyMs = watchdogMs(environment);
  let alive: NodeJS.Timeout | undefined;
  return {
    takesLong(status) {
      const ask = (): void => tell(`EXTEND_TIMEOUT_USEC=${patienceMs * 1000}\nSTATUS=${status}`);
      ask();
      const asking = setInterval(ask, askEveryMs);
      return { [Symbol.dispose]: () => clearInterval(asking) };
    },
    ready(status) {
      tell(`READY=1\nSTATUS=${status}`);
      if (everyMs === null) return;
      alive = setInterval(() => tell("WATCHDOG=1"), everyMs);
      alive.unref();
    },
    stopping: () => tell("STOPPING=1"),
    [Symbol.dispose]: () => clearInterval(alive),
  };
}

const nothing: Disposable = { [Symbol.dispose]() {} };

/** sd_watchdog_enabled(3): half of the time after which the service is taken for dead. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: ServiceEnvironment): number | null {
  const isOther = WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid;
  const limitMs = Number(WATCHDOG_USEC) / 1000;
  return isOther || !(limitMs > 0) ? null : limitMs / 2;
}

/** bits/socket.h: AF_UNIX; SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK; MSG_NOSIGNAL */
const afUnix = 1;
const datagrams = 2 | 0o2000000 | 0o4000;
const noSignal = 0x4000;

function openNotifySocket(path: string): (text: string) => void {
  const libc = koffi.load(null);
  const socketCall = libc.func("int socket(int domain, int type, int protocol)");
  const sendtoCall = libc.func(
    "int64_t sendto(int fd, const void *data, uint64_t length, int flags, const void *address, uint32_t addressLength)",
  );
  const fd: number = socketCall(afUnix, datagrams, 0);
  if (fd < 0) throw new Error(`a UNIX datagram socket cannot be made (errno ${koffi.errno()})`);
  // unix(7): a name in the abstract namespace has a NUL before it, and none behind it.
  const name = path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`;
  const address = Buffer.concat([Buffer.from(Uint16Array.of(afUnix).buffer), Buffer.from(name)]);
  return (text) => {
    const data = Buffer.from(text);
    // A manager that is gone hears nothing: that is no reason to end.
    sendtoCall(fd, data, data.length, noSignal, address, address.length);
  };
}
