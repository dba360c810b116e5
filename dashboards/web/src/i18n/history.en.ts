/** Texts of curves over time and of their export, in English. */
export default {
  points: 'Points', add: 'Add a point…', remove: 'Remove {name}', most: 'At most 6 curves', range: 'Range of time',
  spans: { '15m': '15 min', '1h': '1 h', '6h': '6 h', '1d': '24 h', '7d': '7 days', '30d': '30 days', all: 'All' },
  live: 'Live', follow: 'Follow live', following: 'Following live', reset: 'Reset', earlier: 'Earlier', later: 'Later', nearer: 'Zoom in', farther: 'Zoom out',
  help: 'Drag over a stretch to zoom in, double click to reset; arrow keys move the cursor, with Shift the range; + and − zoom, 0 resets.', label: 'History of {names}, {from} to {to}',
  level: { raw: 'every reading', minute: 'a point each {n} min', hour: 'a point each {n} h', day: 'a point each {n} d', second: 'a point each {n} s' }, keptAs: 'Drawn from', none: 'no data', now: 'Newest',
  hole: { lost: 'Readings lost', silent: 'No readings', bad: 'Readings not good' }, count: '{n} readings', few: 'Nothing in this stretch of time',
  reason: { thinned: 'thinned out by the gateway for want of room', evicted: 'given up by the gateway for want of room', damaged: 'damaged on the gateway', disk: 'not taken by the gateway’s disk' },
  alarm: 'Alarm', standing: 'not over', limit: 'limit {n}',
  export: {
    open: 'Export history', title: 'Export a history', points: 'Points', all: 'All', from: 'From', to: 'To', level: 'Level', form: 'Format',
    levels: { raw: 'Every reading', minute: 'Minutes', hour: 'Hours', day: 'Days (UTC)' }, forms: { csv: 'CSV', parquet: 'Parquet' },
    help: 'A file of every reading, of all points, can be replayed. It says who took it and when, units, qualities and gaps; it is kept for 24 hours, for you alone.', start: 'Export', mine: 'My exports', nothing: 'No exports yet.',
    states: { queued: 'waiting', running: 'being written', done: 'done', failed: 'failed', cancelled: 'cancelled', expired: 'expired' },
    why: { disk: 'no room on the server’s disk', error: 'a fault of the server', lost: 'interrupted several times' }, rows: '{n} rows', of: '{n} of about {all} rows', until: 'kept until {time}',
    save: 'Download', cancel: 'Cancel', remove: 'Remove', close: 'Close', pick: 'Choose at least one point.', order: 'The end must lie after the beginning.', zone: 'by the clocks of the site ({zone})',
  },
}
