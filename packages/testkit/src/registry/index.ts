export * from "./certificates.js";
export * from "./fault-proxy.js";
export * from "./quirks.js";
export * from "./registry-state.js";
export * from "./request-log.js";
export * from "./test-registry.js";
export * from "./token-server.js";
