// What is shown in place of data, or above it.
import type { ComponentChildren } from "preact";
import type { Data } from "../api/live";
import { Failure } from "../api/client";
import { Age } from "./age";

/** A failure, and what to do about it. */
export function Problem({ failure, again }: { failure: Failure; again?: (() => void) | undefined }) {
  return (
    <div class="problem" role="alert">
      <p><strong>{failure.message}</strong> {failure.advice}</p>
      {again && <button type="button" onClick={again}>Try again now</button>}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><b>{title}</b>{children}</div>;
}

/** Draws data when there is some; a failure stands above what was last known, which then says how old it is. */
export function Shown<T>({ data, children }: { data: Data<T>; children: (value: T) => ComponentChildren }) {
  const { value, failure, received, again } = data;
  return (
    <>
      {failure && <Problem failure={failure} again={again} />}
      {failure && value !== undefined && <p class="state warn">What follows is from <Age at={received} />.</p>}
      {value !== undefined ? children(value) : !failure && <p class="loading" role="status">Loading …</p>}
    </>
  );
}
