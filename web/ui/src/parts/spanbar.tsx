// Chooses the time that graphs show.
import { useState } from "preact/hooks";
import * as span from "../chart/span";
import { dateTime } from "../format";
import { stepsBack } from "../router";
import { serverNow } from "./age";

const now = (): number => serverNow() / 1000;

/** From one moment to another, in the browser's time zone. */
function Custom({ s, set }: { s: span.Span; set: (to: span.Span) => void }) {
  const shown = span.fixed(s, now());
  const field = (seconds: number): string => dateTime(seconds * 1000).replace(" ", "T").slice(0, 16);
  const [from, setFrom] = useState(field(shown.from));
  const [to, setTo] = useState(field(shown.to));
  const begin = Date.parse(from) / 1000;
  const end = Date.parse(to) / 1000;
  const wrong = !(end - begin >= 60) ? "From must be a minute or more before to." : end - begin > span.longest ? "That is more than ten years." : "";
  return (
    <form class="custom" onSubmit={(e) => {
      e.preventDefault();
      if (!wrong) set({ from: begin, to: end });
    }}>
      <label>From<input type="datetime-local" required value={from} onInput={(e) => setFrom(e.currentTarget.value)} /></label>
      <label>To<input type="datetime-local" required value={to} onInput={(e) => setTo(e.currentTarget.value)} /></label>
      <button class="primary" disabled={wrong !== ""}>Show</button>
      {wrong && <span class="state warn" role="status">{wrong}</span>}
    </form>
  );
}

export function SpanBar({ s, set }: { s: span.Span; set: (to: span.Span) => void }) {
  const [custom, open] = useState(false);
  const follows = "last" in s;
  const shown = span.fixed(s, now());
  return (
    <>
      <div class="bar" role="group" aria-label="Span">
        <span class="spans">{span.presets.map((p) => {
          const here = follows && span.name(s.last) === p;
          return <button type="button" key={p} aria-pressed={here} onClick={() => set({ last: span.seconds(p)! })}>{p}</button>;
        })}<button type="button" aria-expanded={custom} aria-label="Other: from … to …" title="From … to …" onClick={() => open(!custom)}>…</button></span>
        <span class="spans">
          <button type="button" aria-label="Earlier" title="Earlier (←)" onClick={() => set(span.pan(s, -0.5, now()))}>←</button>
          <button type="button" aria-label="Later" title="Later (→)" disabled={follows} onClick={() => set(span.pan(s, 0.5, now()))}>→</button>
          <button type="button" aria-label="Closer" title="Closer (+)" onClick={() => set(span.zoom(s, 0.5, now()))}>+</button>
          <button type="button" aria-label="Wider" title="Wider (−)" onClick={() => set(span.zoom(s, 2, now()))}>−</button>
        </span>
        <button type="button" disabled={stepsBack() === 0} onClick={() => history.back()} title="To the span before (double-click on a graph)">Back</button>
        <button type="button" aria-pressed={follows} disabled={follows} onClick={() => set({ last: Math.max(60, Math.round((shown.to - shown.from) / 60) * 60) })}>Now</button>
        <span class="muted">{follows ? `the last ${span.name(s.last)}, following` : `${dateTime(shown.from * 1000)} to ${dateTime(shown.to * 1000)}`}</span>
      </div>
      {custom && <Custom key={JSON.stringify(s)} s={s} set={set} />}
    </>
  );
}
