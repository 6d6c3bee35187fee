// Numbers as people read them; dashboards/web/formatting.py says the same for the server's pages.

export const MISSING = "–";
const { warnRatio, badRatio } = document.body.dataset;

export function health(errorRatio) {
  if (errorRatio === null || errorRatio === undefined) return "idle";
  if (errorRatio >= Number(badRatio)) return "bad";
  return errorRatio >= Number(warnRatio) ? "warn" : "ok";
}

export const HEALTH_WORDS = { ok: "healthy", warn: "degraded", bad: "failing", idle: "no requests" };

export function rate(perSecond) {
  if (perSecond <= 0) return "0";
  if (perSecond < 1) return perSecond.toFixed(2);
  if (perSecond < 100) return perSecond.toFixed(1);
  return perSecond < 1000 ? perSecond.toFixed(0) : `${(perSecond / 1000).toFixed(1)}k`;
}

export function percent(ratio) {
  if (ratio === null || ratio === undefined) return MISSING;
  const value = ratio * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value > 99.9 && value < 100) return "> 99.9 %";
  return `${value.toFixed(Math.abs(value) < 0.1 ? 3 : Math.abs(value) < 10 ? 2 : 1)} %`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return MISSING;
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)} ms`;
}

export function count(value) {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

export function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${Math.round(seconds / 86400)} d`;
}
