/** For commands that can print JSON. */
export const jsonOption = {
  json: { type: "boolean", default: false, describe: "Print JSON; errors too" },
} as const;
