// How figures are written. Every function takes null for "there is none" and writes it as an en dash: a figure that is not known is never shown as 0.

/** What stands for a figure that there is none of. */
export const none = "–";

const prefixes = ["", "k", "M", "G", "T", "P", "E"];

/** Writes n with an SI prefix and three significant digits, as "1.44 G"; no prefix below 1000. */
export function si(n: number | null | undefined, unit = ""): string {
  if (n == null || !Number.isFinite(n)) return none;
  let i = 0;
  let v = Math.abs(n);
  while (v >= 999.5 && i < prefixes.length - 1) {
    v /= 1000;
    i++;
  }
  const tail = (prefixes[i] ?? "") + unit;
  const sign = n < 0 && v > 0 ? "−" : "";
  return sign + digits(v, i > 0) + (tail ? " " + tail : "");
}

/** Three significant digits; what has no prefix loses its trailing zeros. */
function digits(v: number, scaled: boolean): string {
  if (v === 0) return "0";
  const places = v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
  const text = v.toFixed(places);
  return scaled || places === 0 ? text : text.replace(/\.?0+$/, "") || "0";
}

/** Bits a second: "1.44 Gb/s". */
export const bits = (n: number | null | undefined): string => si(n, "b/s");

/** The speed of an interface: "10 Gb/s", "2.5 Gb/s". */
export const speed = (n: number): string => (n > 0 ? short(bits(n)) : none);

/** A written figure without the zeros that end its decimals: "2.50 Gb/s" is "2.5 Gb/s". */
export const short = (figure: string): string => figure.replace(/\.(\d*?)0+(?=[ /]|$)/, (_, digits: string) => (digits ? "." + digits : ""));

/** Octets as a total: "12.3 GB", by powers of 1000 as traffic is billed. */
export const octets = (n: number | null | undefined): string => si(n, "B");

/** Events a second: "12.3 k/s", and down to hundredths: an error every ten minutes is not 0. */
export function rate(n: number | null | undefined): string {
  if (n == null) return none;
  if (n > 0 && n < 0.005) return "<0.01/s";
  return si(n) + "/s";
}

/** A share from 0 to 1 as percent. */
export function percent(n: number | null | undefined): string {
  if (n == null || !Number.isFinite(n)) return none;
  const p = n * 100;
  return (p > 0 && p < 0.1 ? "<0.1" : p < 9.95 ? p.toFixed(1) : p.toFixed(0)) + " %";
}

/** An integer with thin spaces between thousands. */
export function integer(n: number | null | undefined): string {
  return n == null ? none : Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A time span by its two largest units: "3d 4h", "5m 10s", "14.6 ms". */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return none;
  const s = Math.abs(seconds);
  if (s === 0) return "0s";
  if (s < 1) return s < 0.001 ? "<1 ms" : (s * 1000).toFixed(s < 0.01 ? 1 : 0) + " ms";
  if (s < 10) return s.toFixed(1).replace(/\.0$/, "") + "s";
  const whole = Math.round(s);
  const units: [number, string][] = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const first = units.findIndex(([size]) => whole >= size);
  const [size, name] = units[first]!;
  const n = Math.floor(whole / size);
  const next = units[first + 1];
  const rest = next ? Math.floor((whole - n * size) / next[0]) : 0;
  return n + name + (next && rest > 0 ? " " + rest + next[1] : "");
}

/** How long ago, in whole units: "4s", "3m", "2d 1h". */
export function age(seconds: number): string {
  return duration(Math.max(0, Math.floor(seconds))).replace(/ \d+s$/, "").replace(/^(\d{3,}d) .*/, "$1");
}

const two = (n: number): string => String(n).padStart(2, "0");

/** Local date and time of a moment in milliseconds: "2026-03-01 12:00:05". */
export function dateTime(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(ms)}`;
}

/** Local time of day: "12:00:05". */
export function clock(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** The local time of today, with its date if it is another day. */
export function moment(ms: number, now: number): string {
  return new Date(ms).toDateString() === new Date(now).toDateString() ? clock(ms) : dateTime(ms);
}

/** How the browser's zone is called: "UTC+01:00". */
export function zone(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const abs = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(abs / 60))}:${two(abs % 60)}`;
}

/** Orders names as people do: ge-0/0/9 before ge-0/0/10. */
export const byName: (a: string, b: string) => number = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

/** "1 device", "2 devices". */
export const plural = (n: number, one: string, many = one + "s"): string => `${integer(n)} ${n === 1 ? one : many}`;
