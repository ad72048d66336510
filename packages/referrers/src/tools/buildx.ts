import {
  CONTAINERD_SUBJECT,
  DOCKER_REFERENCE_DIGEST,
  type Descriptor,
  type Digest,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
} from "@ocilot/layout/spec";
import { unreadableMessage } from "../view/unreadable.js";
import { perView } from "../view/per-view.js";
import type { ReaderTool, Trap } from "./reader-tool.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * `buildx imagetools` over `oci-layout://`. It walks the OCI indexes and manifests below every entry that containerd's
 * annotation is not on, and follows `subject` and BuildKit's annotations; entries with containerd's annotation it takes
 * without a look inside. One manifest that cannot be read fails every query.
 */
export const buildxTool: ReaderTool = {
  id: "buildx",
  title: "buildx 0.33 imagetools",

  async finds(view, subject) {
    const { links, traps } = await modelOf(view);
    return traps.length > 0 ? [] : [...(links.get(subject) ?? [])];
  },

  async traps(view) {
    return (await modelOf(view)).traps;
  },
};

interface Model {
  readonly links: Map<string, Set<Digest>>;
  readonly traps: Trap[];
}

const modelOf = perView(build);

async function build(view: LayoutView): Promise<Model> {
  const links = new Map<string, Set<Digest>>();
  const traps: Trap[] = [];
  const visited = new Set<Digest>();
  const entries = view.entries.map((e) => e.descriptor);
  let level: readonly Descriptor[] = entries.filter((d) => !d.annotations?.[CONTAINERD_SUBJECT]);
  while (level.length > 0) {
    const fresh = level.filter((d) => !visited.has(d.digest) && visited.add(d.digest));
    const opened = fresh.filter((d) => d.mediaType === IMAGE_INDEX || d.mediaType === IMAGE_MANIFEST);
    for (const d of fresh) link(d.annotations?.[DOCKER_REFERENCE_DIGEST], d.digest);
    const nodes = await view.nodes(opened);
    for (const node of nodes) {
      const { digest, mediaType } = node.descriptor;
      if (node.state === "absent") traps.push({ severity: "blocks", message: `${digest} is missing from the layout: buildx fails on it` });
      else if (node.state === "damaged") traps.push({ severity: "blocks", message: unreadableMessage(node) });
      // Of an index it reads the children alone, so that one with a subject is no referrer to it.
      else if (mediaType === IMAGE_MANIFEST) link(manifestOf(node)?.subject?.digest, digest);
    }
    level = nodes.flatMap((n) => (n.descriptor.mediaType === IMAGE_INDEX ? (manifestOf(n)?.manifests ?? []) : []));
  }
  for (const d of entries) link(d.annotations?.[CONTAINERD_SUBJECT], d.digest);
  return { links, traps };

  function link(subject: string | undefined, referrer: Digest): void {
    if (subject === undefined || subject === "") return;
    const found = links.get(subject);
    if (found === undefined) links.set(subject, new Set([referrer]));
    else found.add(referrer);
  }
}
