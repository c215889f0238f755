// Times along an axis: 24 hours, the date where it changes.
import type uPlot from "uplot";
import { zone } from "../format";

const two = (n: number): string => String(n).padStart(2, "0");

/** Labels for ticks (Unix seconds) that are incr seconds apart, in two lines where the date is new. */
export function label(tick: number, before: number | undefined, incr: number): string {
  const d = new Date(tick * 1000);
  const b = before === undefined ? undefined : new Date(before * 1000);
  const date = `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  if (incr >= 28 * 86400) return `${d.getFullYear()}-${two(d.getMonth() + 1)}`;
  if (incr >= 86400) return b && b.getFullYear() === d.getFullYear() ? date : `${date}\n${d.getFullYear()}`;
  const time = `${two(d.getHours())}:${two(d.getMinutes())}${incr < 60 ? ":" + two(d.getSeconds()) : ""}`;
  if (!b || b.getDate() !== d.getDate() || b.getMonth() !== d.getMonth()) return `${time}\n${d.getFullYear()}-${date}`;
  return b.getTimezoneOffset() === d.getTimezoneOffset() ? time : `${time}\n${zone(tick * 1000)}`; // summer time begins or ends: an hour is missing, or there twice
}

export const timeLabels: uPlot.Axis.DynamicValues = (_u, splits, _axis, _space, incr) => splits.map((t, i) => label(t, splits[i - 1], incr));
