// The states of an interface over time, as a bar below the graphs, at their scale.
import type { StateSpan } from "../api/types";
import { clock, dateTime, duration } from "../format";
import { leftEdge, rightEdge } from "./chart";

/** Which of the looks a pair of states has. */
export function look(s: Pick<StateSpan, "admin" | "oper">): "up" | "bad" | "off" | "odd" {
  if (s.admin === "down") return s.oper === "up" ? "odd" : "off";
  if (s.oper === "up") return "up";
  return ["down", "notPresent", "lowerLayerDown"].includes(s.oper) ? "bad" : "odd";
}

const words = (s: StateSpan): string => (s.admin === s.oper ? s.oper : `${s.admin}/${s.oper}`);

export function Timeline({ states, from, to }: { states: StateSpan[]; from: number; to: number }) {
  const share = (t: number): number => (100 * (Math.min(Math.max(t, from), to) - from)) / (to - from);
  const shown = states.filter((s) => s.to > from && s.from < to);
  const changes = shown.slice(1);
  return (
    <figure class="timeline" data-states={shown.length}>
      <figcaption class="legend"><b>States</b><span class="muted">admin/oper</span>{shown.length === 0 && <span class="muted">none known in this time</span>}</figcaption>
      <div class="timeline-bar" style={{ marginLeft: `${leftEdge}px`, marginRight: `${rightEdge}px` }} role="img"
        aria-label={shown.length === 0 ? "No states are known." : `${words(shown[0]!)} at first; ${changes.length} changes. At the end ${words(shown[shown.length - 1]!)}.`}>
        {shown.map((s) => {
          const width = share(s.to) - share(s.from);
          return (
            <span key={s.from} class={`seg ${look(s)}`} style={{ left: `${share(s.from)}%`, width: `${width}%` }}
              title={`${words(s)}: ${dateTime(s.from * 1000)} to ${clock(s.to * 1000)} (${duration(s.to - s.from)})`}>{width > 6 ? words(s) : ""}</span>
          );
        })}
      </div>
    </figure>
  );
}
