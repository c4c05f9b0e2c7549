/** One line of the report: what we do, what a baseline of the same run does where there is one, and what we aim at. */
export interface Figure {
  name: string;
  ours: number;
  /** Without one, the figure says more of the machine than of us. */
  baseline?: number;
  aim: string;
}

const digits = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(2));

export function printReport(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, ours, baseline, aim }) => ({
    figure: name,
    ours: digits(ours),
    baseline: baseline === undefined ? "" : digits(baseline),
    ratio: baseline === undefined ? "" : (ours / baseline).toFixed(2),
    aim,
  }));
  console.table(rows);
}
