/** Numbers and times as people read them. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(value: number): string {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : whole.format(value);
}

/** Something countable, in the right number: `1 resource`, `12 resources`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** `12.5/s`; below one call in ten seconds, by the minute. */
export function rate(perSecond: number): string {
  if (perSecond >= 100) return `${count(perSecond)}/s`;
  if (perSecond >= 0.1) return `${perSecond.toFixed(1)}/s`;
  return perSecond > 0 ? `${Math.max(1, Math.round(perSecond * 60))}/min` : "0/s";
}

export function millis(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 100) return `${value.toFixed(0)} ms`;
  if (value >= 0.1) return `${value.toFixed(1)} ms`;
  return `${Math.round(value * 1000)} µs`;
}

/** `04:00:12.345`, in UTC; what is no time is shown as it came. */
export function clock(time: string, withMillis = true): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return time;
  return at.toISOString().slice(11, withMillis ? 23 : 19);
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/;

/** A cell's text: times as people read them, in UTC; everything else as it is. */
export function cell(text: string): string {
  if (!TIME.test(text)) return text;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString().slice(0, 19).replace("T", " ");
}
