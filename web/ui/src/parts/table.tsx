// Tables whose rows are chosen and sorted by the collector: a click on a head asks for another order, arrows move between rows.
import type { ComponentChildren } from "preact";
import { integer } from "../format";
import { setQuery } from "../router";

export interface Column<T> {
  /** What sort names it, if it can be sorted by. */
  id: string;
  title: string;
  hint?: string;
  /** Sortable; "down" begins with the largest. */
  sort?: "up" | "down";
  num?: boolean;
  /** 1 is always shown; 2 to 5 give way on narrow screens, the last first. */
  rank?: 1 | 2 | 3 | 4 | 5;
  /** It takes the room that the others leave, and is clipped where they leave little. */
  grow?: boolean;
  /** Of the table's width, if its columns have fixed ones. */
  width?: string;
  cell: (row: T) => ComponentChildren;
  /** The column that names the row. */
  head?: boolean;
}

export interface Order {
  sort: string;
  desc: boolean;
}

/** The order that a query asks for: "name", or "-in" for the largest first. */
export function order(query: URLSearchParams, usual: Order, key = "sort"): Order {
  const text = query.get(key);
  if (!text) return usual;
  return text.startsWith("-") ? { sort: text.slice(1), desc: true } : { sort: text, desc: false };
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  rowClass?: (row: T) => string | undefined;
  order?: Order;
  orderKey?: string;
  fixed?: boolean;
}

export function Table<T>({ label, columns, rows, rowKey, rowClass, order: o, orderKey = "sort", fixed = false }: Props<T>) {
  return (
    <table class={fixed ? "fixed" : "auto"} onKeyDown={moveRow}>
      <caption class="visually-hidden">{label}</caption>
      {fixed && <colgroup>{columns.map((c) => <col key={c.id} class={cls(c)} style={c.width ? { width: c.width } : {}} />)}</colgroup>}
      <thead>
        <tr>{columns.map((c) => <Head key={c.id} column={c} order={o} orderKey={orderKey} />)}</tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)} class={rowClass?.(row)}>
            {columns.map((c) => c.head ? <th key={c.id} scope="row" class={cls(c)}>{c.cell(row)}</th> : <td key={c.id} class={cls(c)}>{c.cell(row)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function cls<T>(c: Column<T>): string | undefined {
  const all = [c.num && "num", c.grow && "grow", c.rank && c.rank > 1 && `r${c.rank}`].filter(Boolean).join(" ");
  return all || undefined;
}

function Head<T>({ column: c, order: o, orderKey }: { column: Column<T>; order: Order | undefined; orderKey: string }) {
  if (!c.sort || !o) return <th scope="col" class={cls(c)} title={c.hint}>{c.title}</th>;
  const here = o.sort === c.id;
  const desc = here ? !o.desc : c.sort === "down";
  return (
    <th scope="col" class={cls(c)} title={c.hint} aria-sort={here ? (o.desc ? "descending" : "ascending") : undefined}>
      <button type="button" onClick={() => setQuery({ [orderKey]: (desc ? "-" : "") + c.id, offset: null })}>
        {c.title}<span aria-hidden="true">{here ? (o.desc ? "↓" : "↑") : ""}</span>
      </button>
    </th>
  );
}

/** Arrows, Home and End move between the first links of a table's rows, or of a list's; Enter follows one as any link. */
export function moveRow(e: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[e.key];
  const row = (e.target as Element).closest("tbody tr, li");
  if (step === undefined || !row || e.altKey || e.ctrlKey || e.metaKey || (e.target as Element).closest("dialog")) return;
  const links = [...(e.currentTarget as Element).querySelectorAll<HTMLElement>("tbody tr, li")].map((r) => r.querySelector<HTMLElement>("a, button")).filter((l) => l !== null);
  const at = links.findIndex((l) => row.contains(l));
  const next = links[Math.max(0, Math.min(links.length - 1, at + step))];
  if (!next) return;
  e.preventDefault();
  next.focus();
}

/** Puts the focus on the first row of the page's first table or list; false if there is none. */
export function focusFirstRow(): boolean {
  const link = document.querySelector<HTMLElement>("main tbody tr a, main .alerts li a, main .events li a");
  link?.focus();
  return link !== null;
}

export const pageSize = 100;

/** Says which part of how many is shown, and leads to the others. */
export function Pager({ offset, shown, matching, what, size = pageSize }: { offset: number; shown: number; matching: number; what: string; size?: number }) {
  if (matching <= size && offset === 0) return null;
  const to = (at: number): void => {
    setQuery({ offset: at > 0 ? String(at) : null }, true);
    window.scrollTo(0, 0);
  };
  return (
    <nav class="bar" aria-label={`Pages of ${what}`}>
      <button type="button" disabled={offset <= 0} onClick={() => to(Math.max(0, offset - size))}>← Previous</button>
      <span>{shown > 0 ? `${integer(offset + 1)}–${integer(offset + shown)}` : "none"} of {integer(matching)} {what}</span>
      <button type="button" disabled={offset + shown >= matching} onClick={() => to(offset + size)}>Next →</button>
    </nav>
  );
}

/** Leads through a list that grows at its head: what is older than an entry stands still, in the address, and the browser's way back leads back. */
export function Older({ before, last, more }: { before: string | null; last: number | undefined; more: boolean }) {
  if (!before && !more) return null;
  const to = (at: number | null): void => {
    setQuery({ before: at === null ? null : String(at) }, true);
    window.scrollTo(0, 0);
  };
  return (
    <nav class="bar" aria-label="Newer and older">
      <button type="button" disabled={!before} onClick={() => to(null)}>← Newest</button>
      <button type="button" disabled={!more || last === undefined} onClick={() => to(last!)}>Older →</button>
      {before && <span class="muted">What is older; nothing new comes in here.</span>}
    </nav>
  );
}
