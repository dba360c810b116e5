import { describe, expect, it } from 'vitest'
import { siteBox } from '@/domain/sitePlan'
import type { CraneLayout, Device, Point } from '@/api/types'
import { craneLayout, elevation, elevationFrame, loadSide, planBox, shortTurn, slewPoint } from '@/domain/crane'
import { fit, niceStep, ticks } from '@/domain/frame'
import { inset, outlinePath, pitFrame, pitPlaces, ringArc } from '@/domain/pit'

const layout: CraneLayout = { kind: 'crane', x_m: 20, y_m: 30, jib_m: 56, counter_jib_m: 13, mast_m: 40 }
const frame = elevationFrame(layout, 600, 400)
const pose = { radiusM: 28, hookHeightM: 20, slewDeg: 0, loadT: 2, falls: 2 }

describe('a frame', () => {
  const square = fit({ minX: 0, minY: 0, maxX: 10, maxY: 10 }, 200, 100, { top: 0, right: 0, bottom: 0, left: 0 })
  it('has one scale for both axes and stands in the middle', () => {
    expect(square.scale).toBe(10)
    expect(square.x(0)).toBe(50)
  })
  it('has y upwards', () => {
    expect(square.y(0)).toBe(100)
    expect(square.y(10)).toBe(0)
  })
  it('has round steps', () => {
    expect([niceStep(56, 5), niceStep(40, 4), niceStep(7, 5)]).toEqual([20, 10, 2])
    expect(ticks(40, 10)).toEqual([10, 20, 30, 40])
  })
})

describe('the elevation', () => {
  it('puts the trolley at the radius and the hook at its height', () => {
    const drawn = elevation(layout, pose, frame)
    expect(drawn.trolleyX).toBeCloseTo(frame.x(28))
    expect(drawn.hookY).toBeCloseTo(frame.y(20))
  })
  it('draws no trolley where the radius is not known', () => {
    expect(elevation(layout, { ...pose, radiusM: null }, frame).trolleyX).toBeNull()
  })
  it('keeps an absurd radius on the jib', () => {
    expect(elevation(layout, { ...pose, radiusM: 400 }, frame).trolleyX).toBeCloseTo(frame.x(56))
  })
  it('hangs nothing on an empty hook', () => {
    expect(loadSide(0.05, 8)).toBe(0)
    expect(loadSide(null, 8)).toBe(0)
    expect(loadSide(4, 8)).toBeCloseTo(2 * loadSide(1, 8))
  })
  it('needs every dimension', () => {
    const device = (given: object) => ({ layout: given }) as unknown as Device
    expect(craneLayout(device({ ...layout }))).toEqual(layout)
    expect(craneLayout(device({ ...layout, jib_m: undefined }))).toBeNull()
  })
})

describe('the plan', () => {
  it('shows a pit that the crane reaches whole', () => {
    expect(planBox(layout, [[[36, 14], [90, 14], [90, 52], [36, 52]]])).toEqual({ minX: -37, maxX: 92, minY: -27, maxY: 87 })
  })
  it('does not shrink the crane for a pit that is too large or out of reach', () => {
    expect(planBox(layout, [[[36, 14], [900, 14], [900, 52]]]).maxX).toBe(77)
    expect(planBox(layout, [[[300, 300], [310, 300], [310, 310]]]).maxX).toBe(77)
  })
})

describe('slewing', () => {
  it('starts at north and goes clockwise', () => {
    expect(slewPoint(0, 10)).toEqual({ x: 0, y: 10 })
    expect(slewPoint(90, 10).x).toBeCloseTo(10)
  })
  it('takes the short way round', () => {
    expect(shortTurn(359, 1)).toBeCloseTo(2)
    expect(shortTurn(1, 359)).toBeCloseTo(-2)
    expect(shortTurn(10, 100)).toBeCloseTo(90)
    expect(shortTurn(-530, 530)).toBeCloseTo(-20)
  })
})

describe('a pit', () => {
  const point = (key: string, kind: string) => ({ id: `pit-1/${key}`, key, kind, limits: [] }) as unknown as Point
  const horizontal = 'pit.displacement.horizontal'
  const device = {
    layout: { kind: 'pit', outline_m: [[0, 0], [40, 0], [40, 25], [0, 25]], depth_m: 12, points_m: { h1: [0, 12] } },
    points: [
      point('h1', horizontal), point('h1.cumulative', `${horizontal}.cumulative`), point('h1_rate', `${horizontal}.rate`),
      point('h2.cumulative', `${horizontal}.cumulative`),
    ],
  } as unknown as Device
  it('brings raw, cumulative and rate of one place together', () => {
    const [first, second] = pitPlaces(device)
    expect([first?.raw?.key, first?.cumulative?.key, first?.rate?.key]).toEqual(['h1', 'h1.cumulative', 'h1_rate'])
    expect(first?.at).toEqual([0, 12])
    expect([second?.key, second?.at, second?.raw]).toEqual(['h2', null, null])
  })
  it('is drawn closed', () => {
    const frame = pitFrame(device.layout as never, 300, 200)
    expect(outlinePath([[0, 0], [40, 0], [40, 25]], frame)).toMatch(/^M.*L.*L.*Z$/)
  })
  it('has a floor around the same middle', () => {
    expect(inset([[0, 0], [40, 0], [40, 20], [0, 20]], 0.5)[0]).toEqual([10, 5])
  })
  it('rings a point by its share of the control value', () => {
    expect(ringArc(0, 0, 10, 0)).toBe('')
    expect(ringArc(0, 0, 10, 0.25)).toMatch(/0 0 1 10 /)
    expect(ringArc(0, 0, 10, 0.75)).toMatch(/0 1 1 -10 /)
    expect(ringArc(0, 0, 10, 3)).not.toContain('NaN')
  })
})

describe('the plan of a site', () => {
  it('holds every jib circle and every pit', () => {
    const crane = { kind: 'crane', x_m: 10, y_m: 0, jib_m: 50, counter_jib_m: 10, mast_m: 40 } as const
    const pit = { kind: 'pit', depth_m: 5, points_m: {}, outline_m: [[70, 5], [90, 5], [90, 20]] as [number, number][] } as const
    expect(siteBox([crane], [{ ...pit, outline_m: [...pit.outline_m] }])).toEqual({ minX: -40, maxX: 90, minY: -50, maxY: 50 })
  })
  it('of nothing is still a box', () => {
    expect(siteBox([], [])).toEqual({ minX: 0, maxX: 1, minY: 0, maxY: 1 })
  })
})
