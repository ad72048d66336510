/** For every vitest configuration: how long a test may hang. No test depends on how fast the machine is. */
export const LIMITS = {
  // The default leaves one processor idle: on a machine with two, half of them.
  maxWorkers: "100%",
  testTimeout: 900_000,
  hookTimeout: 900_000,
  expect: { poll: { timeout: 600_000 } },
};
