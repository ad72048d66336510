/**
 * Tells whether a registry keeps reporting the end of the first chunk of an upload although it has stored more: ECR, by its host names.
 * What was acknowledged there cannot be told from what was lost, so an upload that broke off starts over.
 */
export function hasStaleRange(hostname: string): boolean {
  return /\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$|\.dkr-ecr\.[a-z0-9-]+\.on\.aws$|(?:^|\.)ecr\.aws$/.test(hostname);
}
