// How large an audience these viewers and forwards would hold: what each viewer brings against what each takes, and the forwards for the
// rest. Pure. An estimate in words, for a person who decides about servers before a show.

export interface ForecastInput {
  /** Copies of the stream that the average viewer may upload. */
  copiesPerViewer: number;
  /** Slices that all forwards serve together; null where one of them has no such limit that we know. */
  forwardSlices: number | null;
  k: number;
  /** The tracker takes no more. */
  mostViewers: number;
}

export interface Forecast {
  viewers: number;
  why: string;
}

/** Below this supply some slices must come from forwards all the time (MESH.md section 3: rho >= 1.08). */
const SELF_SUFFICIENT = 1.08;

export function forecast({ copiesPerViewer, forwardSlices, k, mostViewers }: ForecastInput): Forecast {
  const copies = copiesPerViewer.toFixed(2);
  if (copiesPerViewer >= SELF_SUFFICIENT)
    return {
      viewers: mostViewers,
      why: `The average viewer can pass on ${copies} copies, so the audience feeds itself; the tracker's limit comes first.`,
    };
  if (forwardSlices === null)
    return {
      viewers: mostViewers,
      why: `The average viewer can pass on ${copies} copies; the forwards carry the rest.`,
    };
  const perViewer = SELF_SUFFICIENT - copiesPerViewer;
  const held = Math.floor(forwardSlices / k / perViewer);
  const viewers = Math.min(mostViewers, held);
  const limit = held < mostViewers ? 'the forwards are full then' : "the tracker's limit comes first";
  return {
    viewers,
    why: `The average viewer can pass on ${copies} copies and needs one, so forwards carry ${perViewer.toFixed(2)} for each: ${limit}.`,
  };
}
