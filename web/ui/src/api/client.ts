// Asking the collector.
import { base } from "../base";
import { setServerTime } from "../parts/age";

/** An answer that is none: what the collector said, or why there was no answer. */
export class Failure extends Error {
  /** status is HTTP's; 0: there was no answer. */
  constructor(readonly status: number, message: string) {
    super(message);
  }

  /** What the reader can do about it. */
  get advice(): string {
    switch (this.status) {
      case 0:
        return "Is the collector running, and is this machine still connected to it? The page tries again by itself.";
      case 401:
        return "Load the page again to sign in.";
      case 403:
        return "The collector does not let this request through; its configuration says who may do what.";
      case 404:
        return "It may have been removed from the configuration, or was renamed. The fleet lists what there is.";
      case 421:
        return "Open the pages under a name or an address that the collector listens on.";
      case 429:
        return "Too many requests; the page tries again by itself.";
      case 503:
        return "The collector is starting, ending or overloaded; the page tries again by itself.";
      default:
        return this.status >= 500 ? "The collector's log has more." : "";
    }
  }
}

/** Gets JSON. Rejects with a Failure, or with the AbortError of signal. */
export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return call<T>("GET", path, undefined, signal);
}

/** Sends a request that changes something. Rejects with a Failure. */
export function change<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  return call<T>(method, path, body);
}

const patience = 20_000; // milliseconds

async function call<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const limit = AbortSignal.timeout(patience);
  let answer: Response;
  try {
    answer = await fetch(location.origin + base + path, { // which has no user and password, as the page's own address may: fetch takes none
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: body === undefined ? { Accept: "application/json" } : { Accept: "application/json", "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new Failure(0, limit.aborted ? `No answer within ${patience / 1000} seconds.` : "The collector does not answer.");
  }
  const text = await answer.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Failure(answer.ok ? 502 : answer.status, `Not JSON, status ${answer.status}: ${text.slice(0, 200)}`);
  }
  if (!answer.ok) {
    const said = (value as { error?: unknown } | null)?.error;
    throw new Failure(answer.status, typeof said === "string" ? said : `Status ${answer.status}.`);
  }
  const at = (value as { at?: unknown } | null)?.at;
  setServerTime(typeof at === "string" ? at : undefined, answer.headers.get("Date"));
  return value as T;
}

export type Query = Record<string, string | number | boolean | string[] | null | undefined>;

/** A path with a query; null, undefined and "" are left out. */
export function url(path: string, query: Query): string {
  const q = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (Array.isArray(value)) value.forEach((v) => q.append(key, v));
    else if (value != null && value !== "" && value !== false) q.set(key, String(value));
  }
  const text = q.toString();
  return text ? `${path}?${text}` : path;
}
