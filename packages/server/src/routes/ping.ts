import { empty } from "../protocol/answer.js";
import type { Endpoint } from "./endpoint.js";

/**
 * Says that this is a registry (end-1).
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 */
export const ping: Endpoint = async () => empty(200, { "docker-distribution-api-version": "registry/2.0" });
