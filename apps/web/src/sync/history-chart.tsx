import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { SyncRun } from "./sync-api.js";

const HEIGHT_PX = 180;
/** Shown before the first and after the last run: by itself the chart spreads a single one over years. */
const PADDING_S = 600;

/** What the last runs changed, and when. The table beside it says the same in words. */
export function HistoryChart({ runs }: { runs: readonly SyncRun[] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null || runs.length === 0) return;
    const styles = getComputedStyle(element);
    const colour = (name: string) => styles.getPropertyValue(name);
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
    const series = (label: string, name: string) => ({ label, stroke: colour(name), width: 2, points: { show: true } });
    const points = pointsOf(runs);
    const [times] = points;
    const chart = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        axes: [axis, axis],
        scales: { x: { range: () => [(times[0] ?? 0) - PADDING_S, (times.at(-1) ?? 0) + PADDING_S] } },
        series: [{}, series("created", "--up"), series("updated", "--focus"), series("deleted", "--down")],
      },
      points,
      element,
    );
    const follow = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    follow.observe(element);
    return () => {
      follow.disconnect();
      chart.destroy();
    };
  }, [runs]);
  return <div ref={box} className="sync-chart" aria-hidden="true" />;
}

function pointsOf(runs: readonly SyncRun[]): UPlot.AlignedData {
  const oldestFirst = [...runs].reverse().filter(({ status }) => status === "done");
  return [
    oldestFirst.map(({ started_at }) => Date.parse(started_at) / 1_000),
    oldestFirst.map(({ created = 0 }) => created),
    oldestFirst.map(({ updated = 0 }) => updated),
    oldestFirst.map(({ deleted = 0 }) => deleted),
  ];
}
