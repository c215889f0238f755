// Where the pages are on their host: at its root, or below a path that a proxy has for them.

/** The path that all that is the collector's is below, without a slash at its end: "", or "/walkabout". The addresses of the page's own files, which the collector writes, tell. */
export const base: string = /^(.*)\/assets\//.exec(new URL(globalThis.document?.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href ?? "about:blank").pathname)?.[1] ?? "";

/** The part of a path that is the collector's; undefined if the path is not. */
export function inside(path: string, of = base): string | undefined {
  return path === of || path.startsWith(of + "/") ? path.slice(of.length) : undefined;
}
