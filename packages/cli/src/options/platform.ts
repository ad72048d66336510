/** Names one platform of an image index. */
export const platformOption = {
  platform: {
    type: "string",
    alias: "p",
    placeholder: "PLATFORM",
    complete: "platform",
    describe: "This platform of an image index, such as linux/arm64",
  },
} as const;
