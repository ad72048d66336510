import {
  CREATED,
  type Descriptor,
  EMPTY_JSON,
  IMAGE_MANIFEST,
  type JsonNode,
  bareDescriptor,
  descriptorNode,
  goJson,
  sortedMembers,
} from "@ocilot/layout/spec";
import type { NewBlob } from "../view/layout-view.js";

/** The empty JSON object, used as a config or layer without content. */
export const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: EMPTY_JSON,
  digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" as Descriptor["digest"],
  size: 2,
  data: "e30=",
};

/** The same, to be stored. */
export const EMPTY_BLOB: NewBlob = { descriptor: EMPTY_DESCRIPTOR, text: "{}" };

/** The content of an artifact's manifest. */
export interface ArtifactManifest {
  readonly artifactType: string;
  readonly subject: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; without it no time is recorded, so that the same input gives the same digest. */
  readonly created?: string;
}

/**
 * The text of an artifact's manifest: empty config, `artifactType`, `subject`. Without layers it lists the empty blob.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage
 */
export function artifactManifest(artifact: ArtifactManifest): string {
  const annotations = { ...artifact.annotations, ...(artifact.created !== undefined && { [CREATED]: artifact.created }) };
  const layers = artifact.layers.length > 0 ? artifact.layers : [EMPTY_DESCRIPTOR];
  const members: [string, JsonNode][] = [
    ["schemaVersion", 2],
    ["mediaType", IMAGE_MANIFEST],
    ["artifactType", artifact.artifactType],
    ["config", descriptorNode(EMPTY_DESCRIPTOR)],
    ["layers", layers.map(descriptorNode)],
    ["subject", descriptorNode(bareDescriptor(artifact.subject))],
  ];
  if (Object.keys(annotations).length > 0) members.push(["annotations", sortedMembers(annotations)]);
  return goJson({ members });
}
