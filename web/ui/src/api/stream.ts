// The stream of changes (/api/ui/events). One page of the browser listens for all that are seen, and tells the others: over HTTP/1.1 a browser has six
// connections to a host, of which a stream keeps one. A page that nobody looks at needs none: it fetches what it shows now and then.
import { base } from "../base";
import type { Change } from "./types";

export type Connection = "connecting" | "live" | "lost";

/** The name of the lock and of the channel: a host may have several collectors, each below a path. */
const channel = `walkabout.events${base}`;

type Listener = (c: Change) => void;

/** What the collector sends, and what the page that listens tells the others: "lost", and "live" to one that asks "who". */
type Message = { kind: "hello" | "change" | "beat"; data: string } | { kind: "lost" | "live" | "who" };

/** Reconnects after so many milliseconds, doubled each time up to the last. */
const firstPause = 1000;
const lastPause = 15_000;

/** The collector says every 15 seconds that it is there: a stream that is silent for so many milliseconds died without a word, as those of a laptop do that slept. */
const longestSilence = 40_000;

const everything: Change = { topics: ["fleet", "alerts", "log", "config"], devices: null, all: true };

class Stream {
  #source: EventSource | undefined; // if this page listens
  #pause = firstPause;
  #turn: AbortController | undefined; // while this page is seen: it listens, or waits for its turn to
  #others = "locks" in navigator ? new BroadcastChannel(channel) : undefined; // without locks each page listens for itself
  #listeners = new Set<Listener>();
  #watchers = new Set<() => void>();
  #version = "";
  #failed = false; // the last fetch was not answered
  #opened = false;
  #heard = 0; // when something came last, or was begun
  state: Connection = "connecting";
  /** When it was lost, in milliseconds of the browser's clock. */
  since = Date.now();

  start(): void {
    const look = (): void => {
      if (document.hidden) this.#leave();
      else this.#enter();
    };
    look();
    document.addEventListener("visibilitychange", look);
    window.addEventListener("pagehide", () => this.#leave());
    window.addEventListener("pageshow", (e) => {
      if (e.persisted) look();
    });
    window.addEventListener("online", () => { // a network that is back need not wait for the pause
      if (this.#source && this.state === "lost") this.#open();
    });
    window.setInterval(() => {
      if (this.#turn && Date.now() - this.#heard > longestSilence) this.#enter(true);
    }, 5000);
    this.#others?.addEventListener("message", (e: MessageEvent<Message>) => {
      if (e.data.kind !== "who") this.#take(e.data);
      else if (this.#source && this.#opened) this.#others?.postMessage({ kind: "live" } satisfies Message);
    });
  }

  /** The page is seen. With steal it listens itself: whoever did says nothing any more. */
  #enter(steal = false): void {
    this.#leave();
    const turn = this.#turn = new AbortController();
    this.#heard = Date.now();
    if (!this.#others) return this.#open();
    const listen = (): Promise<void> => new Promise((over) => {
      if (turn.signal.aborted) return over();
      turn.signal.addEventListener("abort", () => over());
      this.#open();
    });
    navigator.locks.request(channel, steal ? { steal } : { signal: turn.signal }, listen).catch(() => {
      if (turn === this.#turn) this.#enter(); // it was stolen
    });
    this.#others.postMessage({ kind: "who" } satisfies Message);
    this.#tell(everything); // it may have missed some
  }

  #leave(): void {
    this.#turn?.abort();
    this.#turn = undefined;
    this.#close();
    this.#opened = false;
    this.#set();
  }

  #close(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  #open(): void {
    this.#close();
    const source = new EventSource(location.origin + base + "/api/ui/events");
    this.#source = source;
    this.#heard = Date.now();
    const take = (m: Message): void => {
      if (source !== this.#source) return;
      this.#take(m);
      this.#others?.postMessage(m);
    };
    for (const kind of ["hello", "change", "beat"] as const) source.addEventListener(kind, (e) => take({ kind, data: (e as MessageEvent<string>).data }));
    source.addEventListener("error", () => {
      take({ kind: "lost" });
      if (source.readyState !== EventSource.CLOSED || source !== this.#source) return; // the browser tries again by itself
      window.setTimeout(() => {
        if (source === this.#source) this.#open(); // not if it was let go meanwhile
      }, this.#pause);
      this.#pause = Math.min(2 * this.#pause, lastPause);
    });
  }

  #take(m: Message): void {
    if (!this.#turn) return; // nobody looks
    this.#heard = Date.now();
    this.#opened = m.kind !== "lost";
    this.#set();
    if (m.kind === "change") this.#tell(JSON.parse(m.data) as Change);
    if (m.kind === "hello") this.#hello(m.data);
  }

  /** Whoever was away fetches everything; other pages than the collector now has are loaded anew. */
  #hello(data: string): void {
    this.#pause = firstPause;
    const { version } = JSON.parse(data) as { version: string };
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
    const now: Connection = this.#failed ? "lost" : this.#opened ? "live" : this.#turn && this.state !== "connecting" ? "lost" : "connecting";
    if (now === this.state) return;
    this.state = now;
    this.since = Date.now();
    this.#watchers.forEach((w) => w());
  }

  /** Notes whether the collector answered a fetch: a stream may look open long after the network is gone. */
  answered(ok: boolean): void {
    this.#failed = !ok;
    this.#set();
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
