/** How a layout is looked at. */
export interface ViewOptions {
  /** Read every blob to find unlisted manifests. A layout with `kind` entries is always read this way. */
  scan?: boolean;
  /**
   * Fail where the system cannot read a blob, for want of rights or of open files. Otherwise such a manifest counts as
   * damaged, and a write based on the view would drop it.
   */
  strict?: boolean;
  signal?: AbortSignal;
}
