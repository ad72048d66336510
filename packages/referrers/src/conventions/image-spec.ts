import { IMAGE_SPEC_CONVERT, IMAGE_SPEC_SUBJECT } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { listConvention } from "./list-convention.js";

/** The annotations that image-spec pull request 1171 proposes; early olareg snapshots wrote them. */
export const imageSpec: Convention = listConvention({
  id: "image-spec",
  title: "a list per subject under an annotation (image-spec pull request 1171)",
  mark: (subject) => ({ key: IMAGE_SPEC_SUBJECT, value: subject }),
  flag: IMAGE_SPEC_CONVERT,
});
