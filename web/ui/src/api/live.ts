// Data that is fetched anew when the stream of changes says so.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, get } from "./client";
import { stream, type Connection } from "./stream";
import type { Topic } from "./types";

/** The state of the connection. */
export function useConnection(): { state: Connection; since: number } {
  const [, draw] = useState(0);
  useEffect(() => stream.watch(() => draw((n) => n + 1)), []);
  return { state: stream.state, since: stream.since };
}

export interface Data<T> {
  /** The last good answer for the present path, or for the one before while that is fetched. */
  value: T | undefined;
  failure: Failure | undefined;
  /** When value was received, in milliseconds of the browser's clock. */
  received: number;
  /** value is of another path: what was asked for is on its way. */
  old: boolean;
  again: () => void;
}

export interface Options {
  topics: Topic[];
  /** Only changes of this device count. */
  device?: string;
  /** The least time between two fetches, in milliseconds; 1000 unless given. */
  every?: number;
}

/** The last answers by their paths: who comes back sees at once what was, with its age, and is where they were on the page. */
const kept = new Map<string, { value: unknown; received: number }>();
const mostKept = 20;

function keep(path: string, value: unknown, received: number): void {
  kept.delete(path);
  kept.set(path, { value, received });
  for (const oldest of kept.keys()) {
    if (kept.size <= mostKept) break;
    kept.delete(oldest);
  }
}

/** Without any change, data is fetched again after so many milliseconds, which also finds out about connections that died silently. */
const longest = 30_000;

function remembered<T>(path: string | null): { value: T; of: string; received: number } | undefined {
  const found = path === null ? undefined : kept.get(path);
  return found && path !== null ? { value: found.value as T, of: path, received: found.received } : undefined;
}

/** Fetches path, and again when the stream says that it changed. null fetches nothing. */
export function useData<T>(path: string | null, o: Options): Data<T> {
  const [state, set] = useState<{ value?: T; of?: string; failure?: Failure; received: number }>(() => remembered<T>(path) ?? { received: 0 });
  const again = useRef<() => void>(() => {});
  const { device, every = 1000 } = o;
  const topics = o.topics.join();
  useEffect(() => {
    if (path === null) return;
    const wanted = new Set(topics.split(","));
    const abort = new AbortController();
    let timer: number | undefined;
    let last = 0;
    let busy = false;
    let missed = false; // something changed while an answer was on its way
    const later = (ms: number): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void load(), ms);
    };
    const load = async (): Promise<void> => {
      window.clearTimeout(timer);
      busy = true;
      missed = false;
      last = Date.now();
      try {
        const value = await get<T>(path, abort.signal);
        if (abort.signal.aborted) return;
        stream.answered(true);
        keep(path, value, Date.now());
        set({ value, of: path, received: Date.now() });
      } catch (err) {
        if (abort.signal.aborted) return;
        const failure = err instanceof Failure ? err : new Failure(500, String(err));
        stream.answered(failure.status !== 0);
        set((s) => ({ ...(s.of === path ? s : { received: 0 }), failure }));
      } finally {
        busy = false;
        if (!abort.signal.aborted) later(missed ? Math.max(0, last + every - Date.now()) : stream.state === "lost" ? 5000 : longest);
      }
    };
    const soon = (): void => {
      if (busy) missed = true;
      else later(Math.max(0, last + every - Date.now()));
    };
    const unlisten = stream.listen((c) => {
      if (c.all && c.topics?.includes("config")) return soon();
      if (!c.topics?.some((t) => wanted.has(t))) return;
      if (device === undefined || c.all || !c.topics.includes("fleet") || c.devices?.includes(device)) soon();
    });
    again.current = () => void load();
    set((s) => (s.of === path ? s : (remembered<T>(path) ?? s)));
    void load();
    return () => {
      abort.abort();
      unlisten();
      window.clearTimeout(timer);
    };
  }, [path, topics, device, every]);
  return { value: state.value, failure: state.failure, received: state.received, old: state.of !== path, again: () => again.current() };
}
