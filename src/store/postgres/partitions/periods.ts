import { type Instant, instant } from '#kernel/time.ts';

/**
 * How long the time of a partition is. Days, weeks and months of the calendar in UTC; weeks begin
 * on Monday.
 */
export type PartitionInterval = 'day' | 'week' | 'month';

/** A time from its first second until that of the next. */
export interface Period {
  readonly from: Instant;
  readonly to: Instant;
}

const DAY_SECONDS = 86_400;
/** 1970-01-05, a Monday. */
const FIRST_MONDAY = 4 * DAY_SECONDS;

const periodOfLength = (at: number, length: number, start = 0): Period => {
  const from = Math.floor((at - start) / length) * length + start;
  return { from: instant(from), to: instant(from + length) };
};

/** The day, week or month in which a moment lies. */
export function periodContaining(interval: PartitionInterval, at: Instant): Period {
  if (interval === 'day') return periodOfLength(at, DAY_SECONDS);
  if (interval === 'week') return periodOfLength(at, 7 * DAY_SECONDS, FIRST_MONDAY);
  const day = new Date(at * 1000);
  const month = (offset: number) =>
    instant(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + offset) / 1000);
  return { from: month(0), to: month(1) };
}

/**
 * How many periods after the current one have a partition already. Each costs a look-up a little,
 * so they are few.
 */
const PERIODS_AHEAD: Readonly<Record<PartitionInterval, number>> = { day: 7, week: 3, month: 2 };

/**
 * The times for which a partition is missing, when those before `last` have one. What was missed is
 * one time, until the end of the current period.
 */
export function missingPeriods(
  interval: PartitionInterval,
  last: Instant,
  now: Instant,
): readonly Period[] {
  let end = periodContaining(interval, now).to;
  for (let count = 0; count < PERIODS_AHEAD[interval]; count += 1)
    end = periodContaining(interval, end).to;
  const missing: Period[] = [];
  for (let from = last; from < end; ) {
    const { to } = periodContaining(interval, instant(Math.max(from, now)));
    missing.push({ from, to });
    from = to;
  }
  return missing;
}
