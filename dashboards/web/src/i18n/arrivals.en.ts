/** Texts of what became of a gateway's readings, in English. */
export default {
  title: 'Readings that came', since: 'since {time}',
  counts: { accepted: 'stored', late: 'of these late', duplicate: 'known already', future: 'ahead of time', ancient: 'too old' },
  help: {
    accepted: 'new, and stored', late: 'came more than a minute after their instant; stored', duplicate: 'came once more, and were not stored again',
    future: 'more than ten minutes ahead of this platform; set aside', ancient: 'older than 400 days, or than what is kept; set aside',
  },
  setAside: 'Readings set aside (the last 50)', none: 'No reading is set aside.',
  columns: { point: 'point', at: 'instant', value: 'value', reason: 'why', received: 'came' },
  reasons: { future: 'ahead of time', ancient: 'too old' },
}
