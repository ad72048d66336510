import { MemberNames } from "./guards.js";

/** The members of a descriptor. */
export const DESCRIPTOR_NAMES: MemberNames = new MemberNames([
  "mediaType",
  "digest",
  "size",
  "annotations",
  "artifactType",
  "platform",
  "data",
  "urls",
]);
