// The clock that ages are shown by: the server's, which may differ from the browser's.
import { useEffect, useRef, useState } from "preact/hooks";
import { age, dateTime } from "../format";

let offset = 0; // milliseconds by which the server's clock is ahead of the browser's
let known = false;
const listeners = new Set<() => void>();
let ticker: number | undefined;

/** Notes what the server's clock said just now, in RFC 3339, or in whole seconds as HTTP's Date has it, which counts if nothing better is known. What the network took is no matter for ages in seconds. */
export function setServerTime(at: string | undefined, date: string | null): void {
  const ms = at !== undefined ? Date.parse(at) : known ? NaN : Date.parse(date ?? "");
  if (!Number.isFinite(ms)) return;
  offset = ms - Date.now();
  known = true;
}

/** The server's time in milliseconds. */
export const serverNow = (): number => Date.now() + offset;

/** Draws the component anew when what text returns of the server's time is another; it is asked once a second. */
function useEverySecond(text: (now: number) => string): string {
  const [, draw] = useState(0);
  const shown = text(serverNow());
  const last = useRef({ text, shown });
  last.current = { text, shown };
  useEffect(() => {
    const l = (): void => {
      if (last.current.text(serverNow()) !== last.current.shown) draw((n) => n + 1);
    };
    listeners.add(l);
    ticker ??= window.setInterval(() => listeners.forEach((f) => f()), 1000);
    return () => {
      listeners.delete(l);
      if (listeners.size > 0) return;
      window.clearInterval(ticker);
      ticker = undefined;
    };
  }, []);
  return shown;
}

/** The server's time in milliseconds, to the second; the component is drawn once a second. */
export function useNow(): number {
  return Number(useEverySecond((now) => String(Math.floor(now / 1000)))) * 1000;
}

/** "4s ago", with the full time as its title. at is in milliseconds or RFC 3339; nothing of it is "never". */
export function Age({ at, suffix = " ago", empty = "never" }: { at: number | string | null | undefined; suffix?: string; empty?: string }) {
  const ms = typeof at === "string" ? Date.parse(at) : (at ?? NaN);
  const known = Number.isFinite(ms) && ms > 0;
  const text = useEverySecond((now) => (known ? age((now - ms) / 1000) : ""));
  if (!known) return <span class="muted">{empty}</span>;
  return <time dateTime={new Date(ms).toISOString()} title={dateTime(ms)}>{text}{suffix}</time>;
}
