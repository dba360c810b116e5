/** From lines, limits and moments to what ECharts draws; pure, so that it is tested without a canvas. */

import type { EChartsCoreOption } from 'echarts/core'
import type { Level } from '@/api/types'
import { niceStep } from '@/domain/frame'
import { formatNumber } from '@/domain/numbers'
import type { LinePoint } from '@/domain/series'
import { formatInstant, zoneOffsetMs } from '@/domain/time'

export interface TrendLine {
  id: string
  name: string
  /** The name of a CSS variable, such as `--c1`. */
  colour: string
  points: LinePoint[]
  /** Drawn strong above the others. */
  emphasis?: boolean
}

export interface TrendLimit {
  value: number
  level: Level
  direction: 'high' | 'low'
  text: string
}

export interface TrendMoment {
  atMs: number
  text: string
  /** The name of a CSS variable. */
  colour: string
  /** On which side of its line the text stands; two moments near each other take one side each. */
  side: 'left' | 'right'
}

/** One value that is named in the picture. */
export interface TrendMark {
  atMs: number
  value: number
  text: string
  /** The name of a CSS variable. */
  colour: string
}

export interface Trend {
  lines: TrendLine[]
  limits: TrendLimit[]
  moments: TrendMoment[]
  marks: TrendMark[]
  fromMs: number
  toMs: number
  unit: string
  resolution: number
  zone: string
  /** A slider under the curve; off where space is short. */
  zoomable: boolean
  label: string
}

type Colour = (variable: string) => string

/**
 * ECharts puts its time ticks on the browser's or on UTC midnights, never on the site's. Instants are therefore
 * shifted by the zone's offset and read as UTC, and every text is made from the true instant.
 */
export function shifted(ms: number, zone: string): number {
  return ms + zoneOffsetMs(ms, zone)
}

export function unshifted(shiftedMs: number, zone: string): number {
  return shiftedMs - zoneOffsetMs(shiftedMs - zoneOffsetMs(shiftedMs, zone), zone)
}

export function trendOption(trend: Trend, colour: Colour): EChartsCoreOption {
  const text = { color: colour('--text-3'), fontSize: 11 }
  return {
    animation: false,
    textStyle: { fontFamily: colour('--font') },
    useUTC: true,
    aria: { enabled: true, label: { description: trend.label } },
    grid: { left: 48, right: 76, top: 16, bottom: trend.zoomable ? 58 : 28 },
    tooltip: tooltip(trend, colour),
    xAxis: {
      type: 'time', min: shifted(trend.fromMs, trend.zone), max: shifted(trend.toMs, trend.zone),
      axisLine: { lineStyle: { color: colour('--line-strong') } }, splitLine: { show: false },
      axisLabel: { ...text, hideOverlap: true, formatter: axisText(trend.toMs - trend.fromMs) },
    },
    yAxis: {
      type: 'value', name: trend.unit, nameTextStyle: text, nameGap: 4, scale: true,
      min: bound(trend, 'min'), max: bound(trend, 'max'), minInterval: trend.resolution,
      axisLabel: text, splitLine: { lineStyle: { color: colour('--grid') } },
    },
    dataZoom: trend.zoomable ? [slider(colour)] : [],
    series: [
      ...trend.lines.map((line) => drawn(line, trend, colour)),
      ...trend.lines.flatMap((line) => ended(line, trend, colour)),
      ...trend.marks.map((mark, index) => marked(mark, index, trend.zone, colour)),
      backdrop(trend, colour),
    ],
  }
}

/** The limits belong into the picture: the distance to them is what the curve is looked at for. */
function bound(trend: Trend, end: 'min' | 'max'): (range: { min: number; max: number }) => number {
  const limits = trend.limits.map((limit) => limit.value)
  return (range) => {
    const known = Number.isFinite(range.min) ? range : { min: 0, max: 1 }
    const low = Math.min(known.min, ...limits)
    const high = Math.max(known.max, ...limits)
    return axisEnd(low, high, end)
  }
}

/** An end of the axis that is a whole number of its steps, with some room beyond the data; 0 where the data begin near it. */
export function axisEnd(low: number, high: number, end: 'min' | 'max'): number {
  const span = high - low || Math.abs(high) || 1
  const step = niceStep(span * 1.1, 5)
  if (end === 'max') return Math.ceil((high + span * 0.04) / step) * step
  const bottom = Math.floor((low - span * 0.04) / step) * step
  return low >= 0 ? Math.max(bottom, 0) : bottom
}

function axisText(spanMs: number): Record<string, string> | string {
  if (spanMs < 15 * 60_000) return '{HH}:{mm}:{ss}'
  return { year: '{yyyy}', month: '{MM}-{dd}', day: '{MM}-{dd}', hour: '{HH}:{mm}', minute: '{HH}:{mm}', second: '{HH}:{mm}:{ss}' }
}

function slider(colour: Colour): object {
  return {
    type: 'slider', height: 20, bottom: 6, brushSelect: false, showDetail: false, showDataShadow: false,
    borderColor: colour('--line'), backgroundColor: colour('--surface-2'), fillerColor: colour('--accent-tint'),
    handleStyle: { color: colour('--surface'), borderColor: colour('--accent') },
    moveHandleStyle: { color: colour('--line-strong') },
  }
}

