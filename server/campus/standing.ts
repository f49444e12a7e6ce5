/** How the images of a server's folder stand to the campus: which it lacks, and which it has no more. */
import type { Manifest } from "../../core/image/types.ts";
import type { KnownImages } from "./known-images.ts";

/** Milliseconds that an image of the folder which the campus has no more is kept: somebody may have taken the wrong database. */
export const goneLimitMs = 24 * 60 * 60_000;

export interface StandingPorts {
  readonly known: KnownImages;
  /** Of the folder. */
  images(): readonly Manifest[];
  isHere(imageId: string): boolean;
  /** Wall-clock time in milliseconds since 1970. */
  now(): number;
}

export class Standing {
  private readonly ports: StandingPorts;

  constructor(ports: StandingPorts) {
    this.ports = ports;
  }

  /** The campus had it and has it no more; or what it was made of. */
  isGone({ id, fitOf }: Manifest): boolean {
    const { known } = this.ports;
    return known.goneSince(id) !== null || (fitOf !== undefined && known.goneSince(fitOf) !== null);
  }

  /** The campus does not have it, and never had. */
  isLacking(image: Manifest): boolean {
    return !this.ports.known.has(image.id) && !this.isGone(image);
  }

  /** Images that the campus lacks and can take, the oldest first. A fitted version follows what it was made of. */
  lacking(): Manifest[] {
    const { images, known } = this.ports;
    return images()
      .filter((image) => this.isLacking(image))
      .filter((image) => {
        const { fitOf } = image;
        return fitOf === undefined || (known.has(fitOf) && !this.isDouble(image));
      })
      .sort((one, other) => (one.capturedAt < other.capturedAt ? -1 : 1));
  }

  /** When an image that the campus has no more goes from here, in milliseconds since 1970; null: the campus has it, or never had. */
  goesAt({ id }: Manifest): number | null {
    const since = this.ports.known.goneSince(id);
    return since === null ? null : Date.parse(since) + goneLimitMs;
  }

  /** Its time here is over: the campus has not had it for long, or it was fitted in vain. */
  isOver(image: Manifest): boolean {
    const { known, isHere, now } = this.ports;
    if (known.has(image.id)) return false;
    const goesAt = this.goesAt(image);
    if (goesAt !== null) return now() >= goesAt;
    const { fitOf } = image;
    if (fitOf === undefined) return false;
    return known.has(fitOf) ? this.isDouble(image) : !isHere(fitOf);
  }

  /** Another server made the same fitted version, and was first. */
  private isDouble({ id, fitOf, fitSize }: Manifest): boolean {
    const isSame = ({ manifest: other }: { readonly manifest: Manifest }): boolean =>
      other.id !== id && other.fitOf === fitOf && other.fitSize === fitSize;
    return this.ports.known.list().some(isSame);
  }
}
