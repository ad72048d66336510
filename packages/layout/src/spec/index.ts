export * from "./annotations.js";
export * from "./descriptor.js";
export { descriptorNode, descriptorText, descriptorsText, foreignMembers, wholeDescriptorNode } from "./descriptor-json.js";
export * from "./digest.js";
export {
  DOCKER_FILES,
  type DockerDocuments,
  type DockerFile,
  type DockerImage,
  type DockerImages,
  parseDockerImages,
} from "./docker-images.js";
export { foldFileName, isDeviceName } from "./file-name.js";
export * from "./go-json.js";
export * from "./guards.js";
export * from "./json.js";
export * from "./manifest.js";
export { isSchemaVersion } from "./manifest-members.js";
export { parseManifest, parseManifestAsGo } from "./parse-manifest.js";
export * from "./media-types.js";
export { isRegistryReference, splitRegistryReference } from "./registry-reference.js";
export { ValuePool, sharedMap } from "./value-pool.js";
export * from "../errors.js";
export type { EntryEdit } from "./edit-plain-entry.js";
export * from "./index-edit.js";
export * from "./index-snapshot.js";
