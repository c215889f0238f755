// The clock that ages are shown by: the server's, which may differ from the browser's.
import { useEffect, useState } from "preact/hooks";
import { age, dateTime } from "../format";

let offset = 0; // milliseconds by which the server's clock is ahead of the browser's
const listeners = new Set<() => void>();
let ticker: number | undefined;

/** Notes what the server's clock said just now. What the network took (some milliseconds) is no matter for ages in seconds. */
export function setServerTime(ms: number): void {
  if (Number.isFinite(ms)) offset = ms - Date.now();
}

/** The server's time in milliseconds. */
export const serverNow = (): number => Date.now() + offset;

/** The server's time, once a second. */
export function useNow(): number {
  const [, tick] = useState(0);
  useEffect(() => {
    const l = (): void => tick((n) => n + 1);
    listeners.add(l);
    ticker ??= window.setInterval(() => listeners.forEach((f) => f()), 1000);
    return () => {
      listeners.delete(l);
      if (listeners.size === 0) {
        window.clearInterval(ticker);
        ticker = undefined;
      }
    };
  }, []);
  return serverNow();
}

/** "4s ago", with the full time as its title. at is in milliseconds or RFC 3339; nothing of it is "never". */
export function Age({ at, suffix = " ago", empty = "never" }: { at: number | string | null | undefined; suffix?: string; empty?: string }) {
  const now = useNow();
  const ms = typeof at === "string" ? Date.parse(at) : (at ?? NaN);
  if (!Number.isFinite(ms) || ms <= 0) return <span class="muted">{empty}</span>;
  return <time dateTime={new Date(ms).toISOString()} title={dateTime(ms)}>{age((now - ms) / 1000)}{suffix}</time>;
}
