import type { LayoutView } from "./view.js";

/** Works something out once for each view, whoever asks, and forgets it with the view. */
export function perView<T>(build: (view: LayoutView) => Promise<T>): (view: LayoutView) => Promise<T> {
  const known = new WeakMap<LayoutView, Promise<T>>();
  return (view) => {
    let result = known.get(view);
    if (result === undefined) known.set(view, (result = build(view)));
    return result;
  };
}
