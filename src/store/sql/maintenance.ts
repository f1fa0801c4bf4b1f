/** One thing that was done to a table, or would be. */
export interface PartitionStep {
  readonly table: string;
  /**
   * `set-aside`: new rows go into a table of their own, which the old one stands behind. `proved`:
   * the old rows were read, to know that they are of the past. `divided`: the table has partitions.
   * `made`, `dropped`: one of them.
   */
  readonly what: 'set-aside' | 'proved' | 'divided' | 'made' | 'dropped';
  readonly partition: string;
  /** Rows that were moved to where they belong. */
  readonly moved: number;
}

/** What the partitions of a database needed. */
export interface PartitionMaintenance {
  readonly steps: readonly PartitionStep[];
  /**
   * Tables for whose next time there is no partition, and the role of this process may not make
   * one.
   */
  readonly tablesWithoutPartition: readonly string[];
  /**
   * Seconds between this process's clock and the server's, when they are so many that nothing was
   * done.
   */
  readonly clockDriftSeconds?: number;
}

/** Tables that were never divided need nothing. */
export const NO_MAINTENANCE: PartitionMaintenance = { steps: [], tablesWithoutPartition: [] };
