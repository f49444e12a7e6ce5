/** What of WebAssembly is used here: `core` knows neither Node's types nor a browser's. */

declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared?: boolean;
  }) => ProgramMemory;
  readonly Module: new (program: Uint8Array) => Program;
  readonly validate: (program: Uint8Array) => boolean;
  readonly Instance: new (program: Program, imports: object) => { readonly exports: object };
};

/** A program that was compiled; it runs over whatever memories it is given. */
export type Program = object;

/** Its length does not change. */
export interface ProgramMemory<Bytes extends ArrayBufferLike = ArrayBufferLike> {
  readonly buffer: Bytes;
}

const pageBytes = 65536;

/** Memory of whole pages of 64 KiB, filled with zeros; it begins at one. */
export function programMemory(byteCount: number): ProgramMemory<ArrayBuffer> {
  const pages = Math.ceil(byteCount / pageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages }) as ProgramMemory<ArrayBuffer>;
}

/** The same, which threads share: it can be sent to another. */
export function sharedMemory(byteCount: number): ProgramMemory<SharedArrayBuffer> {
  const pages = Math.ceil(byteCount / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return memory as ProgramMemory<SharedArrayBuffer>;
}

/** The bytes of a program, as lines of hexadecimal have them. */
export const programBytes = (...lines: readonly string[]): Uint8Array =>
  Uint8Array.from(
    lines.flatMap((line) => line.match(/../g) ?? []),
    (pair) => Number.parseInt(pair, 16),
  );

/** Whether this processor has all that the program asks for. */
export const canRun = (bytes: Uint8Array): boolean => WebAssembly.validate(bytes);

export const compiled = (bytes: Uint8Array): Program => new WebAssembly.Module(bytes);

/** The functions of a program over these memories, each imported as `NAME.memory`. */
export const started = <Functions extends object>(
  program: Program,
  memories: Readonly<Record<string, ProgramMemory>>,
): Functions =>
  new WebAssembly.Instance(
    program,
    Object.fromEntries(Object.entries(memories).map(([name, memory]) => [name, { memory }])),
  ).exports as Functions;
