// Why a counter has no rate (README.md has the table), for people.

const texts: Record<string, string> = {
  ok: "a rate",
  wrapped: "the 32-bit counter wrapped once; the rate is right",
  first: "first reading of this interface: a rate needs two",
  reset: "the agent restarted, or its counters were cleared",
  discontinuity: "the agent says that its counters are not what they were",
  ambiguous: "a 32-bit counter that may have wrapped more than once",
  implausible: "faster than the interface can be",
  stale: "the agent answered from its cache; the next rate spans the true time",
  gap: "too long since the last reading",
  unreachable: "the device did not answer",
  "no data": "nothing is stored of this time",
  future: "not yet",
};

/** A verdict, or the reason of a gap, in a sentence. */
export const verdictText = (v: string): string => texts[v] ?? v;
