// The browser's history: each directory, layer and image that the user goes to is an entry, so that the back button goes
// back. An entry is a plain object; the browser may keep it while the file of the page is replaced by another.

export interface Place {
  /** The index of the image in the data. */
  readonly image: number;
  /** The directory that the treemap shows. */
  readonly root: number;
  /** 0 for all layers. */
  readonly layer: number;
}

/** Replaces the current entry. */
export function beginAt(place: Place): void {
  history.replaceState(place, '');
}

/** Adds an entry, unless the place is that of the current one. */
export function goTo(place: Place): void {
  const { image, root, layer } = readPlace(history.state) ?? place;
  const isSame = image === place.image && root === place.root && layer === place.layer;
  if (!isSame) history.pushState(place, '');
}

/** Calls `show` when the user goes back or forward. */
export function onTravel(show: (place: Place) => void): void {
  addEventListener('popstate', ({ state }) => {
    const place = readPlace(state);
    if (place !== undefined) show(place);
  });
}

function readPlace(state: unknown): Place | undefined {
  if (typeof state !== 'object' || state === null) return undefined;
  const { image, root, layer } = state as Partial<Place>;
  const isPlace = [image, root, layer].every((each) => Number.isSafeInteger(each) && Number(each) >= 0);
  return isPlace ? (state as Place) : undefined;
}
