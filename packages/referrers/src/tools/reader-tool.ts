import type { Digest } from "@ocilot/layout/spec";
import type { LayoutView } from "../view/layout-view.js";

/** The programs whose reading of a layout ocilot models. */
export type ToolId = "oras" | "notation" | "regctl" | "regctl-slow" | "olareg" | "containerd" | "buildx" | "cosign" | "zot";

/** Something that goes wrong for a program in this layout. */
export interface Trap {
  /** `blocks`: the program cannot use the layout at all. */
  readonly severity: "blocks" | "warns";
  readonly message: string;
}

/** What a real program would find, modelled from its source and from runs. */
export interface ReaderTool {
  readonly id: ToolId;
  /** The program and the version that the model follows. */
  readonly title: string;
  /** The referrers that the program reports when it is asked for those of `subject` by digest. */
  finds(view: LayoutView, subject: Digest): Promise<readonly Digest[]>;
  traps(view: LayoutView): Promise<readonly Trap[]>;
}
