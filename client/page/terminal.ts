/** A terminal in the page, for shells. It is a file of its own, so that only who opens one fetches it. */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import type { ShellSize } from "../../core/wire/shell.ts";

export interface OpenTerminal extends ShellSize {
  show(bytes: Uint8Array): void;
  focus(): void;
  onTyped(listener: (bytes: Uint8Array<ArrayBuffer>) => void): void;
  onResize(listener: (size: ShellSize) => void): void;
  close(): void;
}

export function openTerminal(place: HTMLElement): OpenTerminal {
  const terminal = new Terminal({
    ...{ fontFamily: "ui-monospace, Menlo, Consolas, monospace", fontSize: 14 },
    ...{ screenReaderMode: true, scrollback: 5000, cursorBlink: false },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  withSheets(() => terminal.open(place));
  fit.fit();
  const observer = new ResizeObserver(() => fit.fit());
  observer.observe(place);
  // The keyboard does not stay in it: Ctrl-] leaves, as in the console.
  terminal.attachCustomKeyEventHandler((event) => {
    if (!(event.ctrlKey && event.key === "]")) return true;
    terminal.blur();
    place.parentElement?.querySelector<HTMLElement>("button:not(.xterm *)")?.focus();
    return false;
  });
  const encoder = new TextEncoder();
  return {
    columns: terminal.cols,
    lines: terminal.rows,
    show: (bytes) => terminal.write(bytes),
    focus: () => terminal.focus(),
    onTyped(listener) {
      terminal.onData((text) => listener(encoder.encode(text)));
      terminal.onBinary((text) => listener(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    },
    onResize(listener) {
      terminal.onResize(({ cols, rows }) => listener({ columns: cols, lines: rows }));
    },
    close() {
      observer.disconnect();
      terminal.dispose();
    },
  };
}

/**
 * The terminal writes its rules into `style` elements, which the page's content security policy allows to
 * nobody. While it opens, what such an element is given becomes a style sheet of the document's instead.
 */
function withSheets(open: () => void): void {
  const make = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const made = make(name, options);
    if (name !== "style") return made;
    const sheet = new CSSStyleSheet();
    document.adoptedStyleSheets.push(sheet);
    Object.defineProperty(made, "textContent", {
      set: (rules: string) => sheet.replaceSync(rules),
    });
    made.remove = () => {
      const index = document.adoptedStyleSheets.indexOf(sheet);
      if (index >= 0) document.adoptedStyleSheets.splice(index, 1);
      Element.prototype.remove.call(made);
    };
    return made;
  };
  try {
    open();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}
