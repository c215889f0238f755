// Dialogs are the browser's own: it keeps the focus inside, closes them by Escape and gives the focus back.
import { createContext, type ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Failure } from "../api/client";
import { Problem } from "./notice";

/** Opens a dialog, or with undefined closes it. The frame holds it: what it is about may leave the page, and nobody loses what they have written. */
export const DialogContext = createContext<(dialog: ComponentChildren) => void>(() => {});

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={onClose} onClick={(e) => {
      if (e.target === e.currentTarget) e.currentTarget.close(); // beside it
    }}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/** A dialog that sends something; it stays open, with the reason, while that fails. */
export function FormDialog({ title, action, onClose, onSend, children }: {
  title: string; action: string; onClose: () => void; onSend: (form: FormData) => Promise<void>; children: ComponentChildren;
}) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const submit = async (e: Event & { currentTarget: HTMLFormElement }): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setFailure(undefined);
    try {
      await onSend(new FormData(e.currentTarget));
      onClose();
    } catch (err) {
      setFailure(err instanceof Failure ? err : new Failure(500, String(err)));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="form" onSubmit={(e) => void submit(e)}>
        {failure && <Problem failure={failure} />}
        {children}
        <div class="buttons">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary" disabled={busy}>{action}</button>
        </div>
      </form>
    </Dialog>
  );
}
