/** One comparison: what we do, what the baseline of the same run does, and what we aim at. */
export interface Figure {
  name: string;
  ours: number;
  baseline: number;
  ratio: number;
  aim: string;
}

const digits = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(2));

export function printReport(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, ours, baseline, ratio, aim }) => ({
    figure: name,
    ours: digits(ours),
    baseline: digits(baseline),
    ratio: ratio.toFixed(2),
    aim,
  }));
  console.table(rows);
}
