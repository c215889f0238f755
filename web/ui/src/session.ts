// Who is asking, and what they may do.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "./api/types";

export const SessionContext = createContext<Session | undefined>(undefined);

/** The session; undefined until it is known. */
export const useSession = (): Session | undefined => useContext(SessionContext);

const key = "walkabout.author";

/** The name that acknowledgements and silences are signed with: the user's, else the last that was given here. */
export function author(s: Session | undefined): string {
  if (s?.user) return s.user;
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

export function rememberAuthor(name: string): void {
  try {
    localStorage.setItem(key, name);
  } catch {
    // asked again next time
  }
}