function drawn(line: TrendLine, trend: Trend, colour: Colour): object {
  return {
    id: line.id, name: line.name, type: 'line', connectNulls: false, silent: true, z: line.emphasis ? 4 : 3,
    data: line.points.map(([at, value]) => [shifted(at, trend.zone), value]),
    // A single reading between two gaps has no line to be seen by.
    showSymbol: line.points.length < 60, symbolSize: 3,
    lineStyle: { color: colour(line.colour), width: line.emphasis ? 2.2 : 1.2, opacity: line.emphasis ? 1 : 0.75 },
    itemStyle: { color: colour(line.colour) },
  }
}

/** Where the line stands now: a jump of the last minute would else be lost at the edge of a fortnight. */
function ended(line: TrendLine, trend: Trend, colour: Colour): object[] {
  const last = line.points.findLast(([, value]) => value !== null)
  if (!last || trend.toMs - last[0] > (trend.toMs - trend.fromMs) / 50) return []
  return [{
    id: `${line.id} end`, type: 'line', silent: true, z: 5, tooltip: { show: false }, data: [[shifted(last[0], trend.zone), last[1]]],
    symbol: 'circle', symbolSize: 7, itemStyle: { color: colour(line.colour), borderColor: colour('--surface'), borderWidth: 1 },
  }]
}

function marked(mark: TrendMark, index: number, zone: string, colour: Colour): object {
  return {
    id: `mark ${index}`, type: 'line', silent: true, z: 6, tooltip: { show: false }, data: [[shifted(mark.atMs, zone), mark.value]],
    symbol: 'circle', symbolSize: 9, itemStyle: { color: colour(mark.colour), borderColor: colour('--surface'), borderWidth: 2 },
    label: {
      show: true, position: 'top', formatter: mark.text, color: colour(mark.colour), fontSize: 12, fontWeight: 700,
      backgroundColor: colour('--surface'), padding: [1, 4], borderRadius: 3,
    },
  }
}

/** An empty series that carries limits and moments, so that they stay when lines come and go. */
function backdrop(trend: Trend, colour: Colour): object {
  return {
    id: 'limits', type: 'line', data: [], silent: true,
    markLine: { symbol: 'none', silent: true, data: [...trend.limits.map((l) => limitLine(l, colour)), ...trend.moments.map((m) => momentLine(m, trend.zone, colour))] },
    markArea: { silent: true, data: areas(trend.limits, colour) },
  }
}

function limitLine(limit: TrendLimit, colour: Colour): object {
  return {
    yAxis: limit.value,
    lineStyle: { color: colour(`--l${limit.level}-fill`), width: 1.3, type: 'dashed' },
    label: { formatter: limit.text, position: 'end', color: colour(`--l${limit.level}-ink`), fontSize: 11, fontWeight: 600 },
  }
}

function momentLine(moment: TrendMoment, zone: string, colour: Colour): object {
  return {
    xAxis: shifted(moment.atMs, zone),
    lineStyle: { color: colour(moment.colour), width: 1.6, type: 'solid' },
    label: {
      formatter: moment.text, position: 'insideEndTop', rotate: 0, distance: [0, -2], align: moment.side === 'left' ? 'right' : 'left', color: colour(moment.colour), fontSize: 11, fontWeight: 600,
      backgroundColor: colour('--surface'), padding: [1, 4],
    },
  }
}

/** Each band reaches from its limit to the next of the same direction. */
function areas(limits: TrendLimit[], colour: Colour): object[] {
  return limits.map((limit) => {
    const beyond = limits.filter((other) => other.direction === limit.direction).map((other) => other.value)
    const next = limit.direction === 'high'
      ? Math.min(...beyond.filter((value) => value > limit.value))
      : Math.max(...beyond.filter((value) => value < limit.value))
    const end = Number.isFinite(next) ? { yAxis: next } : {}
    return [{ yAxis: limit.value, itemStyle: { color: colour(`--l${limit.level}-tint`), opacity: 0.6 } }, end]
  })
}

function tooltip(trend: Trend, colour: Colour): object {
  return {
    trigger: 'axis', confine: true, backgroundColor: colour('--surface'), borderColor: colour('--line-strong'),
    textStyle: { color: colour('--text'), fontSize: 12 }, axisPointer: { lineStyle: { color: colour('--line-strong') } },
    formatter: (items: { seriesName: string; color: string; value: [number, number | null] }[]) => tooltipText(items, trend),
  }
}

/** An element rather than markup: names come from configuration and are never read as HTML. */
function tooltipText(items: { seriesName: string; color: string; value: [number, number | null] }[], trend: Trend): HTMLElement {
  const box = document.createElement('div')
  const first = items[0]
  if (!first) return box
  box.append(formatInstant(unshifted(first.value[0], trend.zone), trend.zone, 'full'))
  for (const item of items) {
    if (item.value[1] === null || !trend.lines.some((line) => line.name === item.seriesName)) continue
    const row = box.appendChild(document.createElement('div'))
    const dot = row.appendChild(document.createElement('span'))
    dot.style.cssText = `display:inline-block;width:9px;height:3px;margin-right:6px;vertical-align:middle;background:${item.color}`
    row.append(`${item.seriesName}  ${formatNumber(item.value[1], trend.resolution)} ${trend.unit}`)
  }
  return box
}
