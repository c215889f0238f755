import { Dialog } from "./dialog";

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        <dt><kbd>/</kbd></dt><dd>search</dd>
        <dt><kbd>↓</kbd> <kbd>↑</kbd> <kbd>Enter</kbd></dt><dd>from the search into the list, along it, and into a row</dd>
        <dt><kbd>g</kbd> then <kbd>f</kbd> <kbd>a</kbd> <kbd>e</kbd> <kbd>c</kbd></dt><dd>go to fleet, alerts, events, collector</dd>
        <dt><kbd>u</kbd></dt><dd>up: from an interface to its device, from a device to the fleet</dd>
        <dt><kbd>←</kbd> <kbd>→</kbd> <kbd>+</kbd> <kbd>−</kbd> <kbd>n</kbd></dt><dd>on a graph that has the focus: earlier, later, closer, wider, back to now</dd>
        <dt><kbd>Esc</kbd></dt><dd>closes a dialog, clears the search</dd>
        <dt><kbd>?</kbd></dt><dd>this help</dd>
      </dl>
      <p class="muted">On a graph: drag to zoom, hold Shift and drag to move, double-click to go back. On a touch screen: drag to move, two fingers to zoom.</p>
      <form method="dialog" class="form"><div class="buttons"><button class="primary">Close</button></div></form>
    </Dialog>
  );
}
