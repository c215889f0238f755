// Where a person is: the path chooses the page, the query holds what can be bookmarked of it (search, order, span).
import { useEffect, useState } from "preact/hooks";
import { url, type Query } from "./api/client";
import { base, inside } from "./base";

export interface Route {
  page: "fleet" | "device" | "interface" | "alerts" | "alert" | "events" | "collector" | "none";
  /** Decoded: the device's name, and the interface's; or an alert's fingerprint. */
  args: string[];
  query: URLSearchParams;
}

/** Takes a path, as the collector sees it, and a query apart. */
export function parse(path: string, search: string): Route {
  const query = new URLSearchParams(search);
  const parts = path.split("/").filter((p) => p !== "").map(decode);
  const [first, a, second, b] = parts;
  const route = (page: Route["page"], ...args: string[]): Route => ({ page, args, query });
  switch (first) {
    case undefined:
      return route("fleet");
    case "devices":
      if (a === undefined) return route("fleet");
      if (second === undefined) return route("device", a);
      if (second === "interfaces" && b !== undefined && parts.length === 4) return route("interface", a, b);
      break;
    case "alerts":
      if (parts.length === 1) return route("alerts");
      if (parts.length === 2 && a !== undefined) return route("alert", a);
      break;
    case "events":
    case "collector":
      if (parts.length === 1) return route(first);
  }
  return route("none");
}

/** Decodes a part of an address; what makes no sense stays as it is. */
export function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const enc = encodeURIComponent;

/** The address of a page, to be linked to: href("/alerts", { view: "history" }). */
export const href = (path: string, query: Query = {}): string => url(base + path, query);

/** The path of a device's page. */
export const devicePath = (device: string): string => href(`/devices/${enc(device)}`);

/** The path of an interface's page. */
export const interfacePath = (device: string, name: string): string => href(`/devices/${enc(device)}/interfaces/${enc(name)}`);

/** The path of an alert's page, which notifications link to. */
export const alertPath = (fingerprint: string): string => href(`/alerts/${enc(fingerprint)}`);

/** Goes to a path (with its query) as a link would. */
export function go(to: string): void {
  history.pushState(null, "", to);
  window.dispatchEvent(new Event("routechange"));
  window.scrollTo(0, 0);
}

/** How many steps back in the history are of the page that is shown. */
export function stepsBack(): number {
  const state: unknown = history.state;
  return typeof state === "object" && state !== null && "steps" in state && typeof state.steps === "number" ? state.steps : 0;
}

/** Changes the query of the page that is shown, with a step in the history or without; null and "" remove a key. */
export function setQuery(change: Record<string, string | null>, step = false): void {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(change)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  const text = query.toString();
  const to = location.pathname + (text ? "?" + text : "");
  if (to === location.pathname + location.search) return;
  if (step) history.pushState({ steps: stepsBack() + 1 }, "", to);
  else history.replaceState(history.state, "", to);
  window.dispatchEvent(new Event("routechange"));
}

const here = (): Route => parse(inside(location.pathname) ?? "/none", location.search);

/** The route that is shown; the component is drawn anew when it changes. */
export function useRoute(): Route {
  const [route, set] = useState(here);
  useEffect(() => {
    const changed = (): void => set(here());
    window.addEventListener("popstate", changed);
    window.addEventListener("routechange", changed);
    return () => {
      window.removeEventListener("popstate", changed);
      window.removeEventListener("routechange", changed);
    };
  }, []);
  return route;
}

/** Lets plain clicks on links to pages of ours change the route, without loading anew. What is not a page (/metrics) is loaded. */
export function takeLinks(root: HTMLElement): void {
  root.addEventListener("click", (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const link = (e.target as Element).closest("a");
    if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download") || link.hash) return;
    const path = inside(link.pathname);
    if (path === undefined || parse(path, link.search).page === "none") return;
    e.preventDefault();
    go(link.pathname + link.search);
  });
}
