// The URL holds everything a colleague needs to see the same: range, label, selection, sort.

export function param(name, otherwise = null) {
  return new URLSearchParams(location.search).get(name) ?? otherwise;
}

export function setParam(name, value) {
  const params = new URLSearchParams(location.search);
  if (value === null || value === "") params.delete(name);
  else params.set(name, value);
  const query = params.toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  document.dispatchEvent(new CustomEvent("address"));
}

// A link to another page keeps the time range and nothing else.
export function linkTo(path, extra = {}) {
  const params = new URLSearchParams();
  for (const name of ["from", "to"]) if (param(name)) params.set(name, param(name));
  for (const [name, value] of Object.entries(extra)) params.set(name, value);
  const query = params.toString();
  return query ? `${path}?${query}` : path;
}
