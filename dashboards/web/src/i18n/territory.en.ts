/** The same in English. */
import type zh from './territory.zh'

const en: typeof zh = {
  title: 'Hazards of all sites', inbox: 'To do', all: 'All hazards', inboxCount: '{n} to do',
  status: 'Status', site: 'Site', category: 'Category', everywhere: 'All sites', anyCategory: 'All categories', mode: 'Records', live: 'Real', drill: 'Drills', marks: 'Only', overdue: 'Overdue', listed: 'Listed for supervision',
  levels: 'Level', anyLevel: 'All', none: 'No hazard fits.', reset: 'Clear filters', drillMark: 'Drill', repeat: 'Repeated, no. {n}', step: 'Supervision step {n}', due: 'Due {time}', opened: 'Opened {time}', filed: 'Filed by a person',
  controls: { partial_stop: 'Part of the work stopped', stop_work: 'Work stopped', evacuated: 'People are out' },
  nothing: 'Nothing waits for you.', most: 'Only the {n} that are due first, of {total}.', left: '{time} left', late: 'late by {time}', noDate: 'no date', everything: 'All',
  patterns: {
    title: 'Common and repeated problems', none: 'Nothing in common and nothing repeated of late.', more: 'and {n} more',
    enterprise_clause: 'the same clause at {n} projects of this enterprise within {days} days: inspect specially', county_clause: 'the same clause at {n} projects of this territory within {days} days: inspect specially',
    repeat: 'the same danger {n} times within {days} days', sensor_fault: '{n} alarms judged to be sensor faults within {days} days: look at devices of this model',
  },
  why: {
    judge: 'Judge', plan: 'Plan the rectification', accept_plan: 'Accept the plan', rectify: 'Rectify and submit', decide_extension: 'Decide on more time', review: 'Review', review_by_supervision: 'Review by the supervision', review_by_authority: 'Review by the authority',
    close: 'Close', list: 'Proposed for listing', escalate: 'Proposed step', acknowledge: 'Acknowledge',
  },
}
export default en
