import { IMAGE_CONFIG, type Manifest } from "@ocilot/layout/spec";
import { type ReferrerEdge, edgeKey } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import { entryKind } from "../view/entry-kind.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { type CosignForm, cosignTag } from "./digest-tag.js";

const FORM_OF_ROLE: ReadonlyMap<string, CosignForm> = new Map([
  ["sigs", "sig"],
  ["atts", "att"],
  ["sboms", "sbom"],
]);

/** What cosign puts into the layers of the images that it attaches; its SBOM types are those of `cosign attach sbom`. */
const FORM_OF_LAYER: ReadonlyMap<string, CosignForm> = new Map<string, CosignForm>([
  ["application/vnd.dev.cosign.simplesigning.v1+json", "sig"],
  ["application/vnd.dsse.envelope.v1+json", "att"],
  ["text/spdx", "sbom"],
  ["text/spdx+xml", "sbom"],
  ["text/spdx+json", "sbom"],
  ["spdx+json", "sbom"],
  ["application/vnd.cyclonedx", "sbom"],
  ["application/vnd.cyclonedx+xml", "sbom"],
  ["application/vnd.cyclonedx+json", "sbom"],
  ["application/vnd.syft+json", "sbom"],
]);

/** The role under which cosign save and hauler keep each form. */
export const ROLE_OF_FORM: Readonly<Record<CosignForm, string>> = { sig: "sigs", att: "atts", sbom: "sboms" };

/**
 * Which edges lead to an image that cosign would take for its own, and of which form, by {@link edgeKey}. A tag or a
 * `kind` that made the link decides; else the media types of the layers do, so that other artifacts are never renamed.
 */
export async function cosignForms(edges: readonly ReferrerEdge[], view: LayoutView): Promise<Map<string, CosignForm>> {
  const nodes = await view.nodes(edges.map((e) => e.referrer));
  const entries = groupBy(view.entries, (e) => e.descriptor.digest);
  const forms = new Map<string, CosignForm>();
  for (const [i, edge] of edges.entries()) {
    const manifest = manifestOf(nodes[i]);
    if (manifest?.kind !== "image") continue;
    const form = formOfRecord(edge) ?? formOfLayers(manifest);
    if (form !== undefined) forms.set(edgeKey(edge), form);
  }
  return forms;

  function formOfRecord(edge: ReferrerEdge): CosignForm | undefined {
    const said = new Set(edge.evidence.map((e) => e.convention));
    for (const entry of entries.get(edge.referrer.digest) ?? []) {
      const kind = entryKind(entry);
      const form = kind !== undefined && said.has(kind.family) ? FORM_OF_ROLE.get(kind.role) : undefined;
      if (form !== undefined) return form;
      const tag = entry.tag ?? "";
      const named = said.has("cosign-tags") ? [...FORM_OF_ROLE.values()].find((f) => tag.endsWith(cosignTag(edge.subject, f))) : undefined;
      if (named !== undefined) return named;
    }
    return undefined;
  }
}

/** cosign reads the config of what it has attached as an image's; a DSSE layer in an artifact of another kind is not cosign's. */
function formOfLayers({ config, layers }: Manifest): CosignForm | undefined {
  const isImage = config?.mediaType === IMAGE_CONFIG || config?.mediaType.startsWith("application/vnd.dev.cosign.artifact.");
  const forms = new Set(layers.map((layer) => FORM_OF_LAYER.get(layer.mediaType)));
  return isImage && forms.size === 1 ? [...forms][0] : undefined;
}
