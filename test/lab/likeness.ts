/** Whether values are the same as JSON. Of two objects that were found to be so nothing is looked at again: neither is ever changed. */
export class Likeness {
  private readonly known = new WeakMap<object, object>();

  isSame(one: unknown, other: unknown): boolean {
    if (one === other) return true;
    if (one === null || typeof one !== "object") return false;
    if (other === null || typeof other !== "object") return false;
    if (this.known.get(one) === other) return true;
    const [these, those] = [one, other] as Record<string, unknown>[];
    if (these === undefined || those === undefined) return false;
    const isAlike =
      Array.isArray(one) === Array.isArray(other) &&
      Object.keys(these).every((key) => this.isSame(these[key], those[key])) &&
      Object.keys(those).every((key) => key in these || those[key] === undefined);
    if (isAlike) this.known.set(one, other);
    return isAlike;
  }
}
