import type { Descriptor, Layout } from "@ocilot/layout/web";
import { extensionContent } from "./extension-content.js";
import { dockerContent } from "./followed-blobs.js";
import type { LayoutView } from "./layout-view.js";

/** Returns what is present and in use without an entry of `index.json`: what Docker's files and other members of `index.json` name. */
export async function contentBesideEntries(layout: Layout, view: LayoutView): Promise<Descriptor[]> {
  return [...(await dockerContent(layout, view)), ...(await extensionContent(layout, view))];
}
