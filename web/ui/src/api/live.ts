// The stream of changes (/api/ui/events), and data that is fetched anew when they say so.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, get } from "./client";
import type { Change, Topic } from "./types";

export type Connection = "connecting" | "live" | "lost";

type Listener = (c: Change) => void;

/** Reconnects after so many milliseconds, doubled each time up to the last. */
const firstPause = 1000;
const lastPause = 15_000;

/** The collector says every 15 seconds that it is there: a stream that is silent for so many milliseconds died without a word, as those of a laptop do that slept. */
const longestSilence = 40_000;

const everything: Change = { topics: ["fleet", "alerts", "log", "config"], devices: null, all: true };

/** Stream holds the one connection of the page. */
class Stream {
  #source: EventSource | undefined;
  #pause = firstPause;
  #listeners = new Set<Listener>();
  #watchers = new Set<() => void>();
  #version = "";
  #failed = false; // the last fetch was not answered
  #opened = false;
  #heard = 0; // when the stream was opened, or brought something last
  state: Connection = "connecting";
  /** When it was lost, in milliseconds of the browser's clock. */
  since = Date.now();

  start(): void {
    // Over HTTP/1.1 a browser has six connections to a host, and every page that streams keeps one: a page that nobody looks at (a tab that was opened in
    // the background is one from the start) lets go of it, and fetches what it needs now and then.
    const visible = (): void => {
      if (document.hidden) this.#close();
      else this.#open();
    };
    visible();
    document.addEventListener("visibilitychange", visible);
    window.addEventListener("pagehide", () => this.#close());
    window.addEventListener("pageshow", (e) => {
      if (e.persisted) visible();
    });
    window.addEventListener("online", () => { // a network that is back need not wait for the pause
      if (this.state === "lost") visible();
    });
    window.setInterval(() => {
      if (this.#source && Date.now() - this.#heard > longestSilence) this.#open();
    }, 5000);
  }

  #close(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#opened = false;
    this.state = "connecting";
    this.#watchers.forEach((w) => w());
  }

  #open(): void {
    this.#source?.close();
    const source = new EventSource("/api/ui/events");
    this.#source = source;
    this.#heard = Date.now();
    source.addEventListener("hello", (e) => {
      this.#pause = firstPause;
      this.#opened = true;
      this.#set();
      this.#hello(e as MessageEvent<string>);
    });
    source.addEventListener("change", (e) => {
      this.#heard = Date.now();
      this.#tell(JSON.parse((e as MessageEvent<string>).data) as Change);
    });
    source.addEventListener("beat", () => {
      this.#heard = Date.now();
    });
    source.addEventListener("error", () => {
      this.#opened = false;
      this.#set();
      if (source.readyState !== EventSource.CLOSED || source !== this.#source) return; // the browser tries again by itself
      window.setTimeout(() => {
        if (source === this.#source) this.#open(); // not if it was let go meanwhile
      }, this.#pause);
      this.#pause = Math.min(2 * this.#pause, lastPause);
    });
  }

  /** Whoever was away fetches everything; other pages than the collector now has are loaded anew. */
  #hello(e: MessageEvent<string>): void {
    const { version } = JSON.parse(e.data) as { version: string };
    if (this.#version !== "" && version !== this.#version) {
      location.reload();
      return;
    }
    this.#version = version;
    this.#tell(everything);
  }

  #tell(c: Change): void {
    this.#listeners.forEach((l) => l(c));
  }

  #set(): void {
    // What is not looked at streams nothing, and is connected as long as it is answered.
    const now: Connection = this.#failed ? "lost" : this.#opened ? "live" : this.#source ? "lost" : "connecting";
    if (now === this.state) return;
    this.state = now;
    this.since = Date.now();
    this.#watchers.forEach((w) => w());
  }

  /** Notes whether the collector answered a fetch: a stream may look open long after the network is gone. */
  answered(ok: boolean): void {
    this.#failed = !ok;
    if (this.state !== "connecting" || !ok) this.#set();
  }

  /** Calls l with every change until the returned function is called. */
  listen(l: Listener): () => void {
    this.#listeners.add(l);
    return () => this.#listeners.delete(l);
  }

  watch(w: () => void): () => void {
    this.#watchers.add(w);
    return () => this.#watchers.delete(w);
  }
}

export const stream = new Stream();

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
