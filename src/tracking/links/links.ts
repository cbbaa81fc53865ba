/** Paths of the content-delivery server. TOKEN stands for one recipient of one campaign; links add their number. */
export const trackingPaths = {
  open: (token: string) => `/o/${token}.gif`,
  click: (token: string, link: number) => `/c/${token}/${link}`,
  unsubscribe: (token: string) => `/u/${token}`,
  view: (token: string) => `/v/${token}`,
  preferences: (token: string) => `/p/${token}`,
} as const;

/** Path of the page that confirms a subscription, by its signed id. */
export function confirmPath(signedId: string): string {
  return `/confirm/${signedId}`;
}

/** Path of an image of a campaign, by the hash of its bytes. */
export function imagePath(hash: string, extension: string): string {
  return `/i/${hash}.${extension}`;
}

/** Query of a view-online link in a test message: which body it showed. */
export function viewTestQuery(variant: number, language: string): string {
  return `?${new URLSearchParams({ variant: String(variant), language })}`;
}
