/** Verbs of other tools that name no single command here, and what to use instead. */
export const OTHER_VERBS: Readonly<Record<string, string>> = {
  push: "Use: ocilot copy LAYOUT:TAG docker://HOST/REPOSITORY:TAG",
  pull: "Use: ocilot copy docker://HOST/REPOSITORY:TAG LAYOUT:TAG",
  inspect: "Use: ocilot ls LAYOUT for images and platforms, ocilot cat REF for a manifest, ocilot referrers REF for what refers to it",
  rm: "Use: ocilot untag LAYOUT:TAG for a tag, ocilot detach LAYOUT@DIGEST for a referrer, then ocilot gc LAYOUT",
  delete: "Use: ocilot untag LAYOUT:TAG for a tag, ocilot detach LAYOUT@DIGEST for a referrer, then ocilot gc LAYOUT",
  prune: "Use: ocilot gc LAYOUT",
  save: "Use: ocilot copy REF FILE.tar",
  load: "Use: ocilot copy FILE.tar LAYOUT",
  sign: "ocilot does not sign. Sign with cosign or notation; ocilot attach --manifest records a signature manifest.",
  version: "Use: ocilot --version",
  show: "Use: ocilot ls LAYOUT, or ocilot cat REF for a manifest",
};
