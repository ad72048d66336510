export * from "./apply-projection.js";
export * from "./convention-conformance.js";
export * from "./fixtures.js";
export * from "./index-text.js";
export * from "./layout-arbitrary.js";
export * from "./layout-builder.js";
export * from "./backend-conformance.js";
export * from "./registry/index.js";
