import { classOfMediaType } from "../media-type-classes.js";
import type { Wrapping } from "../wrapping.js";

/** An image index with a subject: its artifact type says what it is, and its manifests are not looked into. */
export const indexManifest: Wrapping = {
  id: "index",
  title: "image index with a subject",
  made: [{ kind: "other", by: "oras `manifest push`; regctl `index create --subject`" }],
  matches: ({ kind }) => kind === "index" || kind === "docker-list",
  classify: ({ artifactType }) => [{ wrapping: "index", ...classOfMediaType(artifactType ?? "") }],
  open: async (manifest) => indexManifest.classify(manifest).map((c) => ({ ...c, subjects: [], subjectCount: 0, steps: [], notes: [] })),
};
