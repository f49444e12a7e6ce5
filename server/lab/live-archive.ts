import { errorText } from "../../core/errors.ts";
import type { LivePlan } from "../../core/image/live-plan.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Input } from "../../core/session/kind.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import { LiveCast, type LiveCastPorts } from "./live-cast.ts";
import type { Session } from "./session.ts";

export interface LiveArchivePorts
  extends Pick<
    LiveCastPorts,
    "timers" | "castKeys" | "send" | "sendBulk" | "startReceiver" | "receivers"
  > {
  take(input: Input): void;
  committed(manifest: Manifest): void;
  /** What the cast left could not be tidied up. */
  untidy(why: string): void;
}

/** The server's part in one live cast: what it hands on, and the image that it keeps. */
export class LiveArchive {
  readonly cast: LiveCast;
  private readonly session: Session;
  private readonly writer: ImageWriter;
  private readonly ports: LiveArchivePorts;
  private isSealed = false;
  private isWhole = false;

  constructor(session: Session, writer: ImageWriter, ports: LiveArchivePorts) {
    this.session = session;
    this.writer = writer;
    this.ports = ports;
    const { spec } = session.state as LiveState;
    this.cast = new LiveCast(
      { session: session.id, place: spec.cast, sender: spec.sender, writer },
      {
        ...ports,
        planned: () => ports.take({ type: "planned" }),
        sealed: (rootHash, storedBytes) => {
          this.isSealed = true;
          ports.take({ type: "sealed", rootHash, storedBytes });
          this.commitIfWhole();
        },
        archived: (trouble) => {
          if (trouble !== null) return ports.take({ type: "not-stored", reason: trouble });
          this.isWhole = true;
          this.commitIfWhole();
        },
      },
    );
  }

  /** Rejects with a RoomcastError when the server cannot take part; the session ends then. */
  async takePlan(plan: LivePlan): Promise<void> {
    try {
      if (this.saveAs !== null) await this.writer.requireSpace(plan.manifest.usedBytes);
      await this.cast.takePlan(plan);
    } catch (error) {
      this.break(error);
      throw error;
    }
  }

  takeEntries(payload: Uint8Array): void {
    try {
      this.cast.takeEntries(payload);
    } catch (error) {
      this.break(error);
    }
  }

  /** Nothing is left of it but a committed image. */
  close(): void {
    this.cast.close().catch((error: unknown) => this.ports.untidy(String(error)));
  }

  private get saveAs(): string | null {
    return (this.session.state as LiveState).spec.saveAs;
  }

  /** The archive is an image as soon as every hash is known and every chunk is here. */
  private commitIfWhole(): void {
    if (!this.isSealed || !this.isWhole || this.saveAs === null) return;
    this.cast.commit().then(
      (manifest) => {
        this.ports.committed(manifest);
        const image = imageName(manifest);
        this.ports.take({ type: "stored", image, imageId: manifest.id });
      },
      (error: unknown) => this.ports.take({ type: "not-stored", reason: errorText(error) }),
    );
  }

  private break(error: unknown): void {
    const { spec } = this.session.state as LiveState;
    const reason = `the PC that sends, ${spec.senderName}, failed: ${errorText(error)}`;
    this.ports.take({ type: "cast-broken", reason });
  }
}
