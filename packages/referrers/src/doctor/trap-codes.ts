import { ATTACH_AGAIN, ATTACH_AS_ONE } from "../verify/attach-again.js";
import type { ToolId } from "../tools/reader-tool.js";

/** Programs without a model here that traps concern. */
export type OtherProgram =
  | "oras-go GC"
  | "oras cp"
  | "oras restore"
  | "regctl image copy"
  | "umoci gc"
  | "docker load"
  | "ctr import"
  | "skopeo copy"
  | "skopeo copy --all"
  | "hauler"
  | "other users";

/** A row of the table in docs/doctor.md. */
export interface TrapRow {
  /** Its number in docs/doctor.md; traps without one follow from the links themselves. */
  readonly number?: number;
  /** The programs that it concerns. */
  readonly programs: readonly (ToolId | OtherProgram)[];
  /** What happens, one sentence. */
  readonly effect: string;
  /** The command that fixes it, with the placeholders of `fillIn`. It removes no image, tag or referrer, but a referrer that it has attached anew. */
  readonly fix: string;
}

/** The codes of traps; stable, so that a script may rely on them. */
export type TrapCode =
  | "INDEX_UNSAFE"
  | "MANIFEST_UNREADABLE"
  | "SUBJECT_MISMATCH"
  | "LIST_INEXACT"
  | "LIST_NOT_SERVED"
  | "TAG_LIKE_LIST"
  | "REFERRER_UNLISTED"
  | "NOT_RECORDED"
  | "NO_SUBJECT"
  | "LEGACY_TYPE"
  | "SUBJECT_DANGLING"
  | "SPARSE"
  | "MANIFEST_LARGE"
  | "NO_TAGS"
  | "DOCKER_TYPES"
  | "UNTAGGED_ENTRIES"
  | "HAULER_DROPS"
  | "SKOPEO_REPLACES"
  | "FILES_PRIVATE";

const TO_UNIVERSAL = "ocilot convert LAYOUT --to universal";

