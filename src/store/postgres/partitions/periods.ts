import { type Instant, instant } from '#kernel/time.ts';

/**
 * How long the time of a partition is. Days, weeks and months of the calendar in UTC; weeks begin
 * on Monday.
 */
export type Every = 'day' | 'week' | 'month';

/** A time from its first second until that of the next. */
export interface Period {
  readonly from: Instant;
  readonly to: Instant;
}

const DAY = 86_400;
/** 1970-01-05, a Monday. */
const MONDAY = 4 * DAY;

const whole = (at: number, length: number, start = 0): Period => {
  const from = Math.floor((at - start) / length) * length + start;
  return { from: instant(from), to: instant(from + length) };
};

/** The day, week or month in which a moment lies. */
export function periodOf(every: Every, at: Instant): Period {
  if (every === 'day') return whole(at, DAY);
  if (every === 'week') return whole(at, 7 * DAY, MONDAY);
  const day = new Date(at * 1000);
  const month = (offset: number) =>
    instant(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + offset) / 1000);
  return { from: month(0), to: month(1) };
}

/**
 * How many periods after the current one have a partition already. Each costs a look-up a little,
 * so they are few.
 */
const AHEAD: Readonly<Record<Every, number>> = { day: 7, week: 3, month: 2 };

/**
 * The times for which a partition is missing, when those before `last` have one. What was missed is
 * one time, until the end of the current period.
 */
export function missingPeriods(every: Every, last: Instant, now: Instant): readonly Period[] {
  let end = periodOf(every, now).to;
  for (let count = 0; count < AHEAD[every]; count += 1) end = periodOf(every, end).to;
  const missing: Period[] = [];
  for (let from = last; from < end; ) {
    const { to } = periodOf(every, instant(Math.max(from, now)));
    missing.push({ from, to });
    from = to;
  }
  return missing;
}
