// The search field: "/" leads to it, the query of the page keeps its text, and arrow down leads on to the first row.
import { useEffect, useRef, useState } from "preact/hooks";
import { setQuery } from "../router";
import { focusFirstRow } from "./table";

const pause = 200; // milliseconds after the last key

export function Search({ value, label, placeholder }: { value: string; label: string; placeholder: string }) {
  const [text, set] = useState(value);
  const timer = useRef<number | undefined>(undefined);
  const last = useRef(value);
  useEffect(() => {
    if (value !== last.current) set(value); // back and forward
    last.current = value;
  }, [value]);
  const apply = (v: string): void => {
    window.clearTimeout(timer.current);
    last.current = v;
    setQuery({ q: v, offset: null, before: null });
  };
  return (
    <input type="search" data-search aria-label={label} placeholder={placeholder} value={text} autocomplete="off" spellcheck={false} maxLength={200} enterkeyhint="search"
      onInput={(e) => {
        const v = e.currentTarget.value;
        set(v);
        window.clearTimeout(timer.current);
        timer.current = window.setTimeout(() => apply(v), pause);
      }}
      onKeyDown={(e) => {
        if (e.key === "Enter") apply(e.currentTarget.value);
        else if (e.key === "ArrowDown" && focusFirstRow()) e.preventDefault();
        else if (e.key === "Escape") {
          set("");
          apply("");
          e.currentTarget.blur();
        }
      }} />
  );
}
