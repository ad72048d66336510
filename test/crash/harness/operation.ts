import type { Digest } from "@ocilot/layout";
import type { ConventionId } from "@ocilot/referrers";

/** What a worker is told to do, as plain data. */
export type Operation =
  | {
      readonly op: "attach";
      readonly subject: Digest;
      readonly artifactType: string;
      readonly text?: string;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly conventions?: readonly ConventionId[];
      /** Of a subject that is not in the layout. */
      readonly size?: number;
    }
  | { readonly op: "detach"; readonly digest: Digest; readonly recursive?: boolean }
  | { readonly op: "tag"; readonly digest: Digest; readonly name: string }
  | { readonly op: "untag"; readonly name: string }
  | { readonly op: "convert"; readonly to: ConventionId; readonly only?: boolean; readonly scan?: boolean }
  /** Into the layout, from the one in `from`, which may be a directory in it. */
  | { readonly op: "copy"; readonly from: string; readonly reference?: string; readonly force?: boolean }
  | { readonly op: "gc"; readonly prune?: boolean }
  /** Files of a bundle that are in the layout's own directory. */
  | { readonly op: "unbundle"; readonly files: readonly string[] };
