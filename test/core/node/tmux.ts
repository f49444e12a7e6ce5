import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A program on a real terminal: a tmux server of its own with one window of this size. */
export class Tmux {
  readonly folder: string;
  private readonly socket: string;

  constructor(columns: number, lines: number, command: (folder: string) => readonly string[]) {
    this.folder = mkdtempSync(join(tmpdir(), "roomcast-screen-"));
    this.socket = join(this.folder, "tmux");
    const size = ["-x", String(columns), "-y", String(lines)];
    this.tmux("-f", "/dev/null", "new-session", "-d", ...size, ...command(this.folder));
    this.tmux("set-option", "-g", "status", "off");
    this.resize(columns, lines);
  }

  /** Keys by tmux's names (`Down`, `Enter`), or text as it is with `-l` before it. */
  press(...keys: string[]): void {
    this.tmux("send-keys", ...keys);
  }

  resize(columns: number, lines: number): void {
    this.tmux("resize-window", "-x", String(columns), "-y", String(lines));
  }

  screen(): string {
    return this.tmux("capture-pane", "-p");
  }

  /** Waits until the screen holds `text`; fails with the screen when it does not within `withinMs`. */
  async until(text: string | RegExp, withinMs = 10_000): Promise<string> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const picture = this.screen();
      if (typeof text === "string" ? picture.includes(text) : text.test(picture)) return picture;
      if (performance.now() > deadline) throw new Error(`no ${text} on the screen:\n${picture}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  [Symbol.dispose](): void {
    this.tmux("kill-server");
    rmSync(this.folder, { recursive: true });
  }

  private tmux(...args: string[]): string {
    // A tmux inside tmux, or a strange TERM outside, must not matter.
    const env = { ...process.env, TMUX: "", TERM: "xterm-256color", LC_ALL: "C.UTF-8" };
    return execFileSync("tmux", ["-S", this.socket, ...args], { env, encoding: "utf8" });
  }
}
