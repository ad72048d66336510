import type { ConventionId } from "../graph/edge.js";
import type { ViewOptions } from "../view/view-options.js";

/** What a conversion does. */
export interface ConversionOptions extends ViewOptions {
  /** The convention to record every referrer in, or several. */
  readonly to: ConventionId | readonly ConventionId[];
  /** Remove the records of all other conventions once the targets hold every link of theirs. */
  readonly only?: boolean;
  /** Allow tags to move to image indexes that are rewritten; a conversion to `buildkit` needs it. */
  readonly allowDigestChange?: boolean;
}
