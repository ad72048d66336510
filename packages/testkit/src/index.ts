export * from "./apply-projection.js";
export * from "./conformance.js";
export * from "./fixtures.js";
export * from "./index-text.js";
export * from "./layout-arbitrary.js";
export * from "./layout-builder.js";
