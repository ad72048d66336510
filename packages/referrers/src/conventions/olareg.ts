import { OLAREG_CONVERT, OLAREG_SUBJECT } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { listConvention } from "./list-convention.js";

/** olareg's directory store: a list per subject, named by an annotation, and a flag that says so. */
export const olareg: Convention = listConvention({
  id: "olareg",
  title: "a list per subject under an annotation, with a flag (olareg)",
  mark: (subject) => ({ key: OLAREG_SUBJECT, value: subject }),
  flag: OLAREG_CONVERT,
});
