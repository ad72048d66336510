export * from "./spec/index.js";
export * from "./storage.js";
export { digestOf, createHasher, type Hasher } from "./hash.js";
export { Layout, type LayoutOptions } from "./layout.js";
export { memoryBackend } from "./memory-backend.js";
export { resolveReference } from "./resolve.js";
export { OCTET_STREAM, sniffManifest } from "./sniff.js";
export { MARKER_FILE, LAYOUT_VERSION } from "./layout-marker.js";
