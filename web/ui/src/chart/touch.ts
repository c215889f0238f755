// Fingers on a graph: one moves through time, two stretch it. Up and down stays the page's own (touch-action in chart.css).
import type uPlot from "uplot";

export interface View {
  from: number;
  to: number;
}

/** Where a finger was put down: the time that is kept below it, and where it is now, as a share of the width. */
export interface Finger {
  time: number;
  share: number;
}

/** The view in which each finger is above its time; of more than two fingers the first two count. */
export function view(fingers: Finger[], before: View): View {
  const [a, b] = fingers;
  if (!a) return before;
  let width = before.to - before.from;
  if (b) {
    const apart = b.share - a.share;
    const stretched = (b.time - a.time) / apart;
    if (Math.abs(apart) < 0.02 || stretched <= 0) return before;
    width = stretched;
  }
  const from = a.time - a.share * width;
  return { from, to: from + width };
}

/** Calls show while fingers move, and done when the last is lifted; done without a view: nothing came of it. The returned function lets go of the graph. */
export function touches(u: uPlot, now: () => View, show: (v: View) => void, done: (v?: View) => void): () => void {
  const fingers = new Map<number, Finger>();
  let seen = now();
  let moved = false;
  const share = (e: PointerEvent): number => (e.clientX - u.over.getBoundingClientRect().left) / u.over.clientWidth;
  const put = (id: number, at: number): void => void fingers.set(id, { share: at, time: seen.from + at * (seen.to - seen.from) });
  const down = (e: PointerEvent): void => {
    if (e.pointerType !== "touch") return;
    if (fingers.size === 0) {
      seen = now();
      moved = false;
    }
    put(e.pointerId, share(e));
  };
  const move = (e: PointerEvent): void => {
    const f = fingers.get(e.pointerId);
    if (!f) return;
    const at = share(e);
    if (Math.abs(at - f.share) < 0.01 && !moved) return; // a finger that only taps
    moved = true;
    f.share = at;
    seen = view([...fingers.values()], seen);
    show(seen);
  };
  const up = (e: PointerEvent): void => {
    if (!fingers.delete(e.pointerId)) return;
    for (const [id, f] of fingers) put(id, f.share); // the others go on from where they are
    if (fingers.size === 0) done(moved && e.type === "pointerup" ? seen : undefined);
  };
  const all: [string, (e: PointerEvent) => void][] = [["pointerdown", down], ["pointermove", move], ["pointerup", up], ["pointercancel", up]];
  for (const [type, f] of all) u.over.addEventListener(type, f as EventListener);
  return () => all.forEach(([type, f]) => u.over.removeEventListener(type, f as EventListener));
}
