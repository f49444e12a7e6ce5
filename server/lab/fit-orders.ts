import { RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import { cannotFitSizeText, requireFit } from "../../core/screen/fit.ts";
import { foreseenDisks, sectorsOf } from "../../core/screen/target.ts";
import { type FitPlan, planFit } from "../../core/session/fit-plan.ts";
import type { ImageView, PcView } from "../../core/wire/views.ts";
import type { PcRecord } from "../state/records.ts";
import type { Fits } from "./fits.ts";
import type { ImageOrders } from "./image-orders.ts";
import type { Inventory } from "./inventory.ts";
import type { RestoreRequest } from "./receivers-request.ts";
import type { RoomOrders } from "./room-orders.ts";

export interface FitOrdersPorts {
  readonly inventory: Inventory;
  readonly images: ImageOrders;
  readonly rooms: Pick<RoomOrders, "view">;
  readonly fits: Fits;
  pcView(pc: PcRecord): PcView;
}

/** Which version of an image fits the disks of the PCs that are to have it, as far as they are known. */
export class FitOrders {
  private readonly ports: FitOrdersPorts;

  constructor(ports: FitOrdersPorts) {
    this.ports = ports;
  }

  /** What these PCs get of an image. Throws `refused` when it cannot be made so small. */
  versionFor(
    image: Manifest,
    pcs: readonly PcRecord[],
    request: Pick<RestoreRequest, "fit" | "disk" | "failingDisks" | "meant">,
  ): Pick<RestoreRequest, "image" | "fitTo"> {
    if (request.fit === "never") return { image, fitTo: null };
    const plan = this.fitPlan(image, pcs, request);
    const { images } = this.ports;
    if (plan.kind === "as-is" || plan.kind === "reuse")
      return { image: images.find(plan.image.id), fitTo: null };
    return { image: images.find(plan.origin.id), fitTo: plan.diskBytes };
  }

  private fitPlan(
    image: Manifest,
    pcs: readonly PcRecord[],
    { disk, failingDisks, meant = {} }: Pick<RestoreRequest, "disk" | "failingDisks" | "meant">,
  ): Exclude<FitPlan, { kind: "cannot" }> {
    const { images, rooms, pcView } = this.ports;
    const views = [...new Set(pcs.map(({ room }) => room))].map((room) => rooms.view(room));
    const request = { named: disk, failingDisks, sectors: sectorsOf(image), meant };
    const disks = foreseenDisks(
      pcs.map((pc) => pcView(pc)),
      views,
      request,
    );
    return requireFit(planFit(images.view(image), images.views(), disks));
  }

  /**
   * Has a version of an image made that fits a room's disks, as far as they are known; null: none has to be.
   * Throws and rejects with `not-found`, `refused` and `failed`.
   */
  fit(order: { image: string; room: string }, signal: AbortSignal): Promise<ImageView> | null {
    const { inventory, images, fits } = this.ports;
    const pcs = inventory.pcsOf(inventory.room(order.room).name);
    const plan = this.fitPlan(images.find(order.image), pcs, { disk: null, failingDisks: [] });
    if (plan.kind !== "make") return null;
    const { origin, diskBytes } = plan;
    return fits.ready({ image: origin.id, diskBytes }, signal);
  }

  /**
   * Has a version of an image made that fits a disk of this size, and answers it; one that fits already is
   * answered as it is. When `signal` aborts and nobody else waits for it, nothing of it is left.
   */
  async fitTo(
    reference: string,
    diskBytes: number,
    { signal, progress }: { signal: AbortSignal; progress: (fraction: number) => void },
  ): Promise<ImageView> {
    const { images, fits } = this.ports;
    const image = images.view(images.find(reference));
    const plan = planFit(image, images.views(), [{ name: "the order", bytes: diskBytes }]);
    if (plan.kind === "cannot") {
      const { what, next } = cannotFitSizeText(plan);
      throw new RoomcastError("refused", what, next);
    }
    if (plan.kind !== "make") return plan.image;
    return fits.ready({ image: plan.origin.id, diskBytes }, signal, ({ fraction }) =>
      progress(fraction ?? 0),
    );
  }
}