/** Every trap, in the order in which they should be fixed. A new one needs a row here, a detector, a test that makes it, and a row in docs/doctor.md. */
export const TRAPS: Readonly<Record<TrapCode, TrapRow>> = {
  INDEX_UNSAFE: {
    number: 9,
    programs: ["regctl", "oras", "skopeo copy", "umoci gc"],
    effect: "Tools read index.json differently or not at all; regctl treats one that it cannot read as empty and deletes every blob.",
    fix: "ocilot copy --all LAYOUT NEW",
  },
  MANIFEST_UNREADABLE: {
    number: 4,
    programs: ["oras", "notation"],
    effect: "oras opens everything that index.json leads to, and refuses the whole layout if one manifest does not match its descriptor.",
    fix: "ocilot repair LAYOUT --from OTHER",
  },
  SUBJECT_MISMATCH: {
    number: 5,
    programs: ["oras", "notation"],
    effect: "The referrer describes its subject wrongly: oras loses the link or refuses the whole layout.",
    fix: ATTACH_AGAIN,
  },
  LIST_INEXACT: {
    number: 1,
    programs: ["olareg"],
    effect: "olareg 0.2.2 hangs on a list that differs from what it would write itself.",
    fix: TO_UNIVERSAL,
  },
  LIST_NOT_SERVED: {
    number: 2,
    programs: ["olareg"],
    effect: "The annotation of index.json tells olareg that these lists are converted already, so it never reads them.",
    fix: "ocilot convert LAYOUT --to olareg",
  },
  TAG_LIKE_LIST: {
    number: 11,
    programs: ["regctl", "olareg"],
    effect:
      "The tag has the form of a list of referrers: regctl overwrites it with the next referrer, and ocilot does not write a list there.",
    fix: "ocilot tag LAYOUT@DIGEST NAME && ocilot untag LAYOUT:TAG",
  },
  REFERRER_UNLISTED: {
    number: 3,
    programs: ["regctl", "oras", "notation", "olareg", "umoci gc", "oras-go GC"],
    effect: "No record lists the referrer: few tools find it, and the next garbage collection of regctl, umoci or oras-go deletes it.",
    fix: "ocilot convert LAYOUT --to universal --scan",
  },
  NOT_RECORDED: {
    programs: [],
    effect: "The link is recorded in a way that these tools do not read: they do not list the referrer, and do not copy it.",
    fix: TO_UNIVERSAL,
  },
  NO_SUBJECT: {
    programs: ["oras", "notation", "regctl", "regctl-slow", "olareg"],
    effect: "The manifest has no `subject` field: tools that rely on it neither find nor copy the referrer, whatever index.json says.",
    fix: "ocilot lift LAYOUT",
  },
  LEGACY_TYPE: {
    programs: ["oras", "notation", "buildx", "zot"],
    effect: "The manifest is of a withdrawn type: current tools keep it at best, and do not list it.",
    fix: "ocilot lift LAYOUT --from legacy",
  },
  SUBJECT_DANGLING: {
    number: 6,
    programs: ["oras", "notation", "umoci gc", "oras-go GC"],
    effect:
      "The subject is not in the layout: umoci gc stops with an error, the garbage collection of oras-go up to 2.6.2 never ends, oras cannot look it up.",
    fix: "ocilot copy SOURCE LAYOUT",
  },
  SPARSE: {
    number: 15,
    programs: ["olareg", "zot", "buildx", "umoci gc", "oras cp", "oras restore", "regctl image copy", "skopeo copy --all"],
    effect:
      "Content is missing: olareg removes the entries of missing manifests, zot and buildx fail every query, umoci gc stops, and oras cp, oras restore, regctl image copy and skopeo copy --all cannot copy or push the image.",
    fix: "ocilot copy SOURCE LAYOUT",
  },
  MANIFEST_LARGE: {
    programs: ["oras", "notation", "oras cp"],
    effect: "oras and most registries refuse a manifest over 4 MiB: the image or the referrer cannot be pushed.",
    fix: ATTACH_AS_ONE,
  },
  NO_TAGS: {
    number: 8,
    programs: ["oras-go GC"],
    effect: "The garbage collection of oras-go keeps only what a tag leads to: it deletes everything.",
    fix: "ocilot tag LAYOUT@DIGEST latest",
  },
  DOCKER_TYPES: {
    number: 7,
    programs: ["umoci gc"],
    effect: "umoci gc does not open manifests of Docker's types and deletes their configs and layers; use ocilot gc instead.",
    fix: "ocilot gc LAYOUT",
  },
  UNTAGGED_ENTRIES: {
    number: 12,
    programs: ["docker load", "ctr import"],
    effect:
      "docker load, and ctr import with --digests, create an image for each list and each untagged entry without the io.containerd.manifest.subject annotation. The fix removes the records that regctl and olareg rely on.",
    fix: "ocilot convert LAYOUT --to containerd --only",
  },
  HAULER_DROPS: {
    number: 13,
    programs: ["hauler"],
    effect: "hauler keeps only entries that have a name: it drops these when it saves the store.",
    fix: "ocilot convert LAYOUT --to hauler",
  },
  SKOPEO_REPLACES: {
    number: 14,
    programs: ["skopeo copy"],
    effect:
      "skopeo copy of this manifest into the layout, without a name, replaces the entry, and a link that only its annotations record is lost.",
    fix: "ocilot lift LAYOUT",
  },
  FILES_PRIVATE: {
    number: 10,
    programs: ["other users"],
    effect: "Only the owner can read these files.",
    fix: "chmod -R a+rX LAYOUT",
  },
};

/** Every code of a trap, in the order of their rows. */
export const TRAP_CODES: readonly TrapCode[] = Object.keys(TRAPS) as TrapCode[];
