import type { LayoutView } from "./layout-view.js";

/** Caches a computation per view, for as long as the view lives. */
export function perView<T>(build: (view: LayoutView) => Promise<T>): (view: LayoutView) => Promise<T> {
  const known = new WeakMap<LayoutView, Promise<T>>();
  return (view) => {
    let result = known.get(view);
    if (result === undefined) known.set(view, (result = build(view)));
    return result;
  };
}
