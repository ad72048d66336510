import { IMAGE_SPEC_SUBJECT, OLAREG_SUBJECT } from "@ocilot/layout/spec";

/** The list conventions that name the subject of a list in an annotation of its entry. */
export type AnnotatedListId = "olareg" | "image-spec";

/** The conventions that keep one list per subject; regclient names the subject in the tag of the list. */
export type ListConventionId = "regclient" | AnnotatedListId;

/** The annotation of each. A new list convention gets its id above and a row here. */
export const LIST_ANNOTATIONS: Readonly<Record<AnnotatedListId, string>> = {
  olareg: OLAREG_SUBJECT,
  "image-spec": IMAGE_SPEC_SUBJECT,
};

/** The annotations of {@link LIST_ANNOTATIONS}. */
export const LIST_ANNOTATION_KEYS: readonly string[] = Object.values(LIST_ANNOTATIONS);

/** Every list convention, in the order in which they add entries. */
export const LIST_CONVENTIONS: readonly ListConventionId[] = ["regclient", ...(Object.keys(LIST_ANNOTATIONS) as AnnotatedListId[])];
